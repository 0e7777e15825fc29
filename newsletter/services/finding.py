"""Who or what is meant: an edition by its name, a person by an address in any spelling or by a number.

A part of the services that act on them, which never meet each other. Whether anything may go out at all
is asked here too, for every act on an edition begins with it.
"""

from __future__ import annotations

from sqlmodel import Session

from newsletter.config import NewsletterSettings
from newsletter.errors import Misuse, Refused
from newsletter.mail.addresses import parse_address
from newsletter.models import Edition, Subscriber, Suppression
from newsletter.runtime import Runtime
from newsletter.store import control, editions, people
from newsletter.store.newsletters import newsletter_ids


def find_edition(
    session: Session, newsletter: NewsletterSettings, slug: str, *, lock: bool = False
) -> Edition:
    """With `lock` nobody else changes it until the transaction ends.

    Raises Misuse for a slug that the newsletter does not have.
    """
    number = newsletter_ids(session).get(newsletter.slug, 0)
    edition = editions.find(session, number, slug, lock=lock)
    if edition is None:
        raise Misuse(
            f"{newsletter.slug} has no edition {slug!r}.",
            next_step=f"newsletter editions list {newsletter.slug}",
        )
    return edition


def refuse_if_stopped(session: Session) -> None:
    """Raises Refused while stop-all is in force; until the transaction ends it cannot come into force."""
    stop = control.standing_stop(session)
    if stop:
        raise Refused(
            f"All editions are stopped (stop-all by {stop.who}, {stop.at:%d %b %H:%M} UTC).",
            next_step="newsletter resume --all",
        )


def find_person(session: Session, runtime: Runtime, which: str) -> Subscriber:
    """Raises Misuse for what is neither, and for nobody: then it says whether the address is suppressed."""
    if not which.strip():
        raise Misuse("Nobody is named.", next_step="name an address, or a subscriber's number")
    if which.isascii() and which.isdecimal():
        person = session.get(Subscriber, int(which)) if len(which) < 19 else None
        if person is None:
            raise Misuse(
                f"There is no subscriber number {which[:20]}.", next_step="newsletter subscribers list"
            )
        return person
    address = parse_address(which)
    key = runtime.address_key.of(address.normalised)
    person = people.find(session, key)
    if person is None:
        told = _suppression(people.suppression_of(session, key))
        raise Misuse(
            f"Nobody here has the address {address.normalised}{told}.",
            next_step="newsletter subscribers list",
        )
    return person


def _suppression(found: Suppression | None) -> str:
    if found is None:
        return ", and it is not suppressed"
    if found.reason == "forgotten":
        return f"; whoever had it was forgotten on {found.since:%d %B %Y}, and it is not mailed"
    return f"; it is suppressed since {found.since:%d %B %Y} ({found.reason})"
