"""What readers may see without any link of their own: newsletters, their archives, editions on the web.

Whatever is not to be seen (unknown, not yet begun, held, cancelled before it began) is the same None.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from newsletter.config import NewsletterSettings
from newsletter.mail.greeting import greet
from newsletter.render.compile import neutral_html
from newsletter.render.labels import labels_for
from newsletter.runtime import Runtime
from newsletter.schedule import describe
from newsletter.store import public
from newsletter.store.editions import read_rendition
from newsletter.store.public import PastEdition

PAGE = 60
# Whatever else an address holds is not asked for: PostgreSQL takes a NUL for an error of ours
_SLUG = re.compile(r"[a-z0-9-]{1,64}")


@dataclass(frozen=True, slots=True)
class Card:
    """A newsletter as it introduces itself. `schedule` is in words, such as “Daily at 9am ET”."""

    slug: str
    name: str
    promise: str
    schedule: str
    language: str
    noindex: bool


@dataclass(frozen=True, slots=True)
class Archive:
    """A page of a newsletter's past editions, newest first."""

    card: Card
    editions: tuple[PastEdition, ...]
    page: int
    has_older: bool


def newsletters(runtime: Runtime, now: datetime) -> tuple[Card, ...]:
    """All of them, in the configuration's order."""
    return tuple(_card(settings, now) for settings in runtime.settings.newsletters)


def archive(runtime: Runtime, slug: str, now: datetime, page: int = 1) -> Archive | None:
    """None for an unknown newsletter and for a page past the end; the first page always exists."""
    settings = runtime.newsletters.get(slug)
    if settings is None:
        return None
    with runtime.database.reading() as session:
        found = public.went_out(session, slug, skip=(page - 1) * PAGE, limit=PAGE + 1)
    if not found and page > 1:
        return None
    return Archive(_card(settings, now), found[:PAGE], page, has_older=len(found) > PAGE)


def web_view(runtime: Runtime, newsletter: str, slug: str, preview: str, now: datetime) -> str | None:
    """The edition's page without personal links, or None when it is not to be seen.

    `preview` is a signed preview token, or empty; it opens one version of its own edition only.
    """
    settings = runtime.newsletters.get(newsletter)
    if settings is None or not _SLUG.fullmatch(slug):
        return None
    shown = runtime.links.read_preview(preview, now) if preview else None
    with runtime.database.reading() as session:
        if shown is not None:
            rendition_id = public.version_rendition(session, newsletter, slug, *shown)
        else:
            rendition_id = public.begun_rendition(session, newsletter, slug)
        if rendition_id is None:
            return None
        rendition = read_rendition(session, rendition_id)
    return neutral_html(rendition, _values_for_anybody(runtime, settings, slug))


def _values_for_anybody(runtime: Runtime, newsletter: NewsletterSettings, slug: str) -> dict[str, str]:
    """What the personal holes hold for a reader nobody knows: every link leads to a public page."""
    page = runtime.links.newsletter(newsletter.slug)
    return {
        "greeting": greet("", newsletter.language),
        "email": labels_for(newsletter.language).anybody,
        "unsubscribe_url": page,
        "preferences_url": page,
        "web_url": runtime.links.edition(newsletter.slug, slug),
    }


def _card(settings: NewsletterSettings, now: datetime) -> Card:
    return Card(
        slug=settings.slug,
        name=settings.name,
        promise=settings.description,
        schedule=describe(settings, now.astimezone(settings.zone).date(), settings.language),
        language=settings.language,
        noindex=settings.noindex,
    )
