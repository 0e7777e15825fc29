"""What came in from outside, and what was decided of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from newsletter.models import ArticleKind, Placed, Slot

NO_PICTURE = "none"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture at its source. Width and height in pixels, 0 when the source did not say."""

    url: str
    width: int = 0
    height: int = 0
    alt: str = ""


@dataclass(frozen=True, slots=True)
class ArticleDraft:
    """An article as it came in, already cleaned: canonical address, plain text, UTC instants.

    `html` is a sanitised fragment and only notes and sponsors have one. `rank` is the place in the
    feed's own order, 0 first, of `length` items. `date_note` says how `published_at` was repaired.
    """

    url: str
    title: str
    summary: str = ""
    byline: str = ""
    section: str = ""
    language: str = ""
    kind: ArticleKind = ArticleKind.STORY
    picture: Picture | None = None
    duration: str = ""
    html: str = ""
    published_at: datetime | None = None
    date_note: str = ""
    guid: str = ""
    rank: int = 0
    length: int = 1


@dataclass(frozen=True, slots=True)
class Refusal:
    """An item that was not taken: where it stood, and why, in words for a person."""

    place: str
    why: str


@dataclass(frozen=True, slots=True)
class CarriedBy:
    """That a feed carries an article, and how high it stood there."""

    feed: str
    rank: int
    length: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """An article of the pool as selection sees it.

    `renewed_at` is when another story was last found under its address, as pages have that are written
    anew every day.
    """

    id: int
    url: str
    title: str
    published_at: datetime
    first_seen_at: datetime
    kind: ArticleKind = ArticleKind.STORY
    summary: str = ""
    byline: str = ""
    section: str = ""
    language: str = ""
    picture: Picture | None = None
    duration: str = ""
    html: str = ""
    carried_by: tuple[CarriedBy, ...] = ()
    hidden: bool = False
    renewed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an editor decided of two articles: that they tell one story, or (`same` false) two."""

    one: int
    other: int
    same: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Ran:
    """That an edition carried an article to readers; later articles it could not know."""

    slug: str
    closed_at: datetime


@dataclass(frozen=True, slots=True)
class Appearance:
    """Where an edition that went out told an article, and in which words of its own.

    `place` is its place among the edition's entries, 0 first, of `length` entries. `began_at` is when the
    edition's first copy began.
    """

    article_id: int
    edition: str
    began_at: datetime
    slot: Slot
    section: str
    place: int
    length: int
    headline: str = ""
    summary: str = ""

    @property
    def share(self) -> float:
        """How far up the page it stood: 1 for its first entry, towards 0 for its last."""
        return 1 - self.place / self.length


@dataclass(frozen=True, slots=True)
class Placement:
    """An article in a slot, and why it is there; `headline`, `summary`, `picture` (an address, or
    NO_PICTURE) and `picture_alt` are an editor's own, empty for what came with the article."""

    article_id: int
    slot: Slot
    why: str
    section: str = ""
    position: int = 0
    pinned: bool = False
    headline: str = ""
    summary: str = ""
    picture: str = ""
    picture_alt: str = ""

    def picture_of(self, article: Candidate) -> Picture | None:
        """The picture that is shown with it, if any."""
        if self.picture == NO_PICTURE:
            return None
        shown = Picture(self.picture) if self.picture else article.picture
        return replace(shown, alt=self.picture_alt or shown.alt) if shown else None


@dataclass(frozen=True, slots=True)
class Touch:
    """What an editor did to an article in an edition. `position` counts from 1 within slot and section.

    `came_headline` and `came_summary` are what stood at the source when the editor gave words of their own.
    """

    article_id: int
    dropped: bool = False
    placed: Placed = Placed.BY_THE_MACHINE
    slot: Slot | None = None
    section: str = ""
    position: int = 0
    headline: str = ""
    summary: str = ""
    picture: str = ""
    picture_alt: str = ""
    came_headline: str = ""
    came_summary: str = ""

    @property
    def has_its_own(self) -> bool:
        """Whether anything is shown of it that did not come with the article."""
        return bool(self.headline or self.summary or self.picture or self.picture_alt)

    def is_outdated(self, article: Candidate) -> bool:
        """Whether the source has other words by now than those that the editor replaced."""
        headline = self.headline and self.came_headline and self.came_headline != article.title
        summary = self.summary and self.came_summary and self.came_summary != article.summary
        return bool(headline or summary)


@dataclass(frozen=True, slots=True)
class Past:
    """An edition as a hand left it in `version`: by which act, its own words, touches and page."""

    version: int
    at: datetime
    who: str
    act: str
    told: str
    subject: str
    preheader: str
    touches: tuple[Touch, ...]
    page: tuple[Placement, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """What selection decided: where the chosen go, and one reason for every candidate."""

    placements: tuple[Placement, ...]
    reasons: Mapping[int, str]
