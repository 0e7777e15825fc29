"""Letters: which there are, whom they go to, and what stands in them.

Whoever makes a letter necessary asks for it in the same transaction. A `key` names what the letter is
for, so that nothing asks twice: the hash of the token that it carries, say, or the moment of a leave.
The courier composes it when its turn has come. Links that live as long as their key (leave,
preferences) are made then; one that opens something is in the letter's values until its fate is settled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from babel import Locale
from sqlmodel import Session

from newsletter import logs
from newsletter.config import NewsletterSettings
from newsletter.errors import Misuse, NewsletterError
from newsletter.mail.content import Content
from newsletter.mail.letters import letter_content
from newsletter.mail.message import TOKEN
from newsletter.models import EditionKind, LetterKind, Slot
from newsletter.render.letters import print_letter
from newsletter.render.theme import DEFAULT, load_theme
from newsletter.runtime import Runtime
from newsletter.store import articles, editions, letters
from newsletter.store.newsletters import newsletter_ids
from newsletter.store.public import went_out
from newsletter.values import LetterHead, LetterInHand, LetterView, PrintedLetter, Story

NO_EDITION = 0  # in a bounce token: the number beside it is a letter's
LATEST = 5  # editions among which the newest is looked for that is no correction
SOON = timedelta(hours=2)  # what is no news any more afterwards is not sent

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whom a letter goes to, and on whose behalf: a newsletter's, or the house's own."""

    address: str
    subscriber_id: int | None = None
    newsletter_id: int | None = None
    person_id: int | None = None


# ── asking; each gives False when the same key was asked for before ─────────────────────────────


def confirm(
    session: Session, to: Addressee, key: str, now: datetime, *, url: str, good_for: timedelta
) -> bool:
    """Whether they want the newsletter. Nothing that anybody typed stands in it."""
    return _ask_with_link(session, LetterKind.CONFIRM, to, key, now, url, good_for)


def welcome(session: Session, runtime: Runtime, to: Addressee, key: str, now: datetime) -> bool:
    """That they are in, with the top of the newest edition where there is one."""
    slugs = {number: slug for slug, number in newsletter_ids(session).items()}
    slug = slugs.get(to.newsletter_id or 0, "")
    return _ask(session, LetterKind.WELCOME, to, key, now, _newest_top(session, runtime, slug))


def preferences(
    session: Session, to: Addressee, key: str, now: datetime, *, url: str, good_for: timedelta
) -> bool:
    """The fresh link with which they see their data, change their address or are forgotten."""
    return _ask_with_link(session, LetterKind.PREFERENCES, to, key, now, url, good_for)


def address_change(
    session: Session, to: Addressee, key: str, now: datetime, *, url: str, good_for: timedelta
) -> bool:
    """To the new address: whether it is theirs."""
    return _ask_with_link(session, LetterKind.ADDRESS_CHANGE, to, key, now, url, good_for)


def address_changed(session: Session, to: Addressee, key: str, now: datetime) -> bool:
    """To the old address, so that nobody loses their mail to a stranger without a word."""
    return _ask(session, LetterKind.ADDRESS_CHANGE, to, key, now, {})


def goodbye(session: Session, to: Addressee, key: str, now: datetime) -> bool:
    """That they have left everything, with the way back."""
    return _ask(session, LetterKind.GOODBYE, to, key, now, {})


def sign_in(
    session: Session, to: Addressee, key: str, now: datetime, *, url: str, good_for: timedelta
) -> bool:
    """The link that signs somebody of the newsroom in."""
    return _ask_with_link(session, LetterKind.SIGN_IN, to, key, now, url, good_for)


def alert(
    session: Session, to: Addressee, key: str, now: datetime, *, told: Mapping[str, Any], avoid: str
) -> bool:
    """What happened, through another relay than `avoid` where there is one."""
    values = {
        "text": told["text"],
        "next_step": told.get("next_step", ""),
        "rehearsal": told.get("rehearsal", False),
        "headlines": told.get("headlines", []),
        "url": told.get("links", {}).get("preview", ""),
    }
    return _ask(session, LetterKind.ALERT, to, key, now, values, deadline=now + SOON, avoid=avoid)


