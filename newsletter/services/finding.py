"""An edition by its name, and whether anything may go out at all: where every act on an edition begins.

A part of the services that act on editions, which never meet each other.
"""

from __future__ import annotations

from sqlmodel import Session

from newsletter.config import NewsletterSettings
from newsletter.errors import Misuse, Refused
from newsletter.models import Edition
from newsletter.store import control, editions
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
