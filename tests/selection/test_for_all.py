"""Promises of choosing and grouping that hold for every pool, every rule and every order."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from newsletter.config import FeedUse
from newsletter.models import ArticleKind, Slot
from newsletter.selection import Grouping, Rules, group
from newsletter.values import Candidate, Choice, Placement, Verdict
from tests.selection.pool import CLOSED, NARROW, WIDE, YESTERDAY, pick, rules, story

FEEDS = ("a", "b", "c", "d")
FEED = re.compile(r"^[^;]*? — no\. \d+ of \d+ in (\w)(?:;|$)")


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
            title=draw(
                st.sampled_from(
                    ("One", "ONE!", "Two", "Three cats", "Four", "Live: it goes on", f"Own {number}")
                )
            ),
            kind=draw(st.sampled_from((ArticleKind.STORY, ArticleKind.STORY, *ArticleKind))),
            picture=draw(st.sampled_from((None, NARROW, WIDE))),
            hidden=draw(st.integers(0, 9)) == 0,
        )
        for number in range(1, draw(st.integers(0, 30)) + 1)
    ]


@st.composite
def groupings(draw: st.DrawFn) -> Grouping:
    """Any stories of any articles, for no promise may lean on what grouping finds."""
    story_of = draw(st.lists(st.integers(0, 12), min_size=30, max_size=30))
    stories = {
        number: {place + 1 for place, one in enumerate(story_of) if one == number} for number in story_of
    }
    shared = tuple(frozenset(some) for number, some in sorted(stories.items()) if number and len(some) > 1)
    twins = draw(st.sets(st.tuples(st.integers(1, 15), st.integers(16, 30)), max_size=5))
    return Grouping(shared, frozenset(twins))


@st.composite
def any_rules(draw: st.DrawFn) -> Rules:
    uses = [
        FeedUse(
            use=draw(st.sampled_from(FEEDS)),
            section=draw(st.sampled_from(("", "World", "Town", "Sport"))),
            weight=draw(st.sampled_from((0.1, 1, 3))),
            include=draw(st.sampled_from(((), ("cats",)))),
            exclude=draw(st.sampled_from(((), ("four",)))),
            own=draw(st.booleans()),
        )
        for _ in range(draw(st.integers(1, 5)))
    ]
    return rules(
        *uses,
        min_per_section=draw(st.integers(0, 3)),
        per_section=draw(st.integers(1, 4)),
        min_per_feed=draw(st.integers(0, 2)),
        max_per_feed=draw(st.integers(0, 3)),
        max_stories=draw(st.integers(1, 8)),
        max_sections=draw(st.integers(1, 3)),
        sections=draw(st.sampled_from(((), ("Town",), ("Sport", "Town")))),
    )


@given(
    pools(),
    any_rules(),
    groupings(),
    st.sets(st.integers(1, 30), max_size=15),
    st.sets(st.integers(1, 30), max_size=3),
    st.randoms(use_true_random=False),
)
def test_the_promises_hold_for_every_pool(
    pool: list[Candidate],
    wanted: Rules,
    grouping: Grouping,
    ran: set[int],
    pinned: set[int],
    dice: Random,
) -> None:
    went_out = dict.fromkeys(ran, YESTERDAY)
    pins = [Placement(number, Slot.HEADLINES, why="Anna", section="Sport") for number in sorted(pinned)]
    choice = pick(*pool, by=wanted, grouping=grouping, went_out=went_out, pins=pins)
    by_machine = [placement for placement in choice.placements if not placement.pinned]
    chosen = [placement.article_id for placement in by_machine]
    candidates = {candidate.id: candidate for candidate in pool}

    assert [each.article_id for each in choice.placements if each.pinned] == sorted(pinned)
    assert len(choice.placements) == len({placement.article_id for placement in choice.placements})
    assert all(candidates[n].kind is ArticleKind.SPONSOR for n in chosen if n in ran), "sent twice"
    told = [grouping.story_of(placement.article_id) for placement in by_machine]
    assert len(told) == len(set(told)), "a story twice"
    assert not any(story & pinned for story in told), "a story beside its pin"

    assert_no_maximum_is_exceeded(choice, wanted)

    assert set(choice.reasons) == candidates.keys() | pinned
    assert {n for n, why in choice.reasons.items() if why.startswith("in: ")} == pinned | set(chosen)
    assert all(why.startswith(("in: ", "out: ")) for why in choice.reasons.values())

    shuffled = list(pool)
    dice.shuffle(shuffled)
    again = pick(*shuffled, by=wanted, grouping=grouping, went_out=went_out, pins=pins)
    assert again == choice


def assert_no_maximum_is_exceeded(choice: Choice, wanted: Rules) -> None:
    """What the machine added; an editor may pin as much as there is."""
    slots = Counter(placement.slot for placement in choice.placements)
    pinned = Counter(placement.section for placement in choice.placements if placement.pinned)
    sections = Counter(
        placement.section
        for placement in choice.placements
        if placement.slot is Slot.HEADLINES and not placement.pinned
    )
    assert all(slots[slot] <= 1 for slot in Slot if slot is not Slot.HEADLINES)
    assert sections.total() <= max(wanted.max_stories - pinned.total(), 0)
    assert len(sections.keys() - pinned.keys()) <= max(wanted.max_sections - len(pinned), 0)
    assert all(count <= max(wanted.per_section - pinned[name], 0) for name, count in sections.items())
    assert slots[Slot.LEAD] == 1 or not sections
    if wanted.max_per_feed:
        highest = [
            FEED.search(each.why) for each in choice.placements if each.slot in (Slot.LEAD, Slot.HEADLINES)
        ]
        feeds = Counter(found[1] for found in highest if found)
        assert all(count <= wanted.max_per_feed for count in feeds.values())


# ── the same of grouping ────────────────────────────────────────────────────────────────────────

WORDS = (
    "peru",
    "congress",
    "Jeri",
    "ousts",
    "president",
    "ferry",
    "harbour",
    "storm",
    "Alma",
    "quay",
    "vote",
)
A_MINUTE = timedelta(minutes=1)


@st.composite
def tellings(draw: st.DrawFn) -> list[Candidate]:
    return [
        story(
            number,
            (draw(st.sampled_from(FEEDS)), number, 99),
            title=" ".join(draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=6))),
            hours=draw(st.sampled_from((1, 12, 30))),
        )
        for number in range(1, draw(st.integers(1, 20)) + 1)
    ]


PAIRS = st.tuples(st.integers(1, 20), st.integers(1, 20)).filter(lambda pair: pair[0] < pair[1])


@given(
    tellings(),
    st.lists(st.tuples(PAIRS, st.booleans()), max_size=12, unique_by=lambda each: each[0]),
    st.randoms(use_true_random=False),
)
def test_editors_have_the_last_word_on_every_pool(
    pool: list[Candidate], said: list[tuple[tuple[int, int], bool]], dice: Random
) -> None:
    verdicts = [
        Verdict(one, other, same, CLOSED + minute * A_MINUTE)
        for minute, ((one, other), same) in enumerate(said)
    ]
    found = group(pool, verdicts)
    everybody = {candidate.id for candidate in pool}
    grouped = [number for some in found.stories for number in some]
    assert len(grouped) == len(set(grouped)) and set(grouped) <= everybody, "in two stories"

    # The latest word stands, and so does each that no later one speaks against
    for verdict in verdicts[-1:]:
        if {verdict.one, verdict.other} <= everybody:
            assert (verdict.other in found.story_of(verdict.one)) is verdict.same
    if not any(verdict.same for verdict in verdicts):
        assert not [v for v in verdicts if v.one in everybody and v.other in found.story_of(v.one)]

    shuffled, mixed = list(pool), list(verdicts)
    dice.shuffle(shuffled)
    dice.shuffle(mixed)
    again = group(shuffled, mixed)
    assert {*again.stories} == {*found.stories} and again.twins == found.twins
