"""One story once: which articles of the pool tell the same.

Two articles are joined when they are alike and the groups that they already belong to are, on the
whole. In doubt they are not: an editor removes a double in a moment, but never sees a story that was
swallowed. What editors decided comes first, the later word over the earlier. Pure, and independent
of the order of what is given.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from newsletter.models import ArticleKind
from newsletter.selection.likeness import Telling, Vector, dot, likely_pairs, vectors
from newsletter.selection.words import bare
from newsletter.values import Candidate, Verdict

ALIKE = 0.24
ON_THE_WHOLE = 0.7 * ALIKE  # the mean likeness that two groups need
TWINS = 0.5  # hardly more than a copy
_NEWS = (ArticleKind.STORY, ArticleKind.VIDEO)


@dataclass(frozen=True, slots=True)
class Grouping:
    """`stories` holds the groups of two and more articles; `twins` the pairs that are nearly copies."""

    stories: tuple[frozenset[int], ...] = ()
    twins: frozenset[tuple[int, int]] = frozenset()
    _of: dict[int, frozenset[int]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_of", {number: story for story in self.stories for number in story})

    def story_of(self, article: int) -> frozenset[int]:
        """All articles that tell this one's story, itself among them."""
        return self._of.get(article, frozenset((article,)))

    def are_twins(self, one: int, other: int) -> bool:
        return (min(one, other), max(one, other)) in self.twins


def group(
    candidates: Iterable[Candidate], verdicts: Collection[Verdict] = (), *, language: str = "en"
) -> Grouping:
    """The stories that the candidates tell; a note or a sponsor tells none. Other verdicts are ignored.
    `language` is that of articles which do not say theirs.

    The last few answers are remembered: the pool is asked about far more often than it changes.
    """
    news = (candidate for candidate in candidates if candidate.kind in _NEWS)
    tellings = sorted((Telling.of(each, language) for each in news), key=lambda telling: telling.id)
    return _group(tuple(tellings), frozenset(verdicts))


@lru_cache(maxsize=8)
def _group(tellings: tuple[Telling, ...], verdicts: frozenset[Verdict]) -> Grouping:
    found = vectors(tellings)
    pairs = sorted(likely_pairs(tellings, found, ALIKE), key=_likest_first)
    board = _Board(found)
    _obey(board, verdicts, {telling.id: place for place, telling in enumerate(tellings)})
    for one, other in _of_one_title(tellings):
        board.join(one, other)
    for _, one, other in pairs:
        if not board.are_together(one, other) and board.likeness(one, other) >= ON_THE_WHOLE:
            board.join(one, other)
    ids = [telling.id for telling in tellings]
    return Grouping(
        stories=tuple(frozenset(ids[place] for place in group) for group in board.groups()),
        twins=frozenset((ids[one], ids[other]) for likeness, one, other in pairs if likeness >= TWINS),
    )


def _likest_first(pair: tuple[float, int, int]) -> tuple[float, int, int]:
    likeness, one, other = pair
    return -likeness, one, other


def _obey(board: _Board, verdicts: Iterable[Verdict], places: Mapping[int, int]) -> None:
    for verdict in sorted(verdicts, key=lambda each: (-each.at.timestamp(), each.one, each.other)):
        if verdict.one in places and verdict.other in places:
            said = board.join if verdict.same else board.part
            said(places[verdict.one], places[verdict.other])


def _of_one_title(tellings: Iterable[Telling]) -> Iterator[tuple[int, int]]:
    """A reader who sees the same headline twice thinks of a mistake, whatever stands below it."""
    first: dict[str, int] = {}
    for place, telling in enumerate(tellings):
        if title := bare(telling.title):
            yield first.setdefault(title, place), place


class _Board:
    """Articles in groups that grow together, by their places. Who was parted first is never joined."""

    def __init__(self, found: Sequence[Vector]) -> None:
        self._group = list(range(len(found)))
        self._members = {place: [place] for place in self._group}
        self._sum = dict(enumerate(found))
        self._foes: dict[int, set[int]] = {}

    def groups(self) -> Iterator[Sequence[int]]:
        """Those of two and more."""
        return (members for members in self._members.values() if len(members) > 1)

    def part(self, one: int, other: int) -> None:
        """Keep two apart for good; those who are together already stay so."""
        if not self.are_together(one, other):
            self._foes.setdefault(one, set()).add(other)
            self._foes.setdefault(other, set()).add(one)

    def are_together(self, one: int, other: int) -> bool:
        return self._group[one] == self._group[other]

    def likeness(self, one: int, other: int) -> float:
        """The mean of all pairs across the two groups."""
        mine, yours = self._group[one], self._group[other]
        pairs = len(self._members[mine]) * len(self._members[yours])
        return dot(self._sum[mine], self._sum[yours]) / pairs

    def join(self, one: int, other: int) -> None:
        """Make one group of two, unless they hold two articles that were parted."""
        mine, yours = self._group[one], self._group[other]
        if mine == yours or self._are_foes(mine, yours):
            return
        if len(self._members[mine]) < len(self._members[yours]):
            mine, yours = yours, mine
        together = dict(self._sum[mine])
        for word, weight in self._sum.pop(yours).items():
            together[word] = together.get(word, 0.0) + weight
        self._sum[mine] = together
        for place in self._members[yours]:
            self._group[place] = mine
        self._members[mine] += self._members.pop(yours)

    def _are_foes(self, mine: int, yours: int) -> bool:
        return any(
            self._group[foe] == yours for place in self._members[mine] for foe in self._foes.get(place, ())
        )
