"""An editor's hand at the desk: what is moved, pinned, dropped, worded, added, tested and had back.

Each act is one small command with the version that it saw (`v`). What touches different things merges; of
two who changed the same, the second is shown both and decides.
"""

from __future__ import annotations

from datetime import time

from fastapi import Response
from fastapi.responses import HTMLResponse

from newsletter.errors import Misuse
from newsletter.feeds.clean import web_address
from newsletter.feeds.files import draft_of
from newsletter.models import ArticleKind, Slot
from newsletter.schedule import due_instant
from newsletter.services import dispatching, editing, gathering, shaping, showing, waiving
from newsletter.services.dispatching import Tested
from newsletter.values import NO_PICTURE
from newsletter.web.desk.acts import (
    act,
    article_in,
    edition_of,
    number_in,
    pinned,
    place_in,
    position_in,
    version_seen,
)
from newsletter.web.desk.edition import PAGE, PATH, OurEdition
from newsletter.web.desk.guard import desk_doors
from newsletter.web.headers import DESK
from newsletter.web.pages import html
from newsletter.web.requests import FormFields
from newsletter.web.rights import Rights

doors = desk_doors()

BY_HAND = ("title", "summary", "section", "byline")


# ── places ──────────────────────────────────────────────────────────────────────────────────────


@doors.post(f"{PATH}/pin", rights=Rights.EDITOR)
def pin(ours: OurEdition, fields: FormFields, v: int | None = None, lead: str = "") -> Response:
    """Keeps an entry where it stands, with `to` somewhere else, or makes it the `lead`."""
    number = article_in(fields)
    where = {**fields, "to": "lead/"} if lead else fields
    return act(ours, where, v, "Pinned", lambda hand: pinned(ours, number, where, hand))


@doors.post(f"{PATH}/unpin", rights=Rights.EDITOR)
def unpin(ours: OurEdition, fields: FormFields, v: int | None = None) -> Response:
    number = article_in(fields)
    return act(
        ours, fields, v, "Left to the machine",
        lambda hand: shaping.unpin(*edition_of(ours), number, ours.desk.now, hand),
    )  # fmt: skip


@doors.post(f"{PATH}/move", rights=Rights.EDITOR)
def move(ours: OurEdition, fields: FormFields, v: int | None = None) -> Response:
    """`to` is slot/section, `place` counts from 1 there."""
    number = article_in(fields)
    slot, section = place_in(fields)
    return act(
        ours, fields, v, "Moved",
        lambda hand: shaping.move(
            *edition_of(ours), number, ours.desk.now, hand,
            slot=slot, section=section, position=position_in(fields),
        ),
    )  # fmt: skip


@doors.post(f"{PATH}/drop", rights=Rights.EDITOR)
def drop(ours: OurEdition, fields: FormFields, v: int | None = None) -> Response:
    number = article_in(fields)
    return act(
        ours, fields, v, "Dropped", lambda hand: shaping.drop(*edition_of(ours), number, ours.desk.now, hand)
    )


@doors.post(f"{PATH}/put-back", rights=Rights.EDITOR)
def put_back(ours: OurEdition, fields: FormFields, v: int | None = None) -> Response:
    number = article_in(fields)
    return act(
        ours,
        fields,
        v,
        "Put back",
        lambda hand: shaping.put_back(*edition_of(ours), number, ours.desk.now, hand),
    )


# ── words ───────────────────────────────────────────────────────────────────────────────────────


@doors.post(f"{PATH}/reword", rights=Rights.EDITOR)
def reword(ours: OurEdition, fields: FormFields, v: int | None = None) -> Response:
    """Words that are what came with the article are not the editor's own; `revert` gives those back.

    Only what was changed in the form counts (`was_…` is what it showed), so that of two who word
    headline and summary of one entry neither undoes the other.
    """
    number = article_in(fields)
    article = gathering.show_article(ours.desk.runtime, str(number)).article
    came = {"headline": article.title, "summary": article.summary}
    said: dict[str, str | None] = {"headline": None, "summary": None}
    if revert := fields.get("revert", ""):
        said = {name: "" if revert in (name, "both") else None for name in said}
    else:
        for name in said:
            text = fields.get(name)
            if text is not None and text != fields.get(f"was_{name}"):
                said[name] = "" if text.strip() == came[name] else text
    if said == {"headline": None, "summary": None}:
        raise Misuse("Nothing was changed.", next_step="Write other words, or leave them.")
    return act(
        ours, fields, v, "Worded",
        lambda hand: shaping.reword(
            *edition_of(ours), number, ours.desk.now, hand, headline=said["headline"], summary=said["summary"]
        ),
    )  # fmt: skip


@doors.post(f"{PATH}/picture", rights=Rights.EDITOR)
def picture(ours: OurEdition, fields: FormFields, v: int | None = None) -> Response:
    """`which` is the picture that came, none, or another, whose `address` it is; `alt` says what it shows.

    Only what was changed in the form counts: old words are not said of another picture.
    """
    number = article_in(fields)
    chosen = {"came": "", "none": NO_PICTURE, "other": fields.get("address", "").strip()}
    which, alt = fields.get("which", ""), fields.get("alt", "")
    if which not in chosen or (which == "other" and not chosen["other"]):
        raise Misuse(
            "It is not said which picture.", next_step="Choose one, or write the address of another."
        )
    address = chosen[which] if chosen[which] != fields.get("was_picture") else None
    words = alt if alt != fields.get("was_alt") else None
    if address is None and words is None:
        raise Misuse("Nothing was changed.", next_step="Choose another picture, or leave it.")
    return act(
        ours, fields, v, "Worded",
        lambda hand: shaping.reword(
            *edition_of(ours), number, ours.desk.now, hand, picture=address, picture_alt=words
        ),
    )  # fmt: skip


