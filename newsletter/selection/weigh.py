"""Whether a candidate may run at all, and how high the newsletter's feeds place it.

A place in a feed is worth weight × (1 − rank ÷ length). What no feed brought was sent by a hand, and
counts as the first item of a feed of weight 1. A refusal names what would lift it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from newsletter.models import ArticleKind
from newsletter.selection.forms import Form, form_of
from newsletter.selection.rules import Rules, Use
from newsletter.values import Candidate, CarriedBy, Ran

_HALF_LIFE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a feed that this newsletter uses carries an article."""

    use: Use
    carried: CarriedBy

    @property
    def share(self) -> float:
        """How far down the feed it stands: 0 for its first item, towards 1 for its last."""
        return self.carried.rank / max(self.carried.length, 1)

    @property
    def standing(self) -> float:
        return self.use.weight * (1 - self.share)


@dataclass(frozen=True, slots=True)
class Weighed:
    """A candidate that may run. `places` come in the order of the newsletter's uses, the one that gives
    it its section first; there are none when a hand added it. `fade` is what age leaves of any standing.
    """

    candidate: Candidate
    places: tuple[Place, ...]
    section: str
    kind: ArticleKind
    form: Form | None
    fade: float

    @property
    def feed(self) -> str:
        """The feed in which it stands highest; empty when a hand added it."""
        return max(self.places, key=lambda place: place.standing).use.feed if self.places else ""

    @property
    def is_of_videos(self) -> bool:
        """Whether only feeds of videos bring it: they say what there is to see, not what the news is."""
        return all(place.use.slot == "video" for place in self.places)

    @property
    def standings(self) -> Mapping[str, float]:
        """What each feed's place is worth, by its name."""
        return {place.use.feed: place.standing for place in self.places} or {"": 1.0}


def weigh(
    candidate: Candidate, rules: Rules, *, due_at: datetime, closed_at: datetime, went_out: Mapping[int, Ran],
    gone: Mapping[int, str],
) -> Weighed | str:  # fmt: skip
    """The candidate with what speaks for it, or why it cannot run in this edition."""
    barred = _barred(candidate, rules, due_at, closed_at, went_out) or gone.get(candidate.id, "")
    if barred:
        return barred
    fade = float(0.5 ** ((due_at - candidate.published_at) / _HALF_LIFE))
    if not candidate.carried_by:
        return Weighed(candidate, (), candidate.section, candidate.kind, None, fade)
    places = _places(candidate, rules.uses)
    if isinstance(places, str):
        return places
    form = form_of(candidate.title, candidate.url, candidate.language or rules.language)
    if form is not None and form.name in rules.welcome:
        form = None
    if form is not None and not form.weight:
        return f'{form.told}, which is no news — with welcome = ["{form.name}"] it could run'
    first = places[0].use
    return Weighed(
        candidate,
        places,
        section=first.section or candidate.section,
        kind=ArticleKind.VIDEO if first.slot == "video" else candidate.kind,
        form=form,
        fade=fade,
    )


def _barred(
    candidate: Candidate, rules: Rules, due_at: datetime, closed_at: datetime, went_out: Mapping[int, Ran]
) -> str:
    if candidate.hidden:
        return "hidden by an editor — brought back, it could run"
    # A sponsor pays for more than one day
    if candidate.id in went_out and candidate.kind != ArticleKind.SPONSOR:
        return _ran(candidate, went_out[candidate.id])
    if candidate.first_seen_at > closed_at:
        return (
            f"came in at {_moment(candidate.first_seen_at)}, after the draft closed at {_moment(closed_at)}"
            " — it can run in the next edition"
        )
    if candidate.published_at > due_at:
        return f"dated {_moment(candidate.published_at)}, after this edition — it can run in a later one"
    if candidate.published_at < due_at - rules.max_age:
        hours, age = (
            rules.max_age / timedelta(hours=1),
            (due_at - candidate.published_at) / timedelta(hours=1),
        )
        return (
            f"published {_moment(candidate.published_at)}, more than {hours:g} hours before sending"
            f' — with max_age = "{int(age) + 1} hours" it could run'
        )
    return ""


def _ran(candidate: Candidate, ran: Ran) -> str:
    renewed = candidate.renewed_at
    since = f", and its page tells another story since {_moment(renewed)}" if renewed else ""
    return f"ran in the edition {ran.slug}{since} — only an editor's pin lets it run again"


def _places(candidate: Candidate, uses: Iterable[Use]) -> tuple[Place, ...] | str:
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
        names = ", ".join(sorted(carried))
        return refused or (
            "only in feeds that this newsletter does not use"
            f" — with a [[newsletters.feeds]] part for {names} it could run"
        )
    return tuple(Place(use, carried[feed]) for feed, use in taken.items())


def _unwanted(use: Use, text: str) -> str:
    if word := use.exclude.found_in(text):
        return f"holds “{word}”, which is excluded for the feed {use.feed} — without that it could run"
    if use.include.told and not use.include.found_in(text):
        asked = " or ".join(use.include.told[:3]) + (" …" if use.include.told[3:] else "")
        return f"holds none of the words that are asked of the feed {use.feed} — with {asked} it could run"
    return ""


def _moment(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"
