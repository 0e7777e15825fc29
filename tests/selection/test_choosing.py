"""The machine's draft: the day's stories, each once, none stale, and a reason for every one."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.config import FeedUse, NewsletterSettings, Selection
from newsletter.models import ArticleKind, Slot
from newsletter.selection import Rules, choose, rules_of
from newsletter.values import Candidate, CarriedBy, Choice, Picture

DUE = datetime(2026, 2, 18, 14, 0, tzinfo=UTC)
CLOSED = DUE - timedelta(minutes=30)
WIDE = Picture("https://p.example/w.jpg", 1200, 800, "A ferry")
NARROW = Picture("https://p.example/n.jpg", 240, 160)


def story(number: int, *places: tuple[str, int, int], hours: float = 2, **values: object) -> Candidate:
    """An article published `hours` before due, carried at (feed, rank, length)."""
    published = DUE - timedelta(hours=hours)
    given_values = {"title": f"Story {number}", "first_seen_at": min(published, CLOSED), **values}
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


def pick(*candidates: Candidate, by: Rules | None = None, went_out: dict[int, str] | None = None) -> Choice:
    return choose(candidates, by or rules(), due_at=DUE, closed_at=CLOSED, went_out=went_out or {})


def in_slot(choice: Choice, slot: Slot) -> list[int]:
    return [
        each.article_id for each in sorted(choice.placements, key=lambda p: p.position) if each.slot is slot
    ]


# ── who may run ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("candidate", "reason"),
    [
        (story(1, ("bbc", 0, 9), hidden=True), "out: hidden by an editor"),
        (story(2, ("bbc", 0, 9)), "out: ran in the edition 2026-02-17"),
        (
            story(3, ("bbc", 0, 9), first_seen_at=CLOSED + timedelta(seconds=1)),
            "out: came in at 2026-02-18 13:30 UTC, after the draft closed at 2026-02-18 13:30 UTC",
        ),
        (story(4, ("bbc", 0, 9), hours=-1), "out: dated 2026-02-18 15:00 UTC, after this edition"),
        (
            story(5, ("bbc", 0, 9), hours=36.1),
            "out: published 2026-02-17 01:54 UTC, more than 36 hours before sending",
        ),
        (story(6, ("reuters", 0, 9)), "out: only in feeds that this newsletter does not use"),
    ],
)
def test_who_may_not_run_and_why(candidate: Candidate, reason: str) -> None:
    choice = pick(candidate, went_out={2: "2026-02-17"})
    assert choice.placements == ()
    assert choice.reasons == {candidate.id: reason}


def test_the_edges_belong_to_the_edition() -> None:
    choice = pick(story(1, ("bbc", 0, 9), hours=36), story(2, ("bbc", 1, 9), hours=0, first_seen_at=CLOSED))
    assert {placement.article_id for placement in choice.placements} == {1, 2}


def test_a_sponsor_may_run_again() -> None:
    choice = pick(story(1, kind=ArticleKind.SPONSOR), went_out={1: "2026-02-17"})
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
    assert choice.reasons[3] == "out: holds none of the words that are asked of the feed bbc"


def test_an_excluded_word_is_named() -> None:
    choice = pick(
        story(1, ("bbc", 0, 9), title="Olympic Medals"), by=rules(FeedUse(use="bbc", exclude=("medals",)))
    )
    assert choice.reasons[1] == "out: holds “Medals”, which is excluded for the feed bbc"


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


def test_near_equals_are_decided_by_a_picture_that_can_lead() -> None:
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


# ── sections ────────────────────────────────────────────────────────────────────────────────────


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
    assert choice.reasons[22] == "out: the edition already has 5 headlines"


def test_sections_have_their_order_and_their_limits() -> None:
    uses = [
        FeedUse(use=name, section=name.title(), weight=weight)
        for name, weight in (("a", 3), ("b", 2), ("c", 1))
    ]
    wanted = rules(*uses, sections=("C", "Sport"), per_section=2, max_sections=2)
    choice = pick(*many("a", 1, 4), *many("b", 11, 3), *many("c", 21, 4), by=wanted)
    shown = [(p.position, p.section, p.article_id) for p in choice.placements if p.slot is Slot.HEADLINES]
    assert shown == [(0, "C", 21), (1, "C", 22), (2, "A", 2), (3, "A", 3)]
    assert choice.reasons[23] == "out: C already has 2"
    assert choice.reasons[11] == "out: B is not among the 2 sections of this edition"
    assert choice.reasons[2] == "in: A, no. 1 — no. 2 of 8 in a"


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
    assert choice.reasons[5] == "out: another note weighs more today"


def test_a_feed_of_videos_brings_videos() -> None:
    choice = pick(story(1, ("tv", 0, 9)), by=rules(FeedUse(use="tv", slot="video")))
    assert (in_slot(choice, Slot.VIDEO), in_slot(choice, Slot.LEAD)) == ([1], [])


def test_an_empty_pool_leaves_every_slot_empty() -> None:
    assert pick() == Choice((), {})


def test_one_headline_runs_once() -> None:
    choice = pick(
        story(1, ("bbc", 0, 9), title="Ferry returns"),
        story(2, ("nyt", 1, 9), title="FERRY  returns!"),
        story(3, ("nyt", 2, 9), title="???"),
        story(4, ("nyt", 3, 9), title="!!!"),
    )
    assert choice.reasons[2] == "out: same headline as article 1, which weighs more"
    assert {placement.article_id for placement in choice.placements} == {1, 3, 4}


# ── for all ─────────────────────────────────────────────────────────────────────────────────────

FEEDS = ("a", "b", "c", "d")


@st.composite
def pools(draw: st.DrawFn) -> list[Candidate]:
    return [
        story(
            number,
            *(
                (feed, draw(st.integers(0, 9)), 10)
                for feed in draw(st.lists(st.sampled_from(FEEDS), unique=True, max_size=4))
            ),
            hours=draw(st.sampled_from((-1, 0, 1, 20, 36, 40))),
            title=draw(st.sampled_from(("One", "ONE!", "Two", "Three cats", "Four", f"Own {number}"))),
            kind=draw(st.sampled_from((ArticleKind.STORY, ArticleKind.STORY, *ArticleKind))),
            picture=draw(st.sampled_from((None, NARROW, WIDE))),
            hidden=draw(st.integers(0, 9)) == 0,
        )
        for number in range(1, draw(st.integers(0, 30)) + 1)
    ]


@st.composite
def any_rules(draw: st.DrawFn) -> Rules:
    uses = [
        FeedUse(
            use=draw(st.sampled_from(FEEDS)),
            section=draw(st.sampled_from(("", "World", "Town", "Sport"))),
            weight=draw(st.sampled_from((0.1, 1, 3))),
            include=draw(st.sampled_from(((), ("cats",)))),
            exclude=draw(st.sampled_from(((), ("four",)))),
        )
        for _ in range(draw(st.integers(1, 5)))
    ]
    return rules(
        *uses,
        per_section=draw(st.integers(1, 4)),
        max_stories=draw(st.integers(1, 8)),
        max_sections=draw(st.integers(1, 3)),
        sections=draw(st.sampled_from(((), ("Town",), ("Sport", "Town")))),
    )


@given(pools(), any_rules(), st.sets(st.integers(1, 30), max_size=15), st.randoms(use_true_random=False))
def test_the_promises_hold_for_every_pool(
    pool: list[Candidate], wanted: Rules, ran: set[int], dice: object
) -> None:
    went_out = dict.fromkeys(ran, "2026-02-17")
    choice = pick(*pool, by=wanted, went_out=went_out)
    chosen = [placement.article_id for placement in choice.placements]
    kinds = {candidate.id: candidate.kind for candidate in pool}

    assert not [number for number in chosen if number in ran and kinds[number] is not ArticleKind.SPONSOR]
    assert len(chosen) == len(set(chosen))

    slots = Counter(placement.slot for placement in choice.placements)
    assert all(slots[slot] <= 1 for slot in Slot if slot is not Slot.HEADLINES)
    sections = Counter(
        placement.section for placement in choice.placements if placement.slot is Slot.HEADLINES
    )
    assert sections.total() <= wanted.max_stories
    assert len(sections) <= wanted.max_sections
    assert all(count <= wanted.per_section for count in sections.values())
    assert slots[Slot.LEAD] == 1 or not sections

    assert set(choice.reasons) == {candidate.id for candidate in pool}
    assert {number for number, why in choice.reasons.items() if why.startswith("in: ")} == set(chosen)
    assert all(why.startswith(("in: ", "out: ")) for why in choice.reasons.values())

    shuffled = list(pool)
    dice.shuffle(shuffled)  # type: ignore[attr-defined]
    assert pick(*shuffled, by=wanted, went_out=went_out) == choice
