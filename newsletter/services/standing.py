"""An edition before an act, and what the act does to it: the touch that stays, the page, the words for it.

A part of touching and wording, on which both stand. Nothing here writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session

from newsletter.config import NewsletterSettings
from newsletter.errors import Refused
from newsletter.models import Edition, Slot
from newsletter.selection.hands import SINGLE, Page, entry_of, place_of
from newsletter.services.drafting import Draft
from newsletter.values import Placement, Touch

DROPPED = "out: dropped by an editor — put back, it could run"
DISPLACED = "out: an editor gave its place to another"


@dataclass(frozen=True, slots=True)
class Standing:
    """An edition as it stands before an act."""

    session: Session
    newsletter: NewsletterSettings
    edition: Edition
    drafted: Draft
    touches: Mapping[int, Touch]

    @property
    def name(self) -> str:
        return f"{self.newsletter.slug}/{self.edition.slug}"

    @property
    def page(self) -> Page:
        return self.drafted.choice.placements

    def touch(self, article_id: int) -> Touch:
        return self.touches.get(article_id, Touch(article_id))

    def entry(self, article_id: int) -> Placement:
        """Raises Refused for an article that is not in the edition."""
        found = entry_of(self.page, article_id)
        if found is None:
            raise Refused(
                f"Article {article_id} is not in {self.name}.",
                next_step=f"newsletter editions pin {self.name} {article_id}",
            )
        return found


@dataclass(frozen=True, slots=True)
class Change:
    """What an act does. `things` are what it changes, by the names under which rivals are found;
    `mine` and `theirs` are the same thing as it would be and as it is, in words."""

    act: str
    told: str
    things: frozenset[str]
    mine: str
    theirs: str
    page: Page
    reasons: Mapping[int, str]
    touched: tuple[Touch, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)


def change_of(
    standing: Standing, act: str, told: str, things: frozenset[str], page: Page, touched: tuple[Touch, ...],
    *, mine: str, theirs: str, values: Mapping[str, Any] | None = None,
) -> Change:  # fmt: skip
    """The change that leaves this page, with a reason for every article that it lets in or out."""
    dropped = {touch.article_id for touch in touched if touch.dropped}
    shown = {entry.article_id: f"in: {entry.why}" for entry in page}
    gone = {entry.article_id for entry in standing.page} - shown.keys()
    out = {number: DROPPED if number in dropped else DISPLACED for number in gone}
    reasons = {**standing.drafted.choice.reasons, **out, **shown}
    return Change(act, told, things, mine, theirs, page, reasons, touched, values or {})


def things_of(article_id: int, *slots: Slot | None) -> frozenset[str]:
    """The article's place; and a slot that has room for one is a thing that two editors can want."""
    return frozenset({f"{article_id}.place", *(slot for slot in slots if slot in SINGLE)})


def told_of(page: Page, article_id: int) -> str:
    """Where an article stands, in words."""
    entry = entry_of(page, article_id)
    if entry is None:
        return "left out"
    if entry.slot is not Slot.HEADLINES:
        return str(entry.slot)
    return f"{entry.section or entry.slot}, no. {place_of(page, entry)}"