def _ask_with_link(
    session: Session, kind: LetterKind, to: Addressee, key: str, now: datetime, url: str, good_for: timedelta
) -> bool:
    values = {"url": url, "minutes": int(good_for.total_seconds()) // 60}
    return _ask(session, kind, to, key, now, values, deadline=now + good_for)


def _ask(
    session: Session, kind: LetterKind, to: Addressee, key: str, now: datetime, values: Mapping[str, Any],
    *, deadline: datetime | None = None, avoid: str = "",
) -> bool:  # fmt: skip
    return letters.ask(
        session, kind=kind, key=key, address=to.address, values=values, now=now, deadline=deadline,
        avoid=avoid, subscriber_id=to.subscriber_id, person_id=to.person_id, newsletter_id=to.newsletter_id,
    )  # fmt: skip


def _newest_top(session: Session, runtime: Runtime, slug: str) -> dict[str, Any]:
    """Headline, summary and link of the lead of the edition that went out last."""
    latest = went_out(session, [slug], limit=LATEST)
    past = next((edition for edition in latest if edition.kind is not EditionKind.CORRECTION), None)
    edition = past and editions.find(session, newsletter_ids(session)[slug], past.slug)
    if not past or not edition:
        return {}
    lead = next((p for p in editions.placements(session, edition.id or 0) if p.slot is Slot.LEAD), None)
    if lead is None:
        return {}
    (article,) = articles.by_ids(session, [lead.article_id])
    return {
        "lead": {
            "title": lead.headline or article.title,
            "summary": lead.summary or article.summary,
            "url": article.url,
        },
        "edition_url": runtime.links.edition(slug, past.slug),
    }


# ── composing ───────────────────────────────────────────────────────────────────────────────────


def compose(runtime: Runtime, letter: LetterInHand) -> tuple[str, Content]:
    """The envelope sender and the whole message.

    Raises Misuse when nobody is there to send it, or it cannot be signed. A theme that cannot print it
    is told to the log, and the shipped one prints it: a confirmation does not wait for a bracket.
    """
    newsletter = _newsletter(runtime, letter)
    head = _head(runtime, letter, newsletter)
    view = view_of(runtime, letter, newsletter)
    sender = _return_path(runtime, letter, newsletter)
    return sender, letter_content(_printed(runtime, view, newsletter), head, runtime.signing)


def view_of(runtime: Runtime, letter: LetterInHand, newsletter: NewsletterSettings | None) -> LetterView:
    """What the letter's templates are given."""
    values = dict(letter.values)
    lead = values.pop("lead", None)
    values["headlines"] = tuple(values.get("headlines", ()))
    if newsletter is None:
        return LetterView(letter.kind, "en", "ltr", **values)
    if letter.kind is LetterKind.WELCOME:
        values |= {
            "leave_url": _leave_url(runtime, letter),
            "preferences_url": runtime.links.preferences(letter.subscriber_id or 0),
        }
    elif letter.kind is LetterKind.GOODBYE:
        values["url"] = runtime.links.preferences(letter.subscriber_id or 0)
    return LetterView(
        letter.kind,
        newsletter.language,
        Locale.parse(newsletter.language, sep="-").text_direction,
        newsletter=newsletter.name,
        home_url=newsletter.home_url or runtime.links.newsletter(newsletter.slug),
        postal_address=newsletter.postal_address,
        lead=Story(**lead) if lead else None,
        **values,
    )


def _printed(runtime: Runtime, view: LetterView, newsletter: NewsletterSettings | None) -> PrintedLetter:
    name = newsletter.theme if newsletter else DEFAULT
    try:
        return print_letter(view, load_theme(name, runtime.themes))
    except NewsletterError as error:
        log.error("letter_not_printed", theme=name, kind=view.kind, why=error.sentence)
        return print_letter(view, load_theme(DEFAULT))


def _newsletter(runtime: Runtime, letter: LetterInHand) -> NewsletterSettings | None:
    """Raises Misuse for a newsletter that has left the configuration."""
    if letter.newsletter_id is None:
        return None
    with runtime.database.reading() as session:
        slugs = {number: slug for slug, number in newsletter_ids(session).items()}
    return runtime.newsletter(slugs[letter.newsletter_id])


def _head(runtime: Runtime, letter: LetterInHand, newsletter: NewsletterSettings | None) -> LetterHead:
    name, address = _sender(runtime, newsletter)
    return LetterHead(
        message_id=runtime.links.letter_message_id(letter.id),
        from_name=name,
        from_address=address,
        reply_to=newsletter.reply_to if newsletter else "",
        to=letter.address,
        date=letter.created_at,
        leave_url=_leave_url(runtime, letter) if letter.kind is LetterKind.WELCOME else "",
    )


def _sender(runtime: Runtime, newsletter: NewsletterSettings | None) -> tuple[str, str]:
    """Name and address. Letters of the house come from the first newsletter where nothing is said."""
    house, all_newsletters = runtime.settings.letters, runtime.settings.newsletters
    if newsletter is None and house.from_address:
        return house.from_name, house.from_address
    found = newsletter or next(iter(all_newsletters), None)
    if found is None:
        raise Misuse("No newsletter sends letters yet.", next_step="add from_address to [letters]")
    return found.from_name or found.name, found.from_address


def _return_path(runtime: Runtime, letter: LetterInHand, newsletter: NewsletterSettings | None) -> str:
    """Where bounces go; as with editions, a token tells whose it is."""
    pattern = newsletter.return_path if newsletter else ""
    pattern = pattern or _sender(runtime, newsletter)[1]
    return pattern.replace(TOKEN, runtime.links.verp(NO_EDITION, letter.id))


def _leave_url(runtime: Runtime, letter: LetterInHand) -> str:
    return runtime.links.leave(letter.subscriber_id or 0, letter.newsletter_id or 0)
