"""What readers may see without any link of their own: newsletters, their archives, editions on the web.

Whatever is not to be seen (unknown, not yet begun, held, cancelled before it began) is the same None.
An edition is shown from its stored rendition: nothing is rendered for a reader.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from newsletter.config import NewsletterSettings
from newsletter.languages import words_for
from newsletter.mail.greeting import greet
from newsletter.render.compile import neutral_html, plain_text
from newsletter.render.labels import labels_for
from newsletter.render.onweb import OnWeb, page_of
from newsletter.runtime import Runtime
from newsletter.schedule import describe
from newsletter.store import public
from newsletter.store.public import PastEdition, Shown
from newsletter.store.renditions import read as read_rendition
from newsletter.store.words import wanted
from newsletter.values import Rendition

PAGE = 30
IN_FEED = 20
IN_SITEMAP = 50_000  # as many as a sitemap may hold
# Whatever else an address holds is not asked for: PostgreSQL takes a NUL for an error of ours
_SLUG = re.compile(r"[a-z0-9-]{1,64}")
_HOLIDAY = re.compile(r"it is a holiday: (.+) \([A-Z-]+\)")


@dataclass(frozen=True, slots=True)
class Card:
    """A newsletter as it introduces itself. `schedule` is in words, such as “Daily at 9am ET”; of a
    private archive there is no `latest`."""

    slug: str
    name: str
    promise: str
    schedule: str
    language: str
    noindex: bool
    is_private: bool
    latest: PastEdition | None = None


@dataclass(frozen=True, slots=True)
class Archive:
    """A page of a newsletter's past editions, newest first, or what was found of them.

    `query` holds the words that were looked for, letters and digits alone.
    """

    card: Card
    editions: tuple[PastEdition, ...]
    page: int = 1
    has_older: bool = False
    years: tuple[int, ...] = ()
    year: int | None = None
    query: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """An edition as feeds carry it, whole, and without a personal link."""

    edition: PastEdition
    address: str
    text: str


def newsletters(runtime: Runtime, now: datetime) -> tuple[Card, ...]:
    """All of them, in the configuration's order, each with its latest edition."""
    with runtime.database.reading() as session:
        return tuple(
            replace(
                card(settings, now),
                latest=next(iter(public.went_out(session, _public([settings]), limit=1)), None),
            )
            for settings in runtime.settings.newsletters
        )


def archive(
    runtime: Runtime, slug: str, now: datetime, page: int = 1, year: int | None = None
) -> Archive | None:
    """None for an unknown newsletter and for a page past the end; the first page always exists."""
    settings = runtime.newsletters.get(slug)
    if settings is None:
        return None
    about = card(settings, now)
    if about.is_private:
        return Archive(about, ()) if (page, year) == (1, None) else None
    with runtime.database.reading() as session:
        found = public.archive(session, slug, now, year=year, skip=(page - 1) * PAGE, limit=PAGE + 1)
        years = public.years(session, slug)
    if not found and (page > 1 or year is not None):
        return None
    told = tuple(_told(edition, settings) for edition in found[:PAGE])
    return Archive(about, told, page, has_older=len(found) > PAGE, years=years, year=year)


def search(runtime: Runtime, slug: str, now: datetime, query: str) -> Archive | None:
    """The newest editions in which each word of `query` begins some word; None as for `archive`."""
    settings = runtime.newsletters.get(slug)
    if settings is None or settings.private_archive:
        return None
    words = wanted(query)
    with runtime.database.reading() as session:
        found = public.found(session, slug, words, limit=PAGE + 1) if words else ()
    return Archive(card(settings, now), found[:PAGE], has_older=len(found) > PAGE, query=" ".join(words))