@doors.post(f"{PATH}/subject", rights=Rights.EDITOR)
def subject(ours: OurEdition, fields: FormFields, v: int | None = None) -> Response:
    """An empty one gives the lead's headline back."""
    words = fields.get("subject", "")
    return act(
        ours,
        fields,
        v,
        "Subject",
        lambda hand: shaping.set_subject(*edition_of(ours), words, ours.desk.now, hand),
    )


@doors.post(f"{PATH}/preheader", rights=Rights.EDITOR)
def preheader(ours: OurEdition, fields: FormFields, v: int | None = None) -> Response:
    """An empty one gives the first headlines back."""
    words = fields.get("preheader", "")
    return act(
        ours, fields, v, "Preheader",
        lambda hand: shaping.set_preheader(*edition_of(ours), words, ours.desk.now, hand),
    )  # fmt: skip


# ── what comes in ───────────────────────────────────────────────────────────────────────────────


@doors.post(f"{PATH}/add", rights=Rights.EDITOR)
def add(ours: OurEdition, fields: FormFields, v: int | None = None) -> Response:
    """An article of the pool by number or address; the page of an address that is new is read."""
    which, runtime = fields.get("which", "").strip(), ours.desk.runtime
    if not which:
        raise Misuse("Nothing is named.", next_step="Write an article's address, or its number.")
    try:
        number = gathering.show_article(runtime, which).article.id or 0
    except Misuse:
        if not web_address(which):
            raise
        number = gathering.add_by_address(runtime, which, {}, ours.desk.now).id or 0
    return act(ours, fields, v, "Added", lambda hand: pinned(ours, number, fields, hand))


@doors.post(f"{PATH}/write", rights=Rights.EDITOR)
def write(ours: OurEdition, fields: FormFields, v: int | None = None) -> Response:
    """An article of a person's own hand; a note or a sponsor stands in its own slot."""
    slot, _ = place_in(fields)
    kind = slot.value if slot in (Slot.NOTE, Slot.SPONSOR, Slot.VIDEO) else ArticleKind.STORY.value
    given = {name: fields[name] for name in BY_HAND if fields.get(name)}
    now = ours.desk.now
    written = {"url": fields.get("url", ""), "kind": kind, "published_at": now.isoformat(), **given}
    try:
        draft = draft_of(written)
    except Misuse as error:
        raise Misuse(
            f"It was not added: {error.sentence}.", next_step="Mend the form and add it again."
        ) from error
    number = gathering.add_article(ours.desk.runtime, draft, now).id or 0
    return act(ours, fields, v, "Added", lambda hand: pinned(ours, number, fields, hand))


@doors.post(f"{PATH}/extra", rights=Rights.EDITOR)
def extra(ours: OurEdition, fields: FormFields) -> Response:
    """A further edition of today, at a time (`at`, HH:MM), or for somebody to send."""
    desk, newsletter, text = ours.desk, ours.newsletter, fields.get("at", "").strip()
    showing.lay_open(desk.runtime, newsletter, ours.slug, desk.now)  # asked for from an edition that there is
    due_at = None
    if text:
        try:
            at = time.fromisoformat(text)
        except ValueError as error:
            raise Misuse(f"{text[:20]!r} is no time of day.", next_step="Write it like 15:00.") from error
        due_at = due_instant(desk.now.astimezone(newsletter.zone).date(), at, newsletter.zone)
    made = editing.draft_extra(desk.runtime, newsletter, desk.now, due_at=due_at, who=desk.who)
    told = "It waits for somebody to send it." if due_at is None else "It goes at its time."
    return desk.go(f"/desk/editions/{newsletter.slug}/{made.slug}", f"A new extra edition. {told}")


# ── back, and out to the newsroom ───────────────────────────────────────────────────────────────


@doors.post(f"{PATH}/restore", rights=Rights.EDITOR)
def restore(ours: OurEdition, fields: FormFields, v: int | None = None) -> Response:
    past = number_in(fields.get("past", ""), "version")
    return act(
        ours,
        fields,
        v,
        "Restored",
        lambda hand: shaping.restore(*edition_of(ours), past, ours.desk.now, hand),
    )


@doors.post(f"{PATH}/waive", rights=Rights.EDITOR)
def waive(ours: OurEdition, fields: FormFields, v: int | None = None) -> Response:
    """Lets a warning stand, with a reason that stays on the record."""
    number = fields.get("article", "")
    found = waiving.waive(
        *edition_of(ours), fields.get("code", ""), number_in(number, "article") if number else None,
        ours.desk.now, who=ours.desk.who, why=fields.get("why", ""), version=version_seen(fields, v),
    )  # fmt: skip
    return ours.done("It stands." if len(found) == 1 else f"They stand, {len(found)} of them.")


@doors.post(f"{PATH}/test", rights=Rights.EDITOR)
def test(ours: OurEdition, fields: FormFields) -> Response:
    """A copy to each chosen address, with what the relay said of each."""
    desk = ours.desk
    chosen = [text for name, text in sorted(fields.items()) if name.startswith("proof")]
    tested = dispatching.send_tests(*edition_of(ours), chosen, desk.now, who=desk.who)
    if not desk.visit.is_fragment:
        return desk.plain("desk/tested.html", tested=tested, name=ours.name, path=ours.path)
    parts = PAGE.read(desk.runtime, ours.name, desk.person.role, desk.now).parts
    return HTMLResponse("\n".join([_told(tested), *parts]), headers=DESK)


def _told(tested: tuple[Tested, ...]) -> str:
    return html("desk/edition/tested.html", tested=tested)
