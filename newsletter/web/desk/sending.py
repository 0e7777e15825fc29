"""Sending: one run as it goes, and what a person may do about it.

The bar, the rate and what is left come over the stream; so does what holds it back. Whoever is in doubt
is listed with the two answers that there are, and `send to the N` plans exactly those that it lists.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, HTTPException, Response

from newsletter.config import NewsletterSettings
from newsletter.errors import Misuse
from newsletter.runtime import Runtime
from newsletter.services import mending, relaying, steering, watching
from newsletter.services.many import MANY
from newsletter.services.steering import Refusals
from newsletter.values import Sums
from newsletter.web.desk.guard import desk_doors
from newsletter.web.desk.pages import Desk, OurDesk, Page, Values
from newsletter.web.requests import FormFields
from newsletter.web.rights import Rights

doors = desk_doors()

PATH = "/desk/editions/{newsletter}/{slug}/sending"


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of the bar: how many of an outcome, and where it stands, in per cent."""

    outcome: str
    count: int
    start: float
    width: float


def _pieces(sums: Sums) -> list[Piece]:
    """In the order in which good turns to bad; what is queued is the bar's ground."""
    pieces, start = [], 0.0
    for outcome in ("sent", "deferred", "unknown", "failed", "expired", "cancelled"):
        count = getattr(sums, outcome)
        width = 100 * count / sums.total if count else 0.0
        if count:
            pieces.append(Piece(outcome, count, start, width))
        start += width
    return pieces


def _values(runtime: Runtime, about: str, now: datetime) -> Values:
    newsletter, slug = _named(runtime, about)
    found = watching.run(runtime, newsletter, slug, now)
    return {
        "found": found, "newsletter": newsletter, "zone": newsletter.timezone,
        "pieces": _pieces(found.line.sums), "path": f"/desk/editions/{about}/sending",
        "many": MANY,
    }  # fmt: skip


def _named(runtime: Runtime, about: str) -> tuple[NewsletterSettings, str]:
    """Raises Misuse for a newsletter that is unknown."""
    head, _, slug = about.partition("/")
    return runtime.newsletter(head), slug


PAGE = Page(
    "sending",
    "desk/sending.html",
    ("desk/sending/run.html", "desk/sending/doubt.html", "desk/sending/words.html", "desk/sending/acts.html"),
    _values,
)


@dataclass(frozen=True, slots=True)
class Steered:
    """An edition that somebody steers."""

    desk: Desk
    newsletter: NewsletterSettings
    slug: str

    @property
    def name(self) -> str:
        return f"{self.newsletter.slug}/{self.slug}"

    def done(self, sentence: str) -> Response:
        return self.desk.done(sentence, PAGE, self.name, back=f"/desk/editions/{self.name}/sending")


def _steered(desk: OurDesk, newsletter: str, slug: str) -> Steered:
    return Steered(desk, desk.runtime.newsletter(newsletter), slug)


OurRun = Annotated[Steered, Depends(_steered)]


@doors.get(PATH, rights=Rights.EDITOR)
def sending(desk: OurDesk, newsletter: str, slug: str) -> Response:
    return desk.show(PAGE, f"{newsletter}/{slug}")


@doors.get(f"{PATH}/missing", rights=Rights.PUBLISHER)
def missing(run: OurRun) -> Response:
    found = watching.who_is_missing(run.desk.runtime, run.newsletter, run.slug, run.desk.now)
    return run.desk.plain(
        "desk/missing.html", missing=found, newsletter=run.newsletter, name=run.name, many=MANY
    )


@doors.get(f"{PATH}/sure/{{act}}", rights=Rights.PUBLISHER)
def ask(run: OurRun, act: str) -> Response:
    """Before what cannot be taken back: a tick when it falls on few, their number when on many."""
    found = watching.run(run.desk.runtime, run.newsletter, run.slug, run.desk.now)
    sums = found.line.sums
    if act == "send-missing":
        people = watching.who_is_missing(run.desk.runtime, run.newsletter, run.slug, run.desk.now).people
    elif act in ("cancel", "count-sent", "resend"):
        people = sums.total if act == "cancel" else sums.unknown
    else:
        raise HTTPException(404)
    return run.desk.plain(
        "desk/sure.html", act=act, people=people, sums=sums, name=run.name, is_many=people >= MANY
    )


