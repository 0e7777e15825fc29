"""What the program makes one story of, held against the labels; without each feed, and at other marks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from statistics import fmean
from unittest.mock import patch

from bench.choosing.sample import Item, Sample, pool
from bench.choosing.scores import Score, false, missed, score
from bench.meter import Row
from newsletter.selection import group, grouping
from newsletter.values import Candidate

MARKS = (0.18, 0.20, 0.22, 0.24, 0.26, 0.28, 0.30, 0.32, 0.34)

Pools = Mapping[str, Collection[Candidate]]  # by the feed that is left out; under "" by none
Pairs = Sequence[tuple[Item, Item]]


@dataclass(frozen=True, slots=True)
class Graded:
    """The score at the program's own setting, all others, and the pairs on which the two differ."""

    rows: Sequence[Row]
    missed: Pairs
    false: Pairs


def grade(sample: Sample) -> Graded:
    sample.configure()
    with sample.room.opened() as runtime:
        items = sample.items(runtime)
    pools = {feed: _pool(sample, feed) for feed in ("", *sample.feeds)}
    stories, groups = [item.story for item in items], _groups(items, pools[""])
    return Graded(
        rows=[*_own_setting(items, pools), *(_other_setting(items, pools, mark) for mark in MARKS)],
        missed=[(items[one], items[other]) for one, other in missed(stories, groups)],
        false=[(items[one], items[other]) for one, other in false(stories, groups)],
    )


def _pool(sample: Sample, without: str) -> Collection[Candidate]:
    """As if the feed had never been: words are rarer or more common then, too."""
    sample.configure(without=without)
    with sample.room.opened() as runtime:
        return pool(runtime)


def _own_setting(items: Sequence[Item], pools: Pools) -> Iterator[Row]:
    for feed, candidates in pools.items():
        scored = asdict(_score(items, candidates, feed))
        yield Row(
            f"without {feed}" if feed else "all feeds",
            {name: round(figure, 3) for name, figure in scored.items()},
        )


def _other_setting(items: Sequence[Item], pools: Pools, mark: float) -> Row:
    """A mark that is good for these feeds alone falls when one of them is left out."""
    with _joining_at(mark):
        whole, *fewer = (_score(items, candidates, feed) for feed, candidates in pools.items())
    figures = {
        "precision": whole.precision,
        "recall": whole.recall,
        "f1": whole.f1,
        "b_cubed": whole.b_cubed,
        "f1 without a feed, mean": fmean(each.f1 for each in fewer),
        "lowest": min(each.f1 for each in fewer),
        "b_cubed without a feed, mean": fmean(each.b_cubed for each in fewer),
    }
    return Row(f"joining at {mark:.2f}", {name: round(figure, 3) for name, figure in figures.items()})


def _score(items: Sequence[Item], candidates: Collection[Candidate], without: str) -> Score:
    left = [item for item in items if item.feed != without]
    return score([item.story for item in left], _groups(left, candidates))


def _groups(items: Sequence[Item], candidates: Collection[Candidate]) -> list[frozenset[int]]:
    """The group of each item; what is not in the pool is alone."""
    found = group(candidates)
    return [
        found.story_of(item.article) if item.article else frozenset((-place,))
        for place, item in enumerate(items, 1)
    ]


@contextmanager
def _joining_at(mark: float) -> Iterator[None]:
    """The program with another mark, its guard in the same proportion; what it remembers is forgotten."""
    guard = mark * grouping.ON_THE_WHOLE / grouping.ALIKE
    grouping._group.cache_clear()
    with patch.multiple(grouping, ALIKE=mark, ON_THE_WHOLE=guard):
        yield
    grouping._group.cache_clear()
