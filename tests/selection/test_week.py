"""The weekly's choice: the week's leads, then what ran most often and stood highest, each with its reason."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta

from newsletter.models import ArticleKind, Slot
from newsletter.selection import Grouping, choose_week
from newsletter.values import Appearance, Candidate, Choice, Placement, Ran
from tests.selection.pool import CLOSED, DUE, WIDE, rules, story


def ran(
    number: int, days_ago: int, place: int, *, slot: Slot | None = None, section: str = "World"
) -> Appearance:
    """That an article was at this place, of ten, in the daily of so many days ago; the first one led."""
    began = DUE - timedelta(days=days_ago)
    slot = slot or (Slot.HEADLINES if place else Slot.LEAD)
    return Appearance(number, f"{began:%Y-%m-%d}", began, slot, section, place, 10)


def choice_of(
    week: Iterable[Appearance],
    *candidates: Candidate,
    grouping: Grouping | None = None,
    went_out: Mapping[int, Ran] | None = None,
    pins: Collection[Placement] = (),
    dropped: Collection[int] = (),
    gone: Mapping[int, str] | None = None,
    **selection: object,
) -> Choice:
    appearances = list(week)
    known = {number: story(number) for number in {each.article_id for each in appearances}}
    return choose_week(
        appearances, known | {each.id: each for each in candidates}, rules(**selection),
        grouping=grouping or Grouping(), went_out=went_out or {}, pins=tuple(pins), dropped=dropped,
        gone=gone or {},
    )  # fmt: skip


def page(choice: Choice) -> list[int]:
    return [placement.article_id for placement in choice.placements]


def test_leads_come_first_then_what_stood_highest() -> None:
    choice = choice_of([ran(1, 3, 0), ran(2, 3, 1), ran(3, 3, 5), ran(4, 2, 0), ran(5, 2, 2)], per_section=9)
    assert page(choice)[0] in (1, 4) and set(page(choice)[:2]) == {1, 4}
    assert page(choice)[2:] == [2, 5, 3]
    assert choice.reasons[1].endswith("led 2026-02-15") and choice.reasons[5].endswith(
        "no. 3 of 10 in 2026-02-16"
    )


def test_among_leads_the_one_with_a_fitting_picture_leads_the_week() -> None:
    choice = choice_of([ran(1, 1, 0), ran(2, 2, 0)], story(2, picture=WIDE))
    assert page(choice) == [2, 1]


def test_what_ran_again_outweighs_what_stood_higher_once() -> None:
    choice = choice_of([ran(1, 3, 0), ran(2, 3, 1), ran(3, 3, 7), ran(3, 2, 7)])
    assert page(choice) == [1, 3, 2]
    assert choice.reasons[3].endswith("ran in 2 editions and was no. 8 of 10 in 2026-02-16")


def test_a_story_that_was_told_on_two_days_is_told_once_as_it_went_on() -> None:
    first = story(1, hours=80)
    choice = choice_of([ran(1, 3, 0), ran(2, 1, 4)], first, grouping=Grouping((frozenset({1, 2}),)))
    assert page(choice) == [2]
    assert choice.reasons[2].endswith("ran in 2 editions and led 2026-02-15")
    assert choice.reasons[1].startswith("out: tells the same story as article 2, which knows how it went on")


def test_what_is_not_for_the_week_says_why() -> None:
    choice = choice_of(
        [ran(number, 2, number) for number in range(1, 6)],
        story(1, hidden=True), story(2, kind=ArticleKind.NOTE), story(3, kind=ArticleKind.SPONSOR),
        went_out={4: Ran("2026-02-11-weekly", CLOSED)}, gone={5: "its page is gone"},
    )  # fmt: skip
    assert page(choice) == []
    assert choice.reasons == {
        1: "out: hidden by an editor — brought back, it could run",
        2: "out: a note is for its own day — only an editor's pin lets it run again",
        3: "out: a sponsor is for its own day — only an editor's pin lets it run again",
        4: "out: ran in the edition 2026-02-11-weekly — only an editor's pin lets it run again",
        5: "out: its page is gone",
    }


def test_an_editors_hand_stays_and_takes_its_room() -> None:
    pin = Placement(9, Slot.LEAD, why="pinned by an editor", pinned=True)
    choice = choice_of([ran(1, 2, 0), ran(2, 2, 1)], story(9), pins=[pin], dropped=[2])
    assert [(p.article_id, p.slot) for p in choice.placements] == [(9, Slot.LEAD), (1, Slot.HEADLINES)]
    assert choice.reasons[2] == "out: dropped by an editor — put back, it could run"


def test_sections_keep_their_order_and_their_room_and_the_video_its_slot() -> None:
    week = [
        ran(1, 2, 0),
        ran(2, 2, 1, section="Sport"),
        ran(3, 2, 2),
        ran(4, 2, 3),
        ran(5, 2, 4, slot=Slot.VIDEO),
    ]
    choice = choice_of(week, sections=("World", "Sport"), per_section=1)
    assert [(p.article_id, p.slot, p.section) for p in choice.placements] == [
        (1, Slot.LEAD, "World"), (3, Slot.HEADLINES, "World"), (2, Slot.HEADLINES, "Sport"),
        (5, Slot.VIDEO, ""),
    ]  # fmt: skip
    assert choice.reasons[4].startswith("out: World already has 1")


def test_a_week_of_nothing_is_empty() -> None:
    assert choice_of([]) == Choice((), {})
