"""The mail that an edition would be, were it sent as it is stored: checked, filled for a reader, counted for,
and compared with others.

It is the page that an editor sees, and no newer one; here services meet that never meet each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from newsletter.config import NewsletterSettings
from newsletter.errors import NewsletterError
from newsletter.models import Edition
from newsletter.runtime import Runtime
from newsletter.services import checking, previewing, sending
from newsletter.services.checking import Preflight
from newsletter.services.drafting import as_written, render
from newsletter.services.finding import find_edition
from newsletter.services.previewing import Mail, Reader
from newsletter.services.revising import id_of
from newsletter.store import renditions, waivers
from newsletter.store.sections import sections_of
from newsletter.values import Rendition, Waiver


def checked(runtime: Runtime, newsletter: NewsletterSettings, slug: str, now: datetime) -> Preflight:
    """Preflight of the page as it is stored."""
    with runtime.database.reading() as session:
        edition = find_edition(session, newsletter, slug)
        return checking.examine(runtime, session, newsletter, edition, now, as_written(session, edition))


def waived(runtime: Runtime, edition: Edition) -> Sequence[Waiver]:
    with runtime.database.reading() as session:
        return tuple(waivers.waivers_of(session, id_of(edition)).values())


def rendition(runtime: Runtime, newsletter: NewsletterSettings, slug: str) -> tuple[Edition, Rendition]:
    """The mail of the page as it is stored. Raises Refused for a page that cannot be one."""
    with runtime.database.reading() as session:
        edition = find_edition(session, newsletter, slug)
        if edition.rendition_id:
            return edition, renditions.read(session, edition.rendition_id)
        written = as_written(session, edition)
    return edition, render(runtime, newsletter, edition, written)


def mail(runtime: Runtime, newsletter: NewsletterSettings, slug: str, reader: str | Reader) -> Mail:
    """The same, filled for a reader. Raises Misuse for a reader who is none."""
    edition, found = rendition(runtime, newsletter, slug)
    letterhead = sending.letterhead(runtime, newsletter, edition)
    return previewing.fill(runtime, found, letterhead, reader)


def hash_of(runtime: Runtime, newsletter: NewsletterSettings, slug: str) -> str:
    """The hash of the mail that would be approved; empty while there is none."""
    try:
        return rendition(runtime, newsletter, slug)[1].hash
    except NewsletterError:
        return ""


def count(runtime: Runtime, newsletter: NewsletterSettings, slug: str, now: datetime) -> int:
    """Exactly how many would get it now; it takes its time where they are a million."""
    with runtime.database.reading() as session:
        edition = find_edition(session, newsletter, slug)
        sections = sections_of(session, id_of(edition))
    return sending.count_people(runtime, edition, sections, now)


def compare(
    runtime: Runtime, newsletter: NewsletterSettings, slug: str, other: str
) -> tuple[tuple[str, ...], Edition]:
    """What reads otherwise than in what was `approved` last, or than `yesterday`. Raises Refused without."""
    edition, found = rendition(runtime, newsletter, slug)
    return previewing.differences(runtime, newsletter, edition, found, other), edition