@doors.post(f"{PATH}/pause", rights=Rights.PUBLISHER)
def pause(run: OurRun) -> Response:
    steering.pause(run.desk.runtime, run.newsletter, run.slug, run.desk.now, who=run.desk.who)
    return run.done("Paused. What is on the wire settles; nothing more begins.")


@doors.post(f"{PATH}/resume", rights=Rights.PUBLISHER)
def resume(run: OurRun, fields: FormFields) -> Response:
    """After a trip of the breaker `refusals` says what is to become of those who were refused."""
    chosen = {"accept": Refusals.ACCEPT, "retry": Refusals.RETRY}.get(fields.get("refusals", ""))
    again = steering.resume(
        run.desk.runtime, run.newsletter, run.slug, run.desk.now, who=run.desk.who,
        refusals=chosen or Refusals.UNDECIDED,
    )  # fmt: skip
    return run.done("It goes on." + (f" {again:,} who were refused are tried again." if again else ""))


@doors.post(f"{PATH}/cancel", rights=Rights.PUBLISHER)
def cancel(run: OurRun, fields: FormFields) -> Response:
    if fields.get("sure") != "yes" and not fields.get("count"):
        raise Misuse(
            "Nothing was cancelled: it is for good, and wants a tick.", next_step="Tick the box first."
        )
    sums = steering.cancel(
        run.desk.runtime, run.newsletter, run.slug, run.desk.now, who=run.desk.who, count=_typed(fields)
    )
    return run.done(f"Cancelled: {sums.sent:,} have it, {sums.cancelled:,} will not get it.")


@doors.post(f"{PATH}/use-relay", rights=Rights.PUBLISHER)
def use_relay(run: OurRun, fields: FormFields) -> Response:
    """Probes first: nobody should find out by an edition that the other one is down, too."""
    name = fields.get("relay", "")
    if name != relaying.AUTO:
        (line,) = relaying.probe(run.desk.runtime, name, run.desk.now, who=run.desk.who)
        if not line.is_up:
            raise Misuse(
                f"{name} cannot be used: {line.trouble}", next_step="Nothing was changed; choose another."
            )
    relaying.use(run.desk.runtime, name, run.desk.now, who=run.desk.who)
    told = "The rule chooses the relay again." if name == relaying.AUTO else f"All mail goes over {name} now."
    return run.done(told)


@doors.post(f"{PATH}/count-sent", rights=Rights.PUBLISHER)
def count_sent(run: OurRun, fields: FormFields) -> Response:
    done = mending.count_sent(
        run.desk.runtime, run.newsletter, run.slug, _whom(fields), run.desk.now, who=run.desk.who,
        count=_typed(fields),
    )  # fmt: skip
    return run.done(f"Counted as sent: {done.people:,}.")


@doors.post(f"{PATH}/resend", rights=Rights.PUBLISHER)
def resend(run: OurRun, fields: FormFields) -> Response:
    done = mending.resend(
        run.desk.runtime, run.newsletter, run.slug, _whom(fields), run.desk.now, dry_run=False,
        who=run.desk.who, count=_typed(fields),
    )  # fmt: skip
    return run.done(f"Sent again: {done.people:,}. Who had it already gets it twice.")


@doors.post(f"{PATH}/send-missing", rights=Rights.PUBLISHER)
def send_missing(run: OurRun, fields: FormFields) -> Response:
    """`people` is the number on the button: when it is another by now, nobody is mailed unasked."""
    now = run.desk.now
    found = watching.who_is_missing(run.desk.runtime, run.newsletter, run.slug, now)
    if fields.get("people") != str(found.people):
        raise Misuse(
            f"There are {found.people:,} by now who have not received it; nobody was mailed.",
            next_step="Look at the list again.",
        )
    done = mending.send_missing(
        run.desk.runtime, run.newsletter, run.slug, now, dry_run=False, who=run.desk.who, count=_typed(fields)
    )
    return run.done(f"It goes to the {done.people:,} who have not received it.")


def _typed(fields: Mapping[str, str]) -> int | None:
    """How many, as somebody typed it, with or without separators; -1 for what is no number."""
    text = fields.get("count", "").replace(",", "").replace(" ", "")
    if not text:
        return None
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 12 else -1


def _whom(fields: Mapping[str, str]) -> list[str] | None:
    """One address, or everybody in doubt, which must have been said."""
    if fields.get("all") == "yes":
        return None
    if not fields.get("reader"):
        raise Misuse("Nobody is chosen.", next_step="Choose one reader, or all of them.")
    return [fields["reader"]]
