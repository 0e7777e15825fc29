"""Headlines in sections: minimum and maximum by section and by feed, and more than one voice."""

from __future__ import annotations

from collections import Counter

from newsletter.config import FeedUse
from newsletter.models import Slot
from newsletter.values import Candidate, Choice
from tests.selection.pool import WIDE, in_slot, one_story, pick, rules, story


def many(feed: str, first: int, count: int) -> list[Candidate]:
    return [story(first + n, (feed, n, 2 * count)) for n in range(count)]


def test_no_section_starves_while_another_overflows() -> None:
    wanted = rules(
        FeedUse(use="bbc", section="World", weight=3),
        FeedUse(use="nyt", section="Town", weight=0.1),
        max_stories=5,
    )
    choice = pick(*many("bbc", 1, 9), *many("nyt", 20, 3), by=wanted)
    counts = Counter(placement.section for placement in choice.placements if placement.slot is Slot.HEADLINES)
    assert counts == {"World": 3, "Town": 2}
    assert choice.reasons[22] == (
        "out: the edition already has 5 headlines, and weighs 0.06 to the 0.08 of the last"
        " — with more it could run"
    )


def test_sections_have_their_order_and_their_limits() -> None:
    uses = [
        FeedUse(use=name, section=name.title(), weight=weight)
        for name, weight in (("a", 3), ("b", 2), ("c", 1))
    ]
    wanted = rules(*uses, sections=("C", "Sport"), per_section=2, max_sections=2)
    choice = pick(*many("a", 1, 4), *many("b", 11, 3), *many("c", 21, 4), by=wanted)
    shown = [(p.position, p.section, p.article_id) for p in choice.placements if p.slot is Slot.HEADLINES]
    assert shown == [(0, "C", 21), (1, "C", 22), (2, "A", 2), (3, "A", 3)]
    assert choice.reasons[23] == (
        "out: C already has 2, and weighs 0.71 to the 0.83 of the last — with more it could run"
    )
    assert choice.reasons[11] == (
        "out: B is not among the 2 sections of this edition"
        " — with a larger max_sections or a place in sections it could run"
    )
    assert choice.reasons[2] == "in: A, no. 1 — no. 2 of 8 in a"


def headlines(choice: Choice) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for placement in choice.placements:
        if placement.slot is Slot.HEADLINES:
            found.setdefault(placement.section, []).append(placement.article_id)
    return found


def test_the_minimum_of_a_section_is_a_setting() -> None:
    uses = [FeedUse(use="bbc", section="World", weight=9), FeedUse(use="nyt", section="Town", weight=0.1)]
    pool = [*many("bbc", 1, 9), *many("nyt", 20, 9)]
    for least, counts in ((0, [5]), (1, [4, 1]), (3, [3, 2])):
        choice = pick(*pool, by=rules(*uses, max_stories=5, min_per_section=least))
        assert [len(stories) for stories in headlines(choice).values() if stories] == counts


# ── feeds ───────────────────────────────────────────────────────────────────────────────────────

BOTH = (FeedUse(use="bbc", section="World", weight=9), FeedUse(use="nyt", section="World", weight=0.1))


def test_a_feed_has_its_maximum_the_lead_among_them() -> None:
    choice = pick(*many("bbc", 1, 9), *many("nyt", 20, 3), by=rules(*BOTH, max_per_feed=3))
    assert (in_slot(choice, Slot.LEAD), headlines(choice)) == ([1], {"World": [2, 3, 20, 21, 22]})
    assert choice.reasons[4] == "out: bbc already has 3 — with a larger max_per_feed it could run"


def test_a_feed_has_its_minimum() -> None:
    pool = [*many("bbc", 1, 9), *many("nyt", 20, 3)]
    assert headlines(pick(*pool, by=rules(*BOTH, per_section=4, min_per_feed=2))) == {"World": [2, 3, 20, 21]}


def test_what_a_hand_added_is_of_no_feed() -> None:
    pool = [story(number) for number in range(1, 5)]
    assert headlines(pick(*pool, by=rules(max_per_feed=1))) == {"": [2, 3, 4]}


# ── more than one voice ─────────────────────────────────────────────────────────────────────────


def test_no_section_is_all_from_one_feed_unless_there_is_no_other() -> None:
    pool = many("bbc", 1, 9)
    assert headlines(pick(*pool, by=rules(*BOTH, per_section=3))) == {"World": [2, 3, 4]}
    choice = pick(*pool, *many("nyt", 20, 3), by=rules(*BOTH, per_section=3))
    assert headlines(choice) == {"World": [2, 3, 20]}
    assert choice.reasons[20].endswith("no. 1 of 6 in nyt; shown so that World is not all from bbc")
    assert choice.reasons[4] == "out: makes room for article 20, so that World is not all from bbc"


def test_rather_the_same_story_by_another_feed_than_another_story() -> None:
    pool = [*many("bbc", 1, 9), story(20, ("nyt", 0, 9)), story(30, ("nyt", 1, 9))]
    choice = pick(*pool, by=rules(*BOTH, per_section=3), grouping=one_story(2, 20))
    assert headlines(choice) == {"World": [20, 3, 4]}
    assert choice.reasons[20].endswith("also told by 2 (bbc); shown so that World is not all from bbc")
    assert choice.reasons[2].startswith("out: tells the same story as article 20")


def test_a_feed_at_its_maximum_is_no_other_voice() -> None:
    pool = [*many("bbc", 2, 9), story(1, ("nyt", 0, 9), picture=WIDE), story(20, ("nyt", 1, 9))]
    wanted = rules(
        FeedUse(use="bbc", section="World"),
        FeedUse(use="nyt", section="World"),
        per_section=3,
        min_per_section=0,
        max_per_feed=1,
    )
    choice = pick(*pool, by=wanted)
    assert in_slot(choice, Slot.LEAD) == [1]
    assert headlines(choice) == {"World": [2]}
