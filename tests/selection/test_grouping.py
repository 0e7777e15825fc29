"""One story once: which articles of a pool tell the same, and what an editor's word does to it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import pytest

from newsletter.models import ArticleKind
from newsletter.selection import Grouping, group
from newsletter.values import Candidate, Verdict
from tests.selection.pool import CLOSED, story

A_MINUTE = timedelta(minutes=1)
# A day's news in a made-up country, two papers and a wire: 1 to 3, 4 and 5, 6 and 7 tell the same
NEWS = {
    1: ("Senate removes President Ilva Dorn over bridge contracts",
        "Senators in Portovar voted 61 to 38 to impeach President Ilva Dorn on Tuesday."),
    2: ("President Dorn impeached by Portovar's Senate",
        "Ilva Dorn is the third president to be removed over the contracts for the Marl bridge."),
    3: ("Portovar Votes to Oust President Over Bridge Scandal",
        "The Senate impeached Ilva Dorn, who denied that she had known of the contracts."),
    4: ("Night ferry to Tessel sails again after eleven winters",
        "The Marigold left the north quay at midnight with 214 passengers."),
    5: ("After 11 years the night ferry returns to Tessel",
        "The Marigold carried 214 passengers and a piano from the north quay."),
    6: ("Bakers strike over flour prices enters second week",
        "Bakeries in Ambrook stay shut as talks with millers fail."),
    7: ("No bread in Ambrook: bakers' strike goes on",
        "Millers and bakers could not agree on the price of flour for a second week."),
    8: ("Hurlers of Castle Reeve win the cup", "A late goal decided the final in the rain."),
    9: ("Observatory finds a comet that nobody expected", "It will be seen with the naked eye in May."),
    10: ("School opens in a former brewery", "Two hundred pupils moved into the old brewhouse on Monday."),
    11: ("Rain for the third week: reservoirs are full", "The waterworks opened the gates at Hallin."),
    12: ("Court frees the man who painted the town hall blue", "The judge called it a nuisance, no crime."),
}  # fmt: skip
STORIES = {frozenset((1, 2, 3)), frozenset((4, 5)), frozenset((6, 7))}


def news(changed: dict[int, tuple[str, str]] | None = None, **values: object) -> list[Candidate]:
    told = NEWS | (changed or {})
    return [
        story(number, (f"paper-{number % 3}", number, 20), title=title, summary=summary, **values)
        for number, (title, summary) in told.items()
    ]


def stories(pool: Iterable[Candidate], *verdicts: Verdict) -> set[frozenset[int]]:
    return set(group(pool, verdicts).stories)


def said(one: int, other: int, *, same: bool, minute: int = 0) -> Verdict:
    return Verdict(one, other, same, CLOSED + minute * A_MINUTE)


def test_articles_that_tell_the_same_in_other_words_are_one_story() -> None:
    assert stories(news()) == STORIES


def test_a_story_is_found_from_each_of_its_articles() -> None:
    found = group(news())
    assert found.story_of(2) == {1, 2, 3}
    assert found.story_of(8) == {8}
    assert found.story_of(404) == {404}


def test_accents_initials_and_possessives_do_not_part_a_story() -> None:
    changed = {
        4: (
            "Nacht-Fähre: U.S. envoy José Ilves' crossing to Tessel",
            "The envoy José Ilves sailed at midnight.",
        ),
        5: ("US envoy Jose Ilves crosses to Tessel by ferry", "Envoy Jose Ilves left at midnight."),
    }
    assert frozenset((4, 5)) in stories(news(changed))


def test_what_stands_in_the_address_counts() -> None:
    changed = {8: ("They did it", "What a night."), 9: ("Cup for Castle Reeve", "A goal in the rain.")}
    pool = news(changed)
    bare = stories(pool)
    address = "https://post.example/sport/hurlers-castle-reeve-cup-goal-rain.html"
    told = [
        Candidate(each.id, address, each.title, each.published_at, each.first_seen_at, summary=each.summary)
        if each.id == 8
        else each
        for each in pool
    ]
    assert frozenset((8, 9)) not in bare
    assert frozenset((8, 9)) in stories(told)


# ── in doubt not ────────────────────────────────────────────────────────────────────────────────


def test_a_shared_subject_is_no_shared_story() -> None:
    """The same president and the same bridge, but another actor and another act."""
    changed = {8: ("Divers inspect the Marl bridge after the flood", "Two pillars of the bridge had moved.")}
    assert stories(news(changed)) == STORIES


def test_a_round_up_joins_nothing() -> None:
    changed = {8: ("Ilva Dorn is impeached. And, the night ferry sails to Tessel", "The day in Portovar.")}
    assert stories(news(changed)) == STORIES


def test_a_series_is_no_story() -> None:
    for count in (2, 5, 40):
        pool = [
            story(number, title=f"War in the north: what we know on day {number}") for number in range(count)
        ]
        assert stories(pool) == set()


def test_a_story_that_touches_two_does_not_chain_them() -> None:
    """One piece that speaks of impeachment and strike; both groups stay what they are."""
    changed = {
        8: ("Bakers' strike in Ambrook and President Dorn's fall: a bad week for Portovar",
            "The Senate impeached Ilva Dorn while bakers went on with their strike over flour."),
    }  # fmt: skip
    found = group(news(changed))
    assert not {1, 2, 3} <= found.story_of(6)


def test_what_lies_days_apart_is_less_alike() -> None:
    pool = news()
    far = [
        Candidate(each.id, each.url, each.title, each.published_at - timedelta(days=9), each.first_seen_at,
                  summary=each.summary)
        if each.id == 5 else each
        for each in pool
    ]  # fmt: skip
    assert frozenset((4, 5)) in stories(pool)
    assert frozenset((4, 5)) not in stories(far)


@pytest.mark.parametrize("kind", [ArticleKind.NOTE, ArticleKind.SPONSOR])
def test_notes_and_sponsors_tell_no_story(kind: ArticleKind) -> None:
    assert stories(news(kind=kind)) == set()


def test_an_empty_pool_has_no_stories() -> None:
    assert group([]) == Grouping()


def test_titles_of_signs_alone_are_nobody_s_double() -> None:
    assert stories([story(1, title="???"), story(2, title="!!!"), story(3, title="…")]) == set()


# ── the same headline, and near copies ──────────────────────────────────────────────────────────


def test_the_same_headline_is_the_same_story_whatever_stands_below_it() -> None:
    changed = {8: ("Fair day", "Hurling in the rain."), 9: ("FAIR DAY!", "A comet in May.")}
    assert frozenset((8, 9)) in stories(news(changed))


def test_copies_are_known_as_such() -> None:
    title, summary = NEWS[4]
    found = group(news({5: (f"{title}, says captain", summary)}))
    assert found.are_twins(4, 5) and found.are_twins(5, 4)
    assert not found.are_twins(1, 3), "one story, told twice"


# ── languages ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        (
            "de",
            "Bäcker streiken wegen der Mehlpreise in Ambruck",
            "Streikende Bäcker: Mehlpreis in Ambruck steigt",
        ),
        ("uk", "Сенат усунув президентку Ільву Дорн", "Президентка Ільва Дорн: сенат голосує"),
        ("ja", "上院がドルン大統領を弾劾した", "ドルン大統領、上院が弾劾"),
    ],
)
def test_other_languages_and_scripts_are_compared_too(language: str, one: str, other: str) -> None:
    pool = [*news(), story(20, title=one, language=language), story(21, title=other, language=language)]
    assert stories(pool) - STORIES == ({frozenset((20, 21))} if language != "uk" else set())


# ── the editors' word ───────────────────────────────────────────────────────────────────────────


def test_an_editor_parts_and_joins() -> None:
    parted = stories(news(), said(4, 5, same=False))
    assert parted == STORIES - {frozenset((4, 5))}
    joined = stories(news(), said(8, 9, same=True))
    assert joined == STORIES | {frozenset((8, 9))}


def test_two_who_were_parted_are_not_joined_through_a_third() -> None:
    found = group(news(), [said(1, 3, same=False)])
    assert 3 not in found.story_of(1)
    assert {1, 2, 3} not in found.stories


def test_what_comes_in_later_does_not_undo_it() -> None:
    pool = news()
    title, summary = NEWS[5]
    pool += [
        story(number, ("wire", number, 99), title=f"{title}: update", summary=summary) for number in (30, 31)
    ]
    found = group(pool, [said(4, 5, same=False)])
    assert 5 not in found.story_of(4)


def test_the_later_word_wins() -> None:
    assert frozenset((4, 5)) in stories(news(), said(4, 5, same=False), said(4, 5, same=True, minute=1))
    assert frozenset((4, 5)) not in stories(news(), said(4, 5, same=False, minute=1), said(4, 5, same=True))
    # 8 goes with 9 and 9 with 10, but then somebody says that 8 and 10 are two
    found = group(
        news(), [said(8, 9, same=True), said(9, 10, same=True, minute=1), said(8, 10, same=False, minute=2)]
    )
    assert found.story_of(9) == {9, 10}


def test_a_word_about_articles_that_are_gone_is_no_trouble() -> None:
    assert stories(news(), said(4, 404, same=True), said(404, 405, same=False)) == STORIES
