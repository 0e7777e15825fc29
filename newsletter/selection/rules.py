"""What a newsletter wants from its pool: the part of its settings that choosing looks at."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from newsletter.config import FeedUse, NewsletterSettings


@dataclass(frozen=True, slots=True)
class Words:
    """Words and phrases to look for, whole and in any case; one that ends in * may go on."""

    told: tuple[str, ...] = ()
    pattern: re.Pattern[str] | None = None

    def found_in(self, text: str) -> str:
        """The first of them that `text` holds, as it stands there; empty when it holds none."""
        found = self.pattern.search(unicodedata.normalize("NFC", text)) if self.pattern else None
        return found.group() if found else ""


@dataclass(frozen=True, slots=True)
class Use:
    """How a newsletter uses a feed. A feed may be used twice, with other words and sections."""

    feed: str
    section: str = ""
    weight: float = 1.0
    include: Words = Words()
    exclude: Words = Words()
    slot: Literal["story", "video"] = "story"
    own: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """`sections` come first, in this order; `max_stories` are those beside the lead.

    A `max_per_feed` of 0 is no limit. Forms in `welcome` are news like any other.
    """

    uses: tuple[Use, ...] = ()
    language: str = "en"
    max_age: timedelta = timedelta(hours=36)
    sections: tuple[str, ...] = ()
    min_per_section: int = 2
    per_section: int = 5
    min_per_feed: int = 0
    max_per_feed: int = 0
    max_stories: int = 15
    max_sections: int = 6
    welcome: tuple[str, ...] = ()


def rules_of(newsletter: NewsletterSettings) -> Rules:
    wanted = newsletter.selection
    return Rules(
        uses=tuple(_use(feed) for feed in newsletter.feeds),
        language=newsletter.language,
        max_age=timedelta(seconds=wanted.max_age),
        sections=wanted.sections,
        min_per_section=wanted.min_per_section,
        per_section=wanted.per_section,
        min_per_feed=wanted.min_per_feed,
        max_per_feed=wanted.max_per_feed,
        max_stories=wanted.max_stories,
        max_sections=wanted.max_sections,
        welcome=wanted.welcome,
    )


def words(told: Iterable[str]) -> Words:
    """Blank ones do not count."""
    kept = tuple(
        word for word in (unicodedata.normalize("NFC", each).strip() for each in told) if word.strip("*")
    )
    if not kept:
        return Words()
    return Words(kept, re.compile("|".join(_whole(word) for word in kept), re.IGNORECASE))


def _use(feed: FeedUse) -> Use:
    return Use(
        feed=feed.use,
        section=feed.section,
        weight=feed.weight,
        include=words(feed.include),
        exclude=words(feed.exclude),
        slot=feed.slot,
        own=feed.own,
    )


def _whole(word: str) -> str:
    stem = r"\s+".join(re.escape(part) for part in word.rstrip("*").split())
    onward = r"\w*" if word.endswith("*") else ""
    return rf"(?<!\w){stem}{onward}(?!\w)"
