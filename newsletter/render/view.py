"""From an edition's entries to what a theme sees. Pure: everything comes as arguments."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
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
    preheader: str = "",
) -> EditionView:
    """`home_url` is the newsletter's own page, where readers go when no other address is configured.
    Without a `preheader` it is the first headlines; pictures that a mail may not load are left out.
    Raises ValueError without a lead.
    """
    placed = sorted(placements, key=lambda p: p.position)
    told = {each.article_id: _story(each, articles[each.article_id], plain_hosts) for each in placed}
    lead = _only(placed, told, Slot.LEAD)
    if lead is None:
        raise ValueError(f"edition {slug} has no lead")
    locale = Locale.parse(newsletter.language, sep="-")
    return EditionView(
        newsletter=newsletter.name, slug=slug,
        promise=newsletter.description, date=format_date(day, "full", locale=locale),
        schedule=describe(newsletter, day, newsletter.language),
        subject=subject, preheader=preheader or preheader_of(placed, articles),
        language=newsletter.language,
        direction=locale.text_direction,
        lead=lead,
        sections=_sections(placed, told),
        more_url=newsletter.more_url or home_url,
        home_url=newsletter.home_url or home_url,
        postal_address=newsletter.postal_address,
        intro=newsletter.intro,
        video=_only(placed, told, Slot.VIDEO),
        note=_only(placed, told, Slot.NOTE),
        sponsor=_only(placed, told, Slot.SPONSOR) or _standing_sponsor(newsletter),
        social=tuple(SocialLink(link.name, link.url) for link in newsletter.social),
    )  # fmt: skip


def subject_of(
    placements: Iterable[Placement], articles: Mapping[int, Candidate], *, opening: str = ""
) -> str:
    """The lead's headline after the `opening`, cut at a word; empty without a lead."""
    for placement in placements:
        if placement.slot is Slot.LEAD:
            headline = placement.headline or articles[placement.article_id].title
            return cut(f"{opening}{headline}", SUBJECT_LENGTH)
    return ""


def preheader_of(placements: Iterable[Placement], articles: Mapping[int, Candidate]) -> str:
    """The first headlines after the lead: what an inbox shows beside the subject."""
    titles = [
        placement.headline or articles[placement.article_id].title
        for placement in placements
        if placement.slot is Slot.HEADLINES
    ]
    return cut(" · ".join(titles[:3]), PREHEADER_LENGTH)


def _only(placed: list[Placement], told: Mapping[int, Story], slot: Slot) -> Story | None:
    return next((told[each.article_id] for each in placed if each.slot is slot), None)


def _sections(placed: list[Placement], told: Mapping[int, Story]) -> tuple[Section, ...]:
    stories: dict[str, list[Story]] = {}
    for placement in placed:
        if placement.slot is Slot.HEADLINES:
            stories.setdefault(placement.section, []).append(told[placement.article_id])
    return tuple(Section(name, tuple(items)) for name, items in stories.items())


def _story(placement: Placement, article: Candidate, plain_hosts: Collection[str]) -> Story:
    picture = placement.picture_of(article)
    return Story(
        title=placement.headline or article.title,
        url=article.url,
        summary=placement.summary or article.summary,
        byline=article.byline,
        kicker=placement.section or article.section,
        picture=picture if picture and is_permitted(picture.url, plain_hosts) else None,
        duration=article.duration,
        html=article.html,
        text=article.summary,
    )


def _standing_sponsor(newsletter: NewsletterSettings) -> Story | None:
    standing = newsletter.sponsor
    if standing is None:
        return None
    return Story(title=standing.name, url=standing.url, summary=standing.text, text=standing.text)


def cut(text: str, length: int) -> str:
    """At most so many characters, cut at a word."""
    if len(text) <= length:
        return text
    return text[: length - 1].rsplit(" ", 1)[0].rstrip(" ,;:–—-") + "…"
