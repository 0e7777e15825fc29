"""Pools for choosing: articles in feeds, a newsletter's rules, and the choice that follows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from newsletter.config import FeedUse, NewsletterSettings, Selection
from newsletter.models import Slot
from newsletter.selection import Grouping, Rules, choose, group, rules_of
from newsletter.values import Candidate, CarriedBy, Choice, Picture, Placement, Ran, Verdict

DUE = datetime(2026, 2, 18, 14, 0, tzinfo=UTC)
CLOSED = DUE - timedelta(minutes=30)
YESTERDAY = Ran("2026-02-17", CLOSED - timedelta(days=1))
WIDE = Picture("https://p.example/w.jpg", 1200, 800, "A ferry")
NARROW = Picture("https://p.example/n.jpg", 240, 160)

# Words that nobody shares, so that a story without a title of its own is nobody's double
_SYLLABLES = ("ba", "ke", "lo", "mi", "nu", "ra", "se", "ti", "vo", "zu")


def plain_title(number: int) -> str:
    return " ".join(
        "".join(_SYLLABLES[int(digit)] for digit in f"{number * prime:08}") for prime in (7, 131, 9973)
    )


def story(number: int, *places: tuple[str, int, int], hours: float = 2, **values: object) -> Candidate:
    """An article published `hours` before due, carried at (feed, rank, length)."""
    published = DUE - timedelta(hours=hours)
    given_values = {"title": plain_title(number), "first_seen_at": min(published, CLOSED), **values}
    return Candidate(  # type: ignore[arg-type]
        id=number,
        url=f"https://post.example/{number}",
        published_at=published,
        carried_by=tuple(CarriedBy(*place) for place in places),
        **given_values,
    )


def rules(*uses: FeedUse, **selection: object) -> Rules:
    return rules_of(
        NewsletterSettings(
            slug="post",
            name="Post",
            from_address="post@post.example",
            postal_address="1 Quay",
            selection=Selection(**selection),  # type: ignore[arg-type]
            feeds=uses or (FeedUse(use="bbc", section="World"), FeedUse(use="nyt", section="World")),
        )
    )


def pick(
    *candidates: Candidate,
    by: Rules | None = None,
    went_out: Mapping[int, Ran] | None = None,
    pins: Iterable[Placement] = (),
    grouping: Grouping | None = None,
    verdicts: Iterable[Verdict] = (),
    dropped: Iterable[int] = (),
) -> Choice:
    return choose(
        candidates,
        by or rules(),
        grouping=grouping or group(candidates, list(verdicts)),
        due_at=DUE,
        closed_at=CLOSED,
        went_out=went_out or {},
        pins=list(pins),
        dropped=list(dropped),
    )


def one_story(*numbers: int) -> Grouping:
    return Grouping((frozenset(numbers),))


def in_slot(choice: Choice, slot: Slot) -> list[int]:
    return [
        each.article_id for each in sorted(choice.placements, key=lambda p: p.position) if each.slot is slot
    ]
