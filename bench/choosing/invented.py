"""Articles that nobody wrote, as many as wanted and the same every time, spread as real news is.

Words are as rare as in a language (Zipf), some stories belong to one theme and share its words, one
story in all is told by every thirtieth article, a third of the articles share theirs with others,
and the rest stand alone. That is how the labelled feeds are; only the words mean nothing.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

from newsletter.values import Candidate, CarriedBy, Picture

SECTIONS = ("World", "Town", "Science", "Sport", "Culture", "Money")
FEED_LENGTH = 25
_BIGGEST = 0.036  # of all articles tell the biggest story
_SHARED = 0.36  # of them tell one that others tell too
_VOCABULARY = 30_000
_SMALL = """the of in to a and for on with as at by after from over is says that it was has his are more who
    its their will not new be an have said about amid into up out against been"""
_SYLLABLES = [first + vowel for first in "bdfgklmnprstvz" for vowel in ("a", "e", "i", "o", "u", "ar", "en")]
_SPAN = timedelta(hours=72)


@dataclass(frozen=True, slots=True)
class _Story:
    words: Sequence[str]
    names: Sequence[str]
    theme: Sequence[str]
    at: datetime


def feed_names(count: int) -> list[str]:
    """The feeds that carry so many articles."""
    return [f"feed-{number}" for number in range(-(-count // FEED_LENGTH))]


def candidates(count: int, latest: datetime) -> list[Candidate]:
    """So many articles of the three days before `latest`."""
    language = _Language(random.Random(4))
    stories = [story for story, size in _stories(language, count, latest) for _ in range(size)]
    language.chance.shuffle(stories)
    feeds = feed_names(count)
    return [
        _candidate(language, story, number, feeds[number % len(feeds)], number // len(feeds), latest)
        for number, story in enumerate(stories)
    ]


class _Language:
    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        made: dict[str, None] = {}
        while len(made) < _VOCABULARY:
            made["".join(chance.choices(_SYLLABLES, k=chance.choice((2, 3, 3, 4))))] = None
        self._words = list(made)
        self._weights = list(accumulate(1 / (rank + 30) for rank in range(_VOCABULARY)))

    def words(self, count: int) -> list[str]:
        """As one reads them: some again and again."""
        return self.chance.choices(self._words, cum_weights=self._weights, k=count)

    def names(self, count: int) -> list[str]:
        return [word.capitalize() for word in self.words(count)]

    def sentence(self, words: Sequence[str], small: float) -> str:
        """These words in any order, with so many small ones to each."""
        told = list(words) + self.chance.choices(_SMALL.split(), k=int(len(words) * small))
        self.chance.shuffle(told)
        return " ".join(told)

    def some(self, words: Sequence[str], count: int) -> list[str]:
        return self.chance.sample(list(words), min(count, len(words)))


def _stories(language: _Language, count: int, latest: datetime) -> Iterator[tuple[_Story, int]]:
    """Each with the number of articles that tell it."""
    themes = [(*language.words(6), *language.names(3)) for _ in range(max(count // 40, 1))]
    likely = list(accumulate(1 / rank for rank in range(1, len(themes) + 1)))
    left, shared, rank = count, int(count * _SHARED), 0
    while left:
        rank += 1
        size = min(max(2, round(count * _BIGGEST / rank**0.8)), left) if shared > 0 else 1
        (theme,) = language.chance.choices(themes, cum_weights=likely)
        at = latest - language.chance.random() * _SPAN
        yield _Story(language.words(12), language.names(4), theme, at), size
        left, shared = left - size, shared - size


def _candidate(
    language: _Language, story: _Story, number: int, feed: str, rank: int, latest: datetime
) -> Candidate:
    some, chance = language.some, language.chance
    headline = [*some(story.words, 4), *some(story.names, 1), *some(story.theme, 1), *language.words(1)]
    lines = [*some(story.words, 5), *some(story.names, 2), *some(story.theme, 2), *language.words(9)]
    title = language.sentence(headline, small=0.5)
    published_at = min(story.at + chance.random() * timedelta(hours=12), latest)
    slug = title.lower().replace(" ", "-") if chance.random() < 0.5 else ""
    return Candidate(
        id=number + 1,
        url=f"https://{feed}.example/{number}/{slug}",
        title=title.capitalize(),
        summary=f"{language.sentence(lines, small=0.8).capitalize()}.",
        published_at=published_at,
        first_seen_at=published_at,
        picture=Picture("https://pictures.example/1.jpg", 800, 450) if chance.random() < 0.7 else None,
        carried_by=(CarriedBy(feed, rank, FEED_LENGTH),),
    )
