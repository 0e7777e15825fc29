"""Whether an edition goes, decided at the desk: approved, held, skipped, sent now, and taken back.

Before each stands a page that says what it means: for which version, for how many, when. What is sent or
approved there is the mail that the page was about; when it reads otherwise by then, nothing is done.
"""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import HTTPException, Response

from newsletter.errors import Misuse, Refused
from newsletter.models import EditionState
from newsletter.services import deciding, dispatching, foreseeing, sending, showing
from newsletter.services.dispatching import Seen
from newsletter.web.desk.checks import checked
from newsletter.web.desk.edition import PATH, OurEdition
from newsletter.web.desk.guard import desk_doors
from newsletter.web.requests import FormFields
from newsletter.web.rights import Rights
from newsletter.web.words import when

doors = desk_doors()

ACTS = ("approve", "hold", "skip", "send")


@doors.get(f"{PATH}/decide/{{act}}", rights=Rights.PUBLISHER)
def ask(ours: OurEdition, act: str) -> Response:
    """What the act means, with exact figures, before it is done."""
    if act not in ACTS:
        raise HTTPException(404)
    runtime, now = ours.desk.runtime, ours.desk.now
    found = showing.lay_open(runtime, ours.newsletter, ours.slug, now)
    counts = act in ("approve", "send")
    return ours.desk.plain(
        "desk/decide.html", act=act, found=found, edition=found.edition, newsletter=ours.newsletter,
        path=ours.path, name=ours.name, zone=ours.newsletter.timezone,
        checked=checked(runtime, ours.newsletter, found.edition, now),
        people=foreseeing.count(runtime, ours.newsletter, ours.slug, now) if counts else None,
        mail=foreseeing.hash_of(runtime, ours.newsletter, ours.slug) if counts else "",
    )  # fmt: skip


@doors.post(f"{PATH}/approve", rights=Rights.PUBLISHER)
def approve(ours: OurEdition, fields: FormFields) -> Response:
    seen = _seen(fields)
    found = deciding.approve(
        ours.desk.runtime, ours.newsletter, ours.slug, ours.desk.now, who=ours.desk.who, version=seen.version,
        seen=seen.mail,
    )  # fmt: skip
    if found.by_hand:
        told = "It waits for somebody to send it."
    elif found.due_at <= ours.desk.now:
        told = "It goes out at once."
    else:
        told = f"It goes out {when(found.due_at, ours.newsletter.timezone)}."
    return ours.desk.go(ours.path, f"Approved: exactly this mail, {seen.mail[:12]}. {told}")


@doors.post(f"{PATH}/withdraw", rights=Rights.PUBLISHER)
def withdraw(ours: OurEdition, v: int | None = None) -> Response:
    deciding.withdraw(
        ours.desk.runtime, ours.newsletter, ours.slug, ours.desk.now, who=ours.desk.who, version=v
    )
    return ours.done("The approval is withdrawn.")


@doors.post(f"{PATH}/hold", rights=Rights.PUBLISHER)
def hold(ours: OurEdition, fields: FormFields) -> Response:
    deciding.hold(
        ours.desk.runtime, ours.newsletter, ours.slug, ours.desk.now, who=ours.desk.who,
        why=fields.get("why", ""), version=_version(fields),
    )  # fmt: skip
    return ours.desk.go(ours.path, "Held. Nothing goes out until somebody approves it.")


@doors.post(f"{PATH}/skip", rights=Rights.PUBLISHER)
def skip(ours: OurEdition, fields: FormFields) -> Response:
    deciding.skip(
        ours.desk.runtime, ours.newsletter, ours.slug, ours.desk.now, who=ours.desk.who,
        why=fields.get("why", ""), version=_version(fields),
    )  # fmt: skip
    return ours.desk.go(ours.path, "Skipped. Its stories wait for the next edition.")


@doors.post(f"{PATH}/unskip", rights=Rights.PUBLISHER)
def unskip(ours: OurEdition) -> Response:
    found = deciding.unskip(ours.desk.runtime, ours.newsletter, ours.slug, ours.desk.now, who=ours.desk.who)
    is_held = found.state == EditionState.HELD
    return ours.done(
        "Taken back; it is held, for its time has passed." if is_held else "It is a draft again."
    )


@doors.post(f"{PATH}/send", rights=Rights.PUBLISHER)
def send(ours: OurEdition, fields: FormFields) -> Response:
    """In a minute, to as many as were typed; until then it can be undone."""
    typed = fields.get("count", "").replace(",", "").replace(" ", "")
    if not (typed.isascii() and typed.isdecimal() and len(typed) < 12):
        raise Misuse(
            "Nobody was mailed: the number of people is missing.", next_step="Type how many it goes to."
        )
    dispatch = dispatching.send_seen(
        ours.desk.runtime, ours.newsletter, ours.slug, ours.desk.now, _seen(fields), people=int(typed),
        who=ours.desk.who,
    )  # fmt: skip
    return ours.desk.go(
        ours.path,
        f"It goes to {dispatch.people:,} in a minute. Until then you can undo it; nobody has it yet.",
    )


@doors.post(f"{PATH}/undo", rights=Rights.PUBLISHER)
def undo(ours: OurEdition) -> Response:
    """Takes back a send by hand while nobody has begun it."""
    runtime, now = ours.desk.runtime, ours.desk.now
    found = showing.lay_open(runtime, ours.newsletter, ours.slug, now)
    if found.can_undo and sending.unfreeze(
        runtime, ours.newsletter, found.edition.id or 0, now, who=ours.desk.who
    ):
        return ours.done("Undone: nobody was mailed.")
    raise Refused(
        f"{ours.name} cannot be undone: nobody has sent it by hand, or it has begun.",
        next_step="Pause it on its Sending page, or hold it if it has not begun.",
    )


def _seen(fields: Mapping[str, str]) -> Seen:
    version = _version(fields)
    if version is None or not fields.get("mail"):
        raise Misuse(
            "It is not said which mail was seen; nothing was done.", next_step="Open the page anew and look."
        )
    return Seen(version, fields["mail"][:64])


def _version(fields: Mapping[str, str]) -> int | None:
    text = fields.get("version", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None