def feed(runtime: Runtime, slug: str, now: datetime) -> tuple[Card, tuple[Item, ...]] | None:
    """The newest editions whole, for feed readers; None where the archive is private."""
    settings = runtime.newsletters.get(slug)
    if settings is None or settings.private_archive:
        return None
    with runtime.database.reading() as session:
        listed = public.went_out(session, [slug], limit=IN_FEED)
        renditions = [read_rendition(session, edition.rendition_id or 0) for edition in listed]
    return card(settings, now), tuple(
        Item(
            edition,
            runtime.links.edition(slug, edition.slug),
            plain_text(rendition, _values_for_anybody(runtime, settings, edition.slug)),
        )
        for edition, rendition in zip(listed, renditions, strict=True)
    )


def addresses(runtime: Runtime) -> tuple[tuple[str, datetime | None], ...]:
    """Every page that search engines may list, and when it last changed, where that is known."""
    listed = [each for each in runtime.settings.newsletters if not each.noindex]
    with runtime.database.reading() as session:
        editions = public.addresses(session, _public(listed), limit=IN_SITEMAP - len(listed) - 1)
    return (
        (f"{runtime.links.public_url}/", None),
        *((runtime.links.newsletter(each.slug), None) for each in listed),
        *((runtime.links.edition(name, slug), at) for name, slug, at in editions),
    )


def web_view(runtime: Runtime, newsletter: str, slug: str, preview: str, now: datetime) -> str | None:
    """The edition's page without personal links, or None when it is not to be seen.

    `preview` is a signed preview token, or empty; it opens one version of its own edition only, and
    once that has begun, a private archive to whoever has the link of a mail.
    """
    settings = runtime.newsletters.get(newsletter)
    if settings is None or not _SLUG.fullmatch(slug):
        return None
    opened = runtime.links.read_preview(preview, now) if preview else None
    with runtime.database.reading() as session:
        shown = public.begun(session, newsletter, slug)
        if opened is not None and not (settings.private_archive and shown and opened[0] == shown.edition_id):
            number = public.version_rendition(session, newsletter, slug, *opened)
            rendition = None if number is None else read_rendition(session, number)
            return None if rendition is None else _html(runtime, settings, slug, rendition)
        if shown is None or (settings.private_archive and opened is None):
            return None
        rendition = read_rendition(session, shown.rendition_id)
        corrections = public.corrections(session, shown.edition_id)
    about = _about(runtime, newsletter, slug, shown)
    told = tuple((correction.at, correction.what) for correction in corrections)
    return page_of(_html(runtime, settings, slug, rendition), settings, replace(about, corrections=told))


# ── inside ──────────────────────────────────────────────────────────────────────────────────────


def _html(runtime: Runtime, settings: NewsletterSettings, slug: str, rendition: Rendition) -> str:
    return neutral_html(rendition, _values_for_anybody(runtime, settings, slug))


def _about(runtime: Runtime, newsletter: str, slug: str, shown: Shown) -> OnWeb:
    return OnWeb(
        address=runtime.links.edition(newsletter, slug),
        newsletter_address=runtime.links.newsletter(newsletter),
        title=shown.subject,
        summary=shown.summary,
        began_at=shown.began_at,
        picture_url=shown.picture_url,
    )


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


def _told(edition: PastEdition, newsletter: NewsletterSettings) -> PastEdition:
    """Why a day was skipped, in words for readers: a person's own, or ours for the machine's reasons."""
    if not edition.is_skipped or edition.by_hand:
        return edition
    words = words_for(newsletter.language)
    why = words.gettext("There was no edition on this day.")
    if edition.why.startswith("not enough articles"):
        why = words.gettext("There was not enough news for an edition.")
    elif holiday := _HOLIDAY.fullmatch(edition.why):
        why = words.gettext("No edition: {holiday}.").format(holiday=holiday[1])
    return replace(edition, why=why)


def _public(listed: Collection[NewsletterSettings]) -> list[str]:
    return [settings.slug for settings in listed if not settings.private_archive]


def card(settings: NewsletterSettings, now: datetime) -> Card:
    """A newsletter as it introduces itself now."""
    return Card(
        slug=settings.slug,
        name=settings.name,
        promise=settings.description,
        schedule=describe(settings, now.astimezone(settings.zone).date(), settings.language),
        language=settings.language,
        noindex=settings.noindex,
        is_private=settings.private_archive,
    )
