"""How much a story matters, where it belongs, and whether it may run at all.

Importance is read from the feeds alone: the sum over those that carry it of weight × (1 − rank ÷
length), halved for every 24 hours of age. What no feed brought was sent by a hand, and counts as the
first item of a feed of weight 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import fsum

from newsletter.models import ArticleKind
from newsletter.selection.rules import Rules, Use
from newsletter.values import Candidate, CarriedBy

_HALF_LIFE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Weighed:
    """A candidate that may run, and who carries it, in words.

    `standing` is what its places in the feeds say; `importance` the same, faded by age.
    """

    candidate: Candidate
    standing: float
    importance: float
    section: str
    kind: ArticleKind
    carriage: str

    @property
    def order(self) -> tuple[float, float, str]:
        """Most important first; then the newer; then by address, so that equals have an order too."""
        return (-self.importance, -self.candidate.published_at.timestamp(), self.candidate.url)


def weigh(
    candidate: Candidate, rules: Rules, *, due_at: datetime, closed_at: datetime, went_out: Mapping[int, str]
) -> Weighed | str:
    """The candidate with its weight, or why it cannot run in this edition."""
    barred = _barred(candidate, rules, due_at, closed_at, went_out)
    if barred:
        return barred
    if not candidate.carried_by:
        faded = _faded(1.0, candidate, due_at)
        return Weighed(candidate, 1.0, faded, candidate.section, candidate.kind, "added by hand")
    taken = _takers(candidate, rules.uses)
    if isinstance(taken, str):
        return taken
    standing = _standing(taken)
    first = taken[0][0]
    return Weighed(
        candidate,
        standing=standing,
        importance=_faded(standing, candidate, due_at),
        section=first.section or candidate.section,
        kind=ArticleKind.VIDEO if first.slot == "video" else candidate.kind,
        carriage=_in_words([carried for _, carried in taken]),
    )


def _barred(
    candidate: Candidate, rules: Rules, due_at: datetime, closed_at: datetime, went_out: Mapping[int, str]
) -> str:
    if candidate.hidden:
        return "hidden by an editor"
    # A sponsor pays for more than one day
    if candidate.id in went_out and candidate.kind != ArticleKind.SPONSOR:
        return f"ran in the edition {went_out[candidate.id]}"
    if candidate.first_seen_at > closed_at:
        return (
            f"came in at {_moment(candidate.first_seen_at)}, after the draft closed at {_moment(closed_at)}"
        )
    if candidate.published_at > due_at:
        return f"dated {_moment(candidate.published_at)}, after this edition"
    if candidate.published_at < due_at - rules.max_age:
        hours = f"{rules.max_age / timedelta(hours=1):g}"
        return f"published {_moment(candidate.published_at)}, more than {hours} hours before sending"
    return ""


def _takers(candidate: Candidate, uses: Iterable[Use]) -> Sequence[tuple[Use, CarriedBy]] | str:
    """Each feed of the newsletter that carries and wants the story, by its first use that does."""
    carried = {each.feed: each for each in candidate.carried_by}
    text = f"{candidate.title}\n{candidate.summary}"
    taken: dict[str, Use] = {}
    refused = ""
    for use in uses:
        if use.feed not in carried:
            continue
        unwanted = _unwanted(use, text)
        if unwanted:
            refused = refused or unwanted
        else:
            taken.setdefault(use.feed, use)
    if not taken:
        return refused or "only in feeds that this newsletter does not use"
    return [(use, carried[feed]) for feed, use in taken.items()]


def _unwanted(use: Use, text: str) -> str:
    if word := use.exclude.found_in(text):
        return f"holds “{word}”, which is excluded for the feed {use.feed}"
    if use.include.told and not use.include.found_in(text):
        return f"holds none of the words that are asked of the feed {use.feed}"
    return ""


def _standing(taken: Iterable[tuple[Use, CarriedBy]]) -> float:
    return fsum(use.weight * (1 - carried.rank / max(carried.length, 1)) for use, carried in taken)


def _faded(standing: float, candidate: Candidate, due_at: datetime) -> float:
    return float(standing * 0.5 ** ((due_at - candidate.published_at) / _HALF_LIFE))


def _in_words(carried: Sequence[CarriedBy]) -> str:
    best = min(carried, key=lambda each: (each.rank / max(each.length, 1), each.feed))
    place = f"no. {best.rank + 1} of {best.length} in {best.feed}"
    return place if len(carried) == 1 else f"carried by {len(carried)} feeds, highest {place}"


def _moment(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"
