"""From articles to stories: who shows each one, how much it matters, and whether it is old news.

Importance is read from the feeds alone: the sum over those that carry the story of what its best item
there is worth, halved for every 24 hours of that item's age. What its form or an earlier edition takes
away is taken from the whole of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import fsum
from typing import Any

from newsletter.models import ArticleKind
from newsletter.selection.grouping import Grouping
from newsletter.selection.weigh import Weighed
from newsletter.values import Candidate, Picture, Ran

OLD_NEWS = 0.25  # of its importance is left to a story that readers were told already
BEHIND = timedelta(hours=12)  # a preview must not show a story whose outcome is known
WIDE = 400  # pixels; a narrower picture would be blown up
_NAMED = 4  # further articles that a reason names
Old = Mapping[int, tuple[int, Ran]]  # article → the one that told its story before, and where


@dataclass(frozen=True, slots=True)
class Told:
    """A story by the article that shows it, the others that tell it, and those who could show it as well.

    `story` are all articles that tell it, in words or as a video. `standing` is what its places in the
    feeds say, `importance` the same, faded by age. `note` is what else a reason should say, and `ran`
    where a weekly's readers would have found it, which says more than who carries it.
    """

    story: frozenset[int]
    face: Weighed
    others: tuple[Weighed, ...]
    understudies: tuple[Weighed, ...]
    standing: float
    importance: float
    note: str = ""
    ran: str = ""

    @property
    def candidate(self) -> Candidate:
        return self.face.candidate

    @property
    def kind(self) -> ArticleKind:
        return self.face.kind

    @property
    def section(self) -> str:
        return self.face.section

    @property
    def feed(self) -> str:
        return self.face.feed

    @property
    def order(self) -> tuple[float, float, str]:
        """Most important first; then the newer; then by address, so that equals have an order too."""
        return (-self.importance, -self.candidate.published_at.timestamp(), self.candidate.url)

    @property
    def carriage(self) -> str:
        """Who carries it, in words."""
        return self.ran or "; ".join(filter(None, (self._places(), self._tellers(), self.note)))

    def retold(self, without: str, note: str) -> Told | None:
        """The same story shown by an article that is not from the feed `without`; None when there is none."""
        for teller in self.understudies:
            if teller.feed != without:
                rest = tuple(each for each in (self.face, *self.others) if each is not teller)
                return replace(self, face=teller, others=rest).noted(note)
        return None

    def noted(self, note: str) -> Told:
        return replace(self, note=f"{self.note}; {note}" if self.note else note)

    def _places(self) -> str:
        places = [place for teller in (self.face, *self.others) for place in teller.places]
        if not places:
            return "added by hand"
        best = min(places, key=lambda place: (place.share, place.use.feed)).carried
        highest = f"no. {best.rank + 1} of {best.length} in {best.feed}"
        feeds = {place.use.feed for place in places}
        return highest if len(feeds) == 1 else f"carried by {len(feeds)} feeds, highest {highest}"

    def _tellers(self) -> str:
        named = [
            f"{teller.candidate.id} ({teller.feed or 'added by hand'})" for teller in self.others[:_NAMED]
        ]
        more = f" and {len(self.others) - _NAMED} more" if len(self.others) > _NAMED else ""
        return f"also told by {', '.join(named)}{more}" if named else ""


def tell(able: Iterable[Weighed], grouping: Grouping, went_out: Mapping[int, Ran]) -> list[Told]:
    """The stories that the articles tell, most important first; one told in words and as a video is two."""
    tellers: dict[frozenset[int], list[Weighed]] = {}
    for weighed in able:
        tellers.setdefault(grouping.story_of(weighed.candidate.id), []).append(weighed)
    told: list[Told] = []
    for story, some in tellers.items():
        old = _old_news(some, story, grouping, went_out)
        watched = [teller for teller in some if teller.kind == ArticleKind.VIDEO]
        read = [teller for teller in some if teller.kind != ArticleKind.VIDEO]
        told += [_told(story, watched, old)] if watched else []
        told += [_told(story, read, old, [each for each in watched if not each.is_of_videos])] if read else []
    return sorted(told, key=lambda each: each.order)


def why_not_shown(teller: Weighed, story: Told) -> str:
    """Why `teller`, one of the others, is not the article that shows the story."""
    face, latest = story.face, _latest((story.face, *story.others))
    better = next((words for words, key in _BETTER if key(face, latest) < key(teller, latest)), "")
    return (
        f"tells the same story as article {face.candidate.id}{better and ', ' + better}"
        " — split from it, it would be a story of its own"
    )


def _old_news(
    tellers: Iterable[Weighed], story: frozenset[int], grouping: Grouping, went_out: Mapping[int, Ran]
) -> Old:
    """Who was there already, or is a copy of what was, when an edition told the story.

    What came later is a follow-up: readers want to know how it goes on.
    """
    ran = sorted(((went_out[number], number) for number in story & went_out.keys()), key=_latest_first)
    return {
        teller.candidate.id: (number, edition)
        for teller in tellers
        for edition, number in reversed(ran)
        if teller.candidate.first_seen_at <= edition.closed_at
        or grouping.are_twins(teller.candidate.id, number)
    }


def _latest_first(ran: tuple[Ran, int]) -> tuple[float, int]:
    edition, number = ran
    return -edition.closed_at.timestamp(), number


def _told(
    story: frozenset[int], tellers: Sequence[Weighed], old: Old, seconded_by: Iterable[Weighed] = ()
) -> Told:
    """`seconded_by` say that the story matters, and do not tell it here."""
    latest = _latest(tellers)
    ordered = sorted(tellers, key=lambda teller: _rank(teller, old, latest))
    face, *others = ordered
    is_old = face.candidate.id in old
    alike = [teller for teller in ordered if (teller.candidate.id in old) == is_old]
    counted = [*alike, *(teller for teller in seconded_by if (teller.candidate.id in old) == is_old)]
    left = (OLD_NEWS if is_old else 1.0) * (face.form.weight if face.form else 1.0)
    return Told(
        story,
        face,
        tuple(others),
        tuple(teller for teller in alike[1:] if _can_stand_in(teller, face)),
        standing=left * _sum_of_best(teller.standings for teller in counted),
        importance=left * _sum_of_best(_faded(teller) for teller in counted),
        note=_note(face, old),
    )


def _note(face: Weighed, old: Old) -> str:
    said = [f"{face.form.told}, which weighs less"] if face.form and face.form.weight < 1 else []
    if found := old.get(face.candidate.id):
        said.append(f"beware: article {found[0]} told this in the edition {found[1].slug}, so it weighs less")
    return "; ".join(said)


def _can_stand_in(teller: Weighed, face: Weighed) -> bool:
    may_face = teller.form is None or teller.form.face
    return may_face and (teller.section, teller.kind) == (face.section, face.kind)


def _faded(teller: Weighed) -> Mapping[str, float]:
    return {feed: standing * teller.fade for feed, standing in teller.standings.items()}


def _sum_of_best(tellers: Iterable[Mapping[str, float]]) -> float:
    """Each feed counts once, with its best item: an outlet that writes five times is not five outlets."""
    best: dict[str, float] = {}
    for standings in tellers:
        for feed, worth in standings.items():
            best[feed] = max(best.get(feed, 0.0), worth)
    return fsum(best.values())


# ── who shows a story ───────────────────────────────────────────────────────────────────────────


def is_wide(picture: Picture | None) -> bool:
    """Whether it is wide enough to fill the page, as far as the feed says."""
    return picture is not None and (picture.width == 0 or picture.width >= WIDE)


def _rank(teller: Weighed, old: Old, latest: datetime) -> tuple[Any, ...]:
    number, url = teller.candidate.id, teller.candidate.url
    return (number in old, *(key(teller, latest) for _, key in _BETTER), url)


def _latest(tellers: Iterable[Weighed]) -> datetime:
    return max(teller.candidate.published_at for teller in tellers)


def _is_no_face(teller: Weighed, _: datetime) -> float:
    return teller.form is not None and not teller.form.face


def _is_foreign(teller: Weighed, _: datetime) -> float:
    return not any(place.use.own for place in teller.places)


def _is_comment(teller: Weighed, _: datetime) -> float:
    return teller.form is not None


def _weight(teller: Weighed, _: datetime) -> float:
    return -max((place.use.weight for place in teller.places), default=1.0)


def _is_behind(teller: Weighed, latest: datetime) -> float:
    return latest - teller.candidate.published_at > BEHIND


def _picture(teller: Weighed, _: datetime) -> float:
    return 0 if is_wide(teller.candidate.picture) else 1 if teller.candidate.picture else 2


def _length(teller: Weighed, _: datetime) -> float:
    return -len(teller.candidate.summary)


def _age(teller: Weighed, latest: datetime) -> float:
    return (latest - teller.candidate.published_at).total_seconds()


# What the better of two is or has, and a key by which it comes first
_BETTER: tuple[tuple[str, Callable[[Weighed, datetime], float]], ...] = (
    ("which is no page that gathers things", _is_no_face),
    ("which comes from your own feed", _is_foreign),
    ("which is the news itself", _is_comment),
    ("whose feed weighs more", _weight),
    ("which knows how it went on", _is_behind),
    ("which has the better picture", _picture),
    ("which says more", _length),
    ("which is newer", _age),
)
