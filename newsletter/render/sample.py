"""The sample paper: the Harbour Gazette of Ellersea, a town that is not on any map.

A theme is checked and shown on its editions before it meets real news, and the demo sends it for a
morning. Each state is one that a theme will meet some day.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from newsletter.values import EditionView, Picture, Section, SocialLink, Story

PAPER = Path(__file__).parent / "paper"
PICTURES = PAPER / "pictures"
PICTURES_URL = "https://pictures.gazette.example/"

# What a reader's holes are filled with where there is no reader
NEUTRAL = {
    "greeting": "Good morning, Effie.",
    "email": "effie.marl@gannetrock.example",
    "unsubscribe_url": "https://gazette.example/unsubscribe/sample",
    "preferences_url": "https://gazette.example/preferences/sample",
    "web_url": "https://gazette.example/n/gazette/2026-02-18",
}
_LONGEST_WORD = "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch"


def states() -> Mapping[str, EditionView]:
    """Every state by what a person calls it, the fullest first."""
    full = _full()
    return {
        "full": full,
        "shortest": _shortest(full),
        "longest": _longest(full),
        "no pictures": _without_pictures(full),
        "no lead": replace(full, lead=None),
        "one section": _one_section(full),
        "right to left": _right_to_left(full),
    }


def rows(file: str = "articles.jsonl") -> list[dict[str, Any]]:
    """The paper's stories as they stand in its file."""
    return [json.loads(line) for line in (PAPER / file).read_text(encoding="utf-8").splitlines()]


def _full() -> EditionView:
    """Every slot filled."""
    paper = rows()
    lead, *others = _of_kind(paper, "story")[:21]
    return EditionView(
        newsletter="The Harbour Gazette",
        slug="2026-02-18",
        promise="Ellersea before breakfast: the town’s news, its tides and its gossip, in five minutes.",
        date="Wednesday, 18 February 2026",
        schedule="Daily at 9am ET",
        subject=lead["title"],
        preheader=" · ".join(row["title"] for row in others[:2]),
        language="en",
        direction="ltr",
        lead=_story(lead),
        sections=_sections(others, ("Town", "Harbour", "Schools", "Sport", "Culture")),
        more_url="https://gazette.example/latest",
        home_url="https://gazette.example/",
        postal_address="The Harbour Gazette, 3 Customs House Quay, Ellersea",
        intro="The tide turns at noon, and this is what the town talks about until then.",
        video=_only(paper, "video"),
        note=_only(paper, "note"),
        sponsor=_only(paper, "sponsor"),
        social=(
            SocialLink("Mastodon", "https://social.example/@gazette"),
            SocialLink("Bluesky", "https://sky.example/gazette"),
            SocialLink("YouTube", "https://video.example/gazette"),
        ),
    )


def _shortest(full: EditionView) -> EditionView:
    """The least that goes out: a lead and a story, of which little is known."""
    return EditionView(
        newsletter=full.newsletter,
        slug=full.slug,
        promise="",
        date=full.date,
        schedule="",
        subject="A quiet day",
        preheader="",
        language="en",
        direction="ltr",
        lead=Story("Nothing happened, and everyone is well", "https://gazette.example/quiet"),
        sections=(Section("Town", (Story("The bridge is still shut", "https://gazette.example/bridge"),)),),
        more_url="",
        home_url="",
        postal_address=full.postal_address,
    )


def _longest(full: EditionView) -> EditionView:
    """Forty stories, headlines that do not end, and a word that does not break."""
    stories = [story for section in full.sections for story in section.stories]
    long = replace(stories[0], title=f"{stories[0].title}, and so does {_LONGEST_WORD}; {stories[1].title}")
    many = (long, *(stories * 3))[:39]
    fives = [many[start : start + 8] for start in range(0, len(many), 8)]
    names = [section.name for section in full.sections]
    return replace(
        full,
        subject=f"{full.subject}; {stories[0].title}",
        lead=replace(
            _lead(full), title=f"{_lead(full).title}, says {_LONGEST_WORD}, and half the town agrees"
        ),
        sections=tuple(Section(name, five) for name, five in zip(names, fives, strict=True)),
    )


def _without_pictures(full: EditionView) -> EditionView:
    return replace(
        full,
        lead=replace(_lead(full), picture=None),
        video=replace(full.video, picture=None) if full.video else None,
        sections=tuple(
            Section(section.name, tuple(replace(story, picture=None) for story in section.stories))
            for section in full.sections
        ),
    )


def _one_section(full: EditionView) -> EditionView:
    """One section; of the lead's picture neither size nor description is known."""
    lead = _lead(full)
    bare = Picture(lead.picture.url) if lead.picture else None
    return replace(full, lead=replace(lead, picture=bare), sections=full.sections[:1])


def _right_to_left(full: EditionView) -> EditionView:
    """In Arabic, where everything stands the other way round."""
    paper = rows("arabic.jsonl")
    lead, *others = _of_kind(paper, "story")
    return replace(
        full,
        newsletter="جريدة الميناء",
        promise="أخبار البلدة والبحر في خمس دقائق",
        date="الأربعاء، 18 فبراير 2026",
        schedule="كل يوم في التاسعة صباحًا",
        subject=lead["title"],
        preheader=others[0]["title"],
        language="ar",
        direction="rtl",
        lead=_story(lead),
        sections=_sections(others, ("المدينة", "المدارس")),
        postal_address="جريدة الميناء، 3 رصيف دار الجمارك، إليرسي",
        intro="ينقلب المدّ ظهرًا، وهذا حديث البلدة حتى ذلك الحين.",
        video=_only(paper, "video"),
        note=_only(paper, "note"),
        sponsor=_only(paper, "sponsor"),
    )


def _lead(view: EditionView) -> Story:
    if view.lead is None:
        raise ValueError("a sample without a lead")
    return view.lead


def _of_kind(paper: Sequence[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [row for row in paper if row["kind"] == kind]


def _only(paper: Sequence[dict[str, Any]], kind: str) -> Story:
    return _story(_of_kind(paper, kind)[0])


def _sections(paper: Sequence[dict[str, Any]], names: Sequence[str]) -> tuple[Section, ...]:
    found = {name: tuple(_story(row) for row in paper if row["section"] == name) for name in names}
    return tuple(Section(name, stories) for name, stories in found.items() if stories)


def _story(row: Mapping[str, Any]) -> Story:
    url = f"{PICTURES_URL}{row['picture']}"
    size = (row["picture_width"], row["picture_height"])
    return Story(
        title=row["title"],
        url=row["url"],
        summary=row["summary"],
        byline=row["byline"],
        kicker=row["section"],
        picture=Picture(url, *size, row["picture_alt"]) if row["picture"] else None,
        duration=row["duration"],
        html=row["html"],
        text=row["summary"] if row["html"] else "",
    )
