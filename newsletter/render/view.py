"""From an edition's entries to what a theme sees. Pure: everything comes as arguments."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import date

from babel import Locale
from babel.dates import format_date

from newsletter.config import NewsletterSettings
from newsletter.models import Slot
from newsletter.render.gate import is_permitted
from newsletter.schedule import describe
from newsletter.values import Candidate, EditionView, Placement, Section, SocialLink, Story

SUBJECT_LENGTH = 110  # characters; mail clients show 40 to 70 of them
PREHEADER_LENGTH = 140


def build_view(
    newsletter: NewsletterSettings,
    slug: str,
    day: date,
    placements: Iterable[Placement],
    articles: Mapping[int, Candidate],
    *,
    subject: str,
    home_url: str,
    plain_hosts: Collection[str],
) -> EditionView:
    """`home_url` is the newsletter's own page, where readers go when no other address is configured.
    Pictures that a mail may not load are left out. Raises ValueError when there is no lead.
    """
    placed = sorted(placements, key=lambda p: p.position)
    shown = {number: _with_fit_picture(article, plain_hosts) for number, article in articles.items()}
    lead = _only(placed, shown, Slot.LEAD)
    if lead is None:
        raise ValueError(f"edition {slug} has no lead")
    locale = Locale.parse(newsletter.language, sep="-")
    return EditionView(
        newsletter=newsletter.name, slug=slug,
        promise=newsletter.description,
        date=format_date(day, "full", locale=locale),
        schedule=describe(newsletter, day, newsletter.language),
        subject=subject, preheader=preheader_of(placed, shown),
        language=newsletter.language,
        direction=locale.text_direction,
        lead=lead,
        sections=_sections(placed, shown),
        more_url=newsletter.more_url or home_url,
        home_url=newsletter.home_url or home_url,
        postal_address=newsletter.postal_address,
        intro=newsletter.intro,
        video=_only(placed, shown, Slot.VIDEO),
        note=_only(placed, shown, Slot.NOTE),
        sponsor=_only(placed, shown, Slot.SPONSOR) or _standing_sponsor(newsletter),
        social=tuple(SocialLink(link.name, link.url) for link in newsletter.social),
    )  # fmt: skip


def subject_of(
    placements: Iterable[Placement], articles: Mapping[int, Candidate], *, opening: str = ""
) -> str:
    """The lead's headline after the `opening`, cut at a word; empty without a lead."""
    for placement in placements:
        if placement.slot is Slot.LEAD:
            headline = placement.headline or articles[placement.article_id].title
            return _cut(f"{opening}{headline}", SUBJECT_LENGTH)
    return ""


def preheader_of(placements: Iterable[Placement], articles: Mapping[int, Candidate]) -> str:
    """The first headlines after the lead: what an inbox shows beside the subject."""
    titles = [
        placement.headline or articles[placement.article_id].title
        for placement in placements
        if placement.slot is Slot.HEADLINES
    ]
    return _cut(" · ".join(titles[:3]), PREHEADER_LENGTH)


def _with_fit_picture(article: Candidate, plain_hosts: Collection[str]) -> Candidate:
    if article.picture is None or is_permitted(article.picture.url, plain_hosts):
        return article
    return replace(article, picture=None)


def _only(placed: list[Placement], articles: Mapping[int, Candidate], slot: Slot) -> Story | None:
    found = next((p for p in placed if p.slot is slot), None)
    return _story(found, articles) if found else None


def _sections(placed: list[Placement], articles: Mapping[int, Candidate]) -> tuple[Section, ...]:
    stories: dict[str, list[Story]] = {}
    for placement in placed:
        if placement.slot is Slot.HEADLINES:
            stories.setdefault(placement.section, []).append(_story(placement, articles))
    return tuple(Section(name, tuple(items)) for name, items in stories.items())


def _story(placement: Placement, articles: Mapping[int, Candidate]) -> Story:
    article = articles[placement.article_id]
    return Story(
        title=placement.headline or article.title,
        url=article.url,
        summary=placement.summary or article.summary,
        byline=article.byline,
        kicker=placement.section or article.section,
        picture=article.picture,
        duration=article.duration,
        html=article.html,
        text=article.summary,
    )


def _standing_sponsor(newsletter: NewsletterSettings) -> Story | None:
    standing = newsletter.sponsor
    if standing is None:
        return None
    return Story(title=standing.name, url=standing.url, summary=standing.text, text=standing.text)


def _cut(text: str, length: int) -> str:
    if len(text) <= length:
        return text
    return text[: length - 1].rsplit(" ", 1)[0].rstrip(" ,;:–—-") + "…"
