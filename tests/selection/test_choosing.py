"""The machine's draft: the day's stories, each once, none stale, and a reason for every one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from newsletter.config import FeedUse
from newsletter.models import ArticleKind, Slot
from newsletter.values import Candidate, Choice, Placement
from tests.selection.pool import (
    CLOSED,
    NARROW,
    WIDE,
    YESTERDAY,
    in_slot,
    one_story,
    pick,
    rules,
    story,
)

# ── who may run ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("candidate", "reason"),
    [
        (story(1, ("bbc", 0, 9), hidden=True), "hidden by an editor — brought back, it could run"),
        (
            story(2, ("bbc", 0, 9)),
            "ran in the edition 2026-02-17 — only an editor's pin lets it run again",
        ),
        (
            story(3, ("bbc", 0, 9), first_seen_at=CLOSED + timedelta(seconds=1)),
            "came in at 2026-02-18 13:30 UTC, after the draft closed at 2026-02-18 13:30 UTC"
            " — it can run in the next edition",
        ),
        (
            story(4, ("bbc", 0, 9), hours=-1),
            "dated 2026-02-18 15:00 UTC, after this edition — it can run in a later one",
        ),
        (
            story(5, ("bbc", 0, 9), hours=36.1),
            "published 2026-02-17 01:54 UTC, more than 36 hours before sending"
            ' — with max_age = "37 hours" it could run',
        ),
        (
            story(6, ("reuters", 0, 9)),
            "only in feeds that this newsletter does not use"
            " — with a [[newsletters.feeds]] part for reuters it could run",
        ),
        (
            story(7, ("bbc", 0, 9), title="The daily crossword"),
            'a puzzle or a game, which is no news — with welcome = ["puzzle"] it could run',
        ),
    ],
)
def test_who_may_not_run_and_why(candidate: Candidate, reason: str) -> None:
    choice = pick(candidate, went_out={2: YESTERDAY})
    assert choice.placements == ()
    assert choice.reasons == {candidate.id: f"out: {reason}"}


def test_a_page_that_is_written_anew_each_day_says_so() -> None:
    page = story(1, ("bbc", 0, 9), renewed_at=CLOSED - timedelta(hours=3))
    assert pick(page, went_out={1: YESTERDAY}).reasons[1] == (
        "out: ran in the edition 2026-02-17, and its page tells another story since 2026-02-18 10:30 UTC"
        " — only an editor's pin lets it run again"
    )


def test_the_edges_belong_to_the_edition() -> None:
    choice = pick(story(1, ("bbc", 0, 9), hours=36), story(2, ("bbc", 1, 9), hours=0, first_seen_at=CLOSED))
    assert {placement.article_id for placement in choice.placements} == {1, 2}


def test_a_sponsor_may_run_again() -> None:
    choice = pick(story(1, kind=ArticleKind.SPONSOR), went_out={1: YESTERDAY})
    assert in_slot(choice, Slot.SPONSOR) == [1]


def test_words_decide_per_use_and_the_first_that_takes_it_gives_the_section() -> None:
    wanted = rules(
        FeedUse(use="bbc", section="Ukraine", include=("Kyiv", "Ukrain*")),
        FeedUse(use="bbc", section="World", exclude=("medal table",)),
    )
    lead = story(9, ("bbc", 0, 9), picture=WIDE)
    ukraine = story(1, ("bbc", 1, 9), title="Talks", summary="UKRAINIANS wait")
    world = story(2, ("bbc", 2, 9), title="Kyivan Rus in a new light")
    table = story(3, ("bbc", 3, 9), title="Games: the Medal  Table")
    choice = pick(lead, ukraine, world, table, by=wanted)
    sections = {placement.article_id: placement.section for placement in choice.placements}
    assert sections == {9: "World", 1: "Ukraine", 2: "World"}
    assert choice.reasons[3] == (
        "out: holds none of the words that are asked of the feed bbc — with Kyiv or Ukrain* it could run"
    )


def test_an_excluded_word_is_named() -> None:
    choice = pick(
        story(1, ("bbc", 0, 9), title="Olympic Medals"), by=rules(FeedUse(use="bbc", exclude=("medals",)))
    )
    assert choice.reasons[1] == (
        "out: holds “Medals”, which is excluded for the feed bbc — without that it could run"
    )


# ── what weighs more ────────────────────────────────────────────────────────────────────────────


def test_more_feeds_a_higher_place_and_less_age_weigh_more() -> None:
    both = story(1, ("bbc", 4, 10), ("nyt", 4, 10))
    top = story(2, ("bbc", 0, 10))
    old = story(3, ("bbc", 0, 10), hours=27)
    low = story(4, ("bbc", 8, 10))
    assert in_slot(pick(low, old, top, both), Slot.HEADLINES) == [2, 3, 4]
    assert pick(low, old, top, both).reasons[1] == (
        "in: lead — stands highest and none near it has a fitting picture: "
        "carried by 2 feeds, highest no. 5 of 10 in bbc"
    )


def test_a_feed_s_weight_counts() -> None:
    wanted = rules(FeedUse(use="bbc", weight=0.1), FeedUse(use="nyt", weight=2))
    assert in_slot(pick(story(1, ("bbc", 0, 9)), story(2, ("nyt", 4, 9)), by=wanted), Slot.LEAD) == [2]


def test_what_a_hand_added_counts_as_a_first_item() -> None:
    choice = pick(story(1, ("bbc", 1, 9)), story(2, section="Town"))
    assert in_slot(choice, Slot.LEAD) == [2]
    assert choice.reasons[2].endswith("added by hand")


# ── the lead ────────────────────────────────────────────────────────────────────────────────────


def test_near_equals_are_decided_by_a_picture_that_fills_the_page() -> None:
    bare, small, fit = (
        story(1, ("bbc", 0, 20)),
        story(2, ("bbc", 1, 20), picture=NARROW),
        story(3, ("bbc", 2, 20), picture=WIDE),
    )
    choice = pick(bare, small, fit)
    assert in_slot(choice, Slot.LEAD) == [3]
    assert choice.reasons[3] == "in: lead — stands highest and has a fitting picture: no. 3 of 20 in bbc"


def test_a_picture_does_not_lift_a_lesser_story() -> None:
    assert in_slot(pick(story(1, ("bbc", 0, 20)), story(2, ("bbc", 9, 20), picture=WIDE)), Slot.LEAD) == [1]


def test_a_feed_s_own_lead_comes_before_a_fresher_lesser_story() -> None:
    lead = story(1, ("nyt", 0, 50), hours=8, picture=WIDE)
    fresh = story(2, ("nyt", 7, 50), hours=1, picture=WIDE)
    assert in_slot(pick(fresh, lead), Slot.LEAD) == [1]


# ── the other slots ─────────────────────────────────────────────────────────────────────────────


def test_video_note_and_sponsor_fill_their_own_slots() -> None:
    choice = pick(
        story(1, ("bbc", 0, 9)),
        story(2, ("bbc", 1, 9), kind=ArticleKind.VIDEO),
        story(3, ("bbc", 5, 9), kind=ArticleKind.VIDEO, picture=WIDE),
        story(4, kind=ArticleKind.NOTE),
        story(5, kind=ArticleKind.NOTE, hours=9),
        story(6, kind=ArticleKind.SPONSOR),
    )
    assert [in_slot(choice, slot) for slot in (Slot.VIDEO, Slot.NOTE, Slot.SPONSOR)] == [[3], [4], [6]]
    assert in_slot(choice, Slot.HEADLINES) == []
    assert choice.reasons[5] == "out: another note weighs more today — without it this could run"


def test_a_feed_of_videos_brings_videos() -> None:
    choice = pick(story(1, ("tv", 0, 9)), by=rules(FeedUse(use="tv", slot="video")))
    assert (in_slot(choice, Slot.VIDEO), in_slot(choice, Slot.LEAD)) == ([1], [])


def test_an_empty_pool_leaves_every_slot_empty() -> None:
    assert pick() == Choice((), {})


# ── one story once ──────────────────────────────────────────────────────────────────────────────


def test_one_headline_runs_once() -> None:
    choice = pick(
        story(1, ("bbc", 0, 9), title="Ferry returns"),
        story(2, ("nyt", 1, 9), title="FERRY  returns!"),
        story(3, ("nyt", 2, 9), title="???"),
        story(4, ("nyt", 3, 9), title="!!!"),
    )
    assert choice.reasons[2] == (
        "out: tells the same story as article 1 — split from it, it would be a story of its own"
    )
    assert {placement.article_id for placement in choice.placements} == {1, 3, 4}


def test_the_others_share_the_fate_of_their_story() -> None:
    choice = pick(
        story(1, ("bbc", 0, 9), picture=WIDE),
        story(2, ("bbc", 1, 9)),
        story(3, ("bbc", 7, 9)),
        story(4, ("bbc", 8, 9)),
        by=rules(max_stories=1),
        grouping=one_story(3, 4),
    )
    assert choice.reasons[3] == (
        "out: the edition already has 1 headlines, and weighs 0.21 to the 0.84 of the last"
        " — with more it could run"
    )
    assert choice.reasons[4] == (
        "out: tells the same story as article 3, which is out: " + choice.reasons[3].removeprefix("out: ")
    )


def test_a_video_of_a_story_that_runs_is_no_second_telling() -> None:
    choice = pick(
        story(1, ("bbc", 5, 9)),
        story(2, ("nyt", 0, 9), kind=ArticleKind.VIDEO, picture=WIDE),
        story(3, ("nyt", 4, 9), kind=ArticleKind.VIDEO),
        grouping=one_story(1, 2),
    )
    assert (in_slot(choice, Slot.LEAD), in_slot(choice, Slot.VIDEO)) == ([1], [3])
    assert choice.reasons[2].startswith("out: tells the same story as article 1, which is there already")


def test_a_video_among_the_news_says_that_its_story_matters() -> None:
    choice = pick(
        story(1, ("bbc", 0, 9)),
        story(2, ("bbc", 3, 9)),
        story(3, ("nyt", 0, 9), kind=ArticleKind.VIDEO),
        grouping=one_story(2, 3),
    )
    assert in_slot(choice, Slot.LEAD) == [2] and in_slot(choice, Slot.VIDEO) == []


def test_where_a_video_stands_says_what_there_is_to_see_and_not_what_the_news_is() -> None:
    choice = pick(
        story(1, ("bbc", 0, 9), picture=WIDE),
        story(2, ("bbc", 1, 9), picture=WIDE),
        story(3, ("bbc", 2, 9)),
        story(4, ("tv", 0, 9), picture=WIDE),
        grouping=one_story(3, 4),
        by=rules(FeedUse(use="bbc", section="World"), FeedUse(use="tv", slot="video"), max_stories=1),
    )
    assert (in_slot(choice, Slot.LEAD), in_slot(choice, Slot.HEADLINES)) == ([1], [2])
    assert in_slot(choice, Slot.VIDEO) == [4], "nobody else tells that story here"


# ── what an editor pinned ───────────────────────────────────────────────────────────────────────


def pin(article: int, slot: Slot = Slot.HEADLINES, **values: object) -> Placement:
    return Placement(article, slot, **{"why": "", **values})  # type: ignore[arg-type]


def test_pins_stay_whatever_the_rules_say_and_lead_their_section() -> None:
    choice = pick(
        story(1, ("bbc", 0, 9)),
        story(2, ("bbc", 1, 9)),
        story(3, ("bbc", 8, 9), hours=99),
        story(4, ("bbc", 7, 9)),
        pins=[
            pin(3, section="World", position=1, why="Anna wants it"),
            pin(4, section="World", position=0, headline="In our words"),
        ],
    )
    assert in_slot(choice, Slot.LEAD) == [1]
    assert in_slot(choice, Slot.HEADLINES) == [4, 3, 2]
    kept = next(placement for placement in choice.placements if placement.article_id == 4)
    assert (kept.pinned, kept.headline, kept.why) == (True, "In our words", "pinned by an editor")
    assert choice.reasons[3] == "in: Anna wants it"


def test_a_pin_takes_the_room_of_a_machine_s_choice() -> None:
    choice = pick(
        *(story(number, ("bbc", number, 9)) for number in range(1, 6)),
        story(6, ("bbc", 6, 9), kind=ArticleKind.VIDEO),
        story(7, ("bbc", 7, 9), kind=ArticleKind.VIDEO),
        pins=[pin(5, Slot.LEAD), pin(7, Slot.VIDEO), pin(4, section="World")],
        by=rules(max_stories=2),
    )
    assert in_slot(choice, Slot.LEAD) == [5]
    assert in_slot(choice, Slot.VIDEO) == [7]
    assert in_slot(choice, Slot.HEADLINES) == [4, 1]
    assert choice.reasons[6] == "out: an editor pinned another video — without it this could run"


def test_the_story_of_a_pin_is_told_once_and_by_the_pin() -> None:
    choice = pick(
        story(1, ("bbc", 0, 9), picture=WIDE),
        story(2, ("nyt", 8, 9)),
        story(3, ("nyt", 1, 9)),
        pins=[pin(2, section="World")],
        grouping=one_story(1, 2),
    )
    assert choice.reasons[1] == "out: tells the same story as article 2, which is pinned"
    assert {placement.article_id for placement in choice.placements} == {2, 3}


def test_a_pin_that_left_the_pool_stays_too() -> None:
    choice: Choice = pick(story(1, ("bbc", 0, 9)), pins=[pin(99, section="Sport")])
    assert in_slot(choice, Slot.HEADLINES) == [99]
    assert choice.reasons[99] == "in: pinned by an editor"


def test_a_pin_stands_at_its_place_while_others_come_and_go() -> None:
    news = [story(number, ("bbc", number, 9)) for number in range(1, 6)]
    pinned = pin(5, section="World", position=3)
    assert in_slot(pick(*news, pins=[pinned]), Slot.HEADLINES) == [2, 3, 5, 4]
    assert in_slot(pick(*news[2:], pins=[pinned]), Slot.HEADLINES) == [4, 5], "as far as there are any"


def test_what_an_editor_dropped_is_out_with_its_story_unless_another_telling_is_pinned() -> None:
    news = [story(1, ("bbc", 0, 9)), story(2, ("nyt", 1, 9)), story(3, ("nyt", 4, 9))]
    choice = pick(*news, grouping=one_story(1, 2), dropped=[1])
    assert [placement.article_id for placement in choice.placements] == [3]
    assert choice.reasons[1] == "out: dropped by an editor — put back, it could run"
    assert choice.reasons[2] == (
        "out: tells the same story as article 1, which an editor dropped — pinned, it would run"
    )
    choice = pick(*news, grouping=one_story(1, 2), dropped=[1], pins=[pin(2, section="World")])
    assert {placement.article_id for placement in choice.placements} == {2, 3}
