"""A mail before it is one: filled for a reader, shown as HTML, text and message, and compared with others.

It is the very rendition that is sent, filled by the very same hand; its links lead nowhere that
changes anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import unified_diff
from email import message_from_bytes, policy
from enum import StrEnum

from newsletter.config import NewsletterSettings
from newsletter.errors import Misuse, Refused
from newsletter.mail.addresses import parse_address
from newsletter.mail.message import NOBODY, Compiled, Proof
from newsletter.models import Edition
from newsletter.render.compile import plain_text
from newsletter.runtime import Runtime
from newsletter.store import editions, subscribers
from newsletter.store.renditions import read as read_rendition
from newsletter.values import Letterhead, Recipient, Rendition

SOMEBODY = Recipient(NOBODY, "reader@readers.example", "", attempt=1, pos=0)


class Reader(StrEnum):
    """Readers who are nobody: what most get, and the least and the most that a mail may have to hold."""

    TYPICAL = "typical"
    SHORTEST = "shortest"
    LONGEST = "longest"


_NAMES = {
    Reader.TYPICAL: ("reader@readers.example", "Alex Reader"),
    Reader.SHORTEST: ("a@b.example", ""),
    Reader.LONGEST: (
        "maximiliana.featherstonehaugh-cholmondeley@correspondence.northumberland.example",
        "Maximiliana Wilhelmina Featherstonehaugh-Cholmondeley",
    ),
}


@dataclass(frozen=True, slots=True)
class Mail:
    """What one reader would get: the whole message, and its two parts as they are read."""

    message: bytes
    html: str
    text: str


def fill(runtime: Runtime, rendition: Rendition, letterhead: Letterhead, reader: str | Reader) -> Mail:
    """The mail for `reader`, a subscriber's address or number, for one of those who are nobody, or for
    somebody when it is empty.

    Raises Misuse for a reader who is none.
    """
    web_url = runtime.links.edition(letterhead.newsletter_slug, letterhead.edition_slug)
    compiled = Compiled(rendition, letterhead, runtime.links, runtime.signing, proof=Proof(web_url))
    message = compiled.fill(_somebody(runtime, rendition, letterhead.newsletter_id, reader))
    read = message_from_bytes(message, policy=policy.default)
    parts = {
        part.get_content_subtype(): str(part.get_content()).replace("\r\n", "\n")
        for part in read.walk()
        if part.get_content_maintype() == "text"
    }
    return Mail(message, parts["html"], parts["plain"])


def differences(
    runtime: Runtime, newsletter: NewsletterSettings, edition: Edition, rendition: Rendition, other: str
) -> tuple[str, ...]:
    """What reads otherwise than in what was last approved (`approved`) or in the edition before
    (`yesterday`), as lines that begin with + or -. Raises Refused when there is no such other.
    """
    with runtime.database.reading() as session:
        is_approved = other == "approved"
        before = edition if is_approved else editions.before(session, edition)
        number = None
        if before is not None:
            number = before.approved_rendition_id if is_approved else before.rendition_id
        if before is None or number is None:
            raise Refused(
                f"{newsletter.slug}/{edition.slug} has nothing {other} to be compared with.",
                next_step=f"newsletter editions list {newsletter.slug}",
            )
        old = read_rendition(session, number)
    names = (f"{before.slug}, {other}", edition.slug)
    lines = unified_diff(_lines(old), _lines(rendition), *names, n=0, lineterm="")
    return tuple(line for line in lines if not line.startswith("@@"))


def _lines(rendition: Rendition) -> list[str]:
    nothing = {hole: f"[{hole}]" for hole in rendition.text.holes}
    return [f"Subject: {rendition.subject}", *plain_text(rendition, nothing).splitlines()]


def _somebody(runtime: Runtime, rendition: Rendition, newsletter_id: int, reader: str | Reader) -> Recipient:
    if not isinstance(reader, Reader):
        return _reader(runtime, reader, newsletter_id) if reader else SOMEBODY
    address, name = _NAMES[reader]
    one = tuple(sorted(rendition.html.sections)[:1]) if reader is Reader.SHORTEST else ()
    return Recipient(NOBODY, address, name, attempt=1, pos=0, sections=one)


def _reader(runtime: Runtime, which: str, newsletter_id: int) -> Recipient:
    if which.isascii() and which.isdigit() and len(which) < 19:
        key: int | str = int(which)
    else:
        key = runtime.address_key.of(parse_address(which).normalised)
    with runtime.database.reading() as session:
        found = subscribers.reader(session, key, newsletter_id)
    if found is None:
        raise Misuse(f"There is no subscriber {which[:200]!r}.", next_step="newsletter subscribers list")
    return found
