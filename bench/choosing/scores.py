"""How far a grouping agrees with what a careful reader says: by pairs, and by articles (B-cubed).

Always both: a big story holds most of the pairs, and "every item alone" has a high B-cubed already.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean

Places = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Score:
    """`shared` is the B-cubed F1 of those items alone whose story has another item."""

    items: int
    pairs: int
    precision: float
    recall: float
    f1: float
    b_cubed: float
    shared: float


def score(stories: Sequence[Hashable], groups: Sequence[Hashable]) -> Score:
    """For each item, in one order, the story that it tells and the group that it was put in."""
    wanted, found = set(_pairs(stories)), set(_pairs(groups))
    both = len(wanted & found)
    precision, recall = _share(both, len(found)), _share(both, len(wanted))
    members = Counter(stories)
    shared = [place for place, story in enumerate(stories) if members[story] > 1]
    return Score(
        items=len(stories),
        pairs=len(wanted),
        precision=precision,
        recall=recall,
        f1=_f1(precision, recall),
        b_cubed=_b_cubed(stories, groups, range(len(stories))),
        shared=_b_cubed(stories, groups, shared),
    )


def missed(stories: Sequence[Hashable], groups: Sequence[Hashable]) -> list[Places]:
    """Pairs of places that tell one story and are not together."""
    return sorted(set(_pairs(stories)) - set(_pairs(groups)))


def false(stories: Sequence[Hashable], groups: Sequence[Hashable]) -> list[Places]:
    """Pairs of places that are together and tell two stories."""
    return missed(groups, stories)


def _pairs(labels: Sequence[Hashable]) -> Iterator[Places]:
    places: dict[Hashable, list[int]] = {}
    for place, label in enumerate(labels):
        places.setdefault(label, []).append(place)
    for together in places.values():
        yield from combinations(together, 2)


def _b_cubed(stories: Sequence[Hashable], groups: Sequence[Hashable], places: Iterable[int]) -> float:
    in_story, in_group = Counter(stories), Counter(groups)
    in_both = Counter(zip(stories, groups, strict=True))
    rows = [
        (in_both[stories[place], groups[place]], in_group[groups[place]], in_story[stories[place]])
        for place in places
    ]
    if not rows:
        return 1.0
    return _f1(fmean(both / group for both, group, _ in rows), fmean(both / story for both, _, story in rows))


def _share(part: int, whole: int) -> float:
    """Of nothing, all is right."""
    return part / whole if whole else 1.0


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
