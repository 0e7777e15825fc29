"""One story by several articles: who shows it, and what becomes of it once readers were told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from newsletter.config import FeedUse
from newsletter.models import Slot
from newsletter.selection import Grouping
from newsletter.values import Candidate
from tests.selection.pool import CLOSED, NARROW, WIDE, YESTERDAY, in_slot, one_story, pick, rules, story

SAID = "x" * 200


@pytest.mark.parametrize(
    ("better", "worse", "why"),
    [
        (story(1, ("bbc", 3, 9)), story(2, ("nyt", 0, 9), title="Live: the vote"), "no page that gathers"),
        (story(1, ("ours", 8, 9)), story(2, ("bbc", 0, 9), picture=WIDE), "your own feed"),
        (story(1, ("bbc", 3, 9)), story(2, ("nyt", 0, 9), title="Why the vote failed"), "the news itself"),
        (story(1, ("heavy", 3, 9)), story(2, ("nyt", 0, 9), picture=WIDE), "weighs more"),
        (story(1, ("bbc", 3, 9), hours=2), story(2, ("nyt", 0, 9), hours=20, picture=WIDE), "how it went on"),
        (story(1, ("bbc", 3, 9), picture=WIDE), story(2, ("nyt", 0, 9), picture=NARROW), "better picture"),
        (story(1, ("bbc", 3, 9), summary=SAID), story(2, ("nyt", 0, 9)), "says more"),
        (story(1, ("bbc", 3, 9), hours=2), story(2, ("nyt", 0, 9), hours=4), "newer"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_the_best_of_its_articles_shows_a_story(better: Candidate, worse: Candidate, why: str) -> None:
    uses = rules(
        FeedUse(use="bbc"), FeedUse(use="nyt"), FeedUse(use="ours", own=True), FeedUse(use="heavy", weight=2)
    )
    choice = pick(worse, better, grouping=one_story(1, 2), by=uses)
    assert in_slot(choice, Slot.LEAD) == [1]
    assert "also told by 2 (nyt)" in choice.reasons[1] or "also told by 2 (bbc)" in choice.reasons[1]
    assert choice.reasons[2].startswith("out: tells the same story as article 1, wh")
    assert why in choice.reasons[2] and "split from it" in choice.reasons[2]


def test_each_feed_counts_once_by_its_best_item() -> None:
    many = [story(number, ("bbc", number, 30)) for number in range(1, 6)]
    choice = pick(
        *many, story(10, ("bbc", 7, 30)), story(11, ("nyt", 7, 30)),
        grouping=Grouping((frozenset(range(1, 6)), frozenset((10, 11)))),
    )  # fmt: skip
    assert in_slot(choice, Slot.LEAD) == [10] or in_slot(choice, Slot.LEAD) == [11]


# ── what readers were told already ──────────────────────────────────────────────────────────────


def test_who_was_there_when_the_story_ran_weighs_less_and_warns() -> None:
    """Yesterday's edition told it by article 1; article 2 lay in the pool by then."""
    seen = YESTERDAY.closed_at - timedelta(hours=1)
    choice = pick(
        story(1, ("bbc", 0, 9), hours=27, first_seen_at=seen),
        story(2, ("nyt", 0, 9), hours=27, first_seen_at=seen),
        story(3, ("bbc", 8, 9), hours=27),
        grouping=one_story(1, 2),
        went_out={1: YESTERDAY},
    )
    assert in_slot(choice, Slot.LEAD) != [1] and choice.reasons[1].startswith(
        "out: ran in the edition 2026-02-17"
    )
    assert "beware: article 1 told this in the edition 2026-02-17, so it weighs less" in choice.reasons[2]


def test_a_copy_that_comes_later_is_no_follow_up() -> None:
    choice = pick(
        story(2, ("nyt", 3, 9)),
        story(3, ("bbc", 3, 9)),
        grouping=Grouping((frozenset((1, 2)),), frozenset({(1, 2)})),
        went_out={1: YESTERDAY},
    )
    assert in_slot(choice, Slot.LEAD) == [3] and "beware: article 1" in choice.reasons[2]


def test_how_it_goes_on_is_news() -> None:
    choice = pick(
        story(2, ("nyt", 3, 9), first_seen_at=CLOSED),
        story(3, ("bbc", 8, 9)),
        grouping=one_story(1, 2),
        went_out={1: YESTERDAY},
    )
    assert in_slot(choice, Slot.LEAD) == [2] and "beware" not in choice.reasons[2]
