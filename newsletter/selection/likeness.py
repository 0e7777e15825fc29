"""How much two articles are alike: TF-IDF over stemmed words and names, as one cosine.

The title's words count twice, the first sentence or so of the summary and the words of the address
once; names, whose bearers news is about, have a share of their own. Each article is one sparse
vector of length 1, so a group of articles is the sum of theirs, and the mean likeness of two groups is
a product of two sums: memory grows with the number of articles and not with that of their pairs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import log, sqrt

from newsletter.selection.forms import form_of
from newsletter.selection.words import bare, names, slug_words, stems
from newsletter.values import Candidate

Vector = Mapping[str, float]

TITLE_COUNTS = 2
SUMMARY_LENGTH = 200  # characters
NAMES_SHARE = 0.3
WARY = 0.8  # a comment or a live page shares its words with several stories
SAME_FEED = 0.9  # a newsroom seldom tells one story twice
A_DAY_APART = 0.9
NAME = "N"  # begins a name in a vector; words are in small letters there
IN_COMMON = 3  # words that most articles do not have: one alone is a theme, not a story
_DAY = timedelta(days=1)
_DIGITS = re.compile(r"\d+")
# A word of more articles than this brings no pair together, it only counts where a rarer one did
COMMON = 100


@dataclass(frozen=True, slots=True)
class Telling:
    """What of an article decides what story it tells."""

    id: int
    title: str
    summary: str
    url: str
    published_at: datetime
    feeds: frozenset[str]
    language: str

    @classmethod
    def of(cls, candidate: Candidate, language: str) -> Telling:
        """`language` is what it is written in unless it says so itself."""
        return cls(
            candidate.id, candidate.title, candidate.summary[:SUMMARY_LENGTH], candidate.url,
            candidate.published_at, frozenset(carried.feed for carried in candidate.carried_by),
            candidate.language or language,
        )  # fmt: skip


def vectors(tellings: Sequence[Telling]) -> list[Vector]:
    """One vector for each; what all of them share weighs next to nothing."""
    told = [_word_counts(telling) for telling in tellings]
    named = [{f"{NAME}{name}" for name in names(f"{each.title} . {each.summary}")} for each in tellings]
    spread = Counter(word for words in (*told, *named) for word in words)
    rarity = {word: log((len(tellings) + 1) / count) for word, count in spread.items()}
    rarest = log(len(tellings) + 1)
    return [_joined(words, sorted(called), rarity, rarest) for words, called in zip(told, named, strict=True)]


def dot(one: Vector, other: Vector) -> float:
    if len(one) > len(other):
        one, other = other, one
    return sum(weight * other[word] for word, weight in one.items() if word in other)


def likely_pairs(
    tellings: Sequence[Telling], found: Sequence[Vector], at_least: float
) -> Iterator[tuple[float, int, int]]:
    """Pairs of places whose likeness reaches `at_least`, each once, with it.

    A form that stands alone is in no pair.
    """
    forms = [form_of(telling.title, telling.url, telling.language) for telling in tellings]
    # Titles that differ in a number alone are two of a series: day 12, day 13
    series = [_DIGITS.sub("", bare(telling.title)) for telling in tellings]
    wary = [form is not None and form.joins == "warily" for form in forms]
    index = _Index(found, at_least)
    for place, form in enumerate(forms):
        if form is not None and form.joins == "alone":
            continue
        for other, raw in index.alike(place):
            likeness = raw * _doubt(tellings[place], tellings[other], wary=wary[place] or wary[other])
            is_doubtful = series[place] == series[other] or index.telling_words(place, other) < IN_COMMON
            if likeness >= at_least and not is_doubtful:
                yield likeness, other, place
        index.add(place)


class _Index:
    """Which articles hold a word. A pair is compared in full only when it can still reach its mark."""

    def __init__(self, found: Sequence[Vector], at_least: float) -> None:
        self._found = found
        self._at_least = at_least
        self._spread = Counter(word for vector in found for word in vector)
        self._holders: dict[str, list[tuple[int, float]]] = {}
        self._common = [self._squares(vector, COMMON + 1, len(found)) for vector in found]

    def add(self, place: int) -> None:
        for word, weight in self._found[place].items():
            if 1 < self._spread[word] <= COMMON:
                self._holders.setdefault(word, []).append((place, weight))

    def alike(self, place: int) -> Iterator[tuple[int, float]]:
        """Those added so far that are at least so much alike, with their likeness."""
        vector, mark = self._found[place], self._at_least
        common, rare = self._common[place], self._squares(vector, 2, COMMON)
        shared: dict[int, float] = {}
        for word in sorted(vector, key=self._spread.__getitem__):
            # What is left cannot bring a new pair to the mark
            if rare + common < mark * mark:
                break
            weight = vector[word]
            if 1 < self._spread[word] <= COMMON:
                rare -= weight * weight
            for other, others in self._holders.get(word, ()):
                shared[other] = shared.get(other, 0.0) + weight * others
        unseen = sqrt(max(rare, 0.0))
        for other, so_far in shared.items():
            if so_far + unseen + sqrt(common * self._common[other]) >= mark:
                likeness = dot(vector, self._found[other])
                if likeness >= mark:
                    yield other, likeness

    def telling_words(self, one: int, other: int) -> int:
        """How many words two articles share that most articles do not have. Names are words already."""
        most = max(2, len(self._found) / 2)
        both = self._found[one].keys() & self._found[other].keys()
        return sum(self._spread[word] <= most and not word.startswith(NAME) for word in both)

    def _squares(self, vector: Vector, least: int, most: int) -> float:
        """The length, squared, of what a vector holds of words that so many articles share."""
        spread = self._spread
        return sum(weight * weight for word, weight in vector.items() if least <= spread[word] <= most)


def _doubt(one: Telling, other: Telling, *, wary: bool) -> float:
    apart = abs(one.published_at - other.published_at) / _DAY
    doubt = A_DAY_APART**apart
    if wary:
        doubt *= WARY
    if one.feeds & other.feeds:
        doubt *= SAME_FEED
    return float(doubt)


def _word_counts(telling: Telling) -> Counter[str]:
    counts: Counter[str] = Counter()
    for word in stems(telling.title, telling.language):
        counts[word] += TITLE_COUNTS
    counts.update(stems(telling.summary, telling.language))
    counts.update(stems(slug_words(telling.url), telling.language))
    return counts


def _joined(
    words: Mapping[str, int], called: Iterable[str], rarity: Mapping[str, float], rarest: float
) -> Vector:
    """Words and names at their shares. Names that all drop, such as "The", fill none of theirs."""
    told = _scaled({word: (1 + log(count)) * rarity[word] for word, count in words.items()}, 1 - NAMES_SHARE)
    named = _scaled({name: rarity[name] for name in called}, NAMES_SHARE, at_least=rarest)
    return _scaled(told | named, 1)


def _scaled(weighed: Vector, share: float, *, at_least: float = 0.0) -> dict[str, float]:
    """Brought to the square root of `share` in length, or below it when shorter than `at_least`."""
    length = max(sqrt(sum(weight * weight for weight in weighed.values())), at_least) / sqrt(share)
    return {word: weight / length for word, weight in weighed.items()}
