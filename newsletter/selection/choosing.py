"""From the pool to the slots: which articles run, where, and why; and why every other one does not.

Pure: the same candidates, in whatever order, and the same rules give the same choice. `more` and
`social` come from the settings and need no article, and so does a standing sponsor.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from types import MappingProxyType

from newsletter.models import ArticleKind, Slot
from newsletter.selection.grouping import Grouping
from newsletter.selection.rules import Rules
from newsletter.selection.sections import arrange, headlines
from newsletter.selection.stories import Told, is_wide, tell, why_not_shown
from newsletter.selection.weigh import Weighed, weigh
from newsletter.values import Candidate, Choice, Placement, Ran

LEAD_WEIGHT = 0.75  # of the most important story's: what weighs less does not lead for a picture's sake
PINNED = "pinned by an editor"
DROPPED = "dropped by an editor — put back, it could run"
_SINGLE = {ArticleKind.VIDEO: Slot.VIDEO, ArticleKind.NOTE: Slot.NOTE, ArticleKind.SPONSOR: Slot.SPONSOR}


def choose(
    candidates: Sequence[Candidate],
    rules: Rules,
    *,
    grouping: Grouping,
    due_at: datetime,
    closed_at: datetime,
    went_out: Mapping[int, Ran],
    pins: Sequence[Placement] = (),
    dropped: Collection[int] = (),
    gone: Mapping[int, str] = MappingProxyType({}),
) -> Choice:
    """Fill the slots of an edition that is due at `due_at` and stopped moving at `closed_at`.

    `grouping` says which articles tell one story, `went_out` which edition carried an article to
    readers, by the article's id. `pins` are placements that an editor made: they stay, whatever the
    rules say, and the machine fills what room they leave. Of a story that an editor `dropped` no other
    article is shown either, unless it is pinned. `gone` says of articles whose page is no more why they
    cannot run. A slot for which there is nothing stays empty. Every
    candidate, and every pin, gets one sentence: "in: …" or "out: …".
    """
    able: list[Weighed] = []
    reasons: dict[int, str] = {}
    for candidate in candidates:
        found = weigh(candidate, rules, due_at=due_at, closed_at=closed_at, went_out=went_out, gone=gone)
        if isinstance(found, str):
            reasons[candidate.id] = f"out: {found}"
        else:
            able.append(found)
    return lay_out(
        able, lambda free: tell(free, grouping, went_out), rules,
        grouping=grouping, reasons=reasons, pins=pins, dropped=dropped,
    )  # fmt: skip


def lay_out(
    able: Sequence[Weighed],
    telling: Callable[[Iterable[Weighed]], Sequence[Told]],
    rules: Rules,
    *,
    grouping: Grouping,
    reasons: Mapping[int, str],
    pins: Sequence[Placement],
    dropped: Collection[int],
) -> Choice:
    """Give the stories that `telling` makes of the able ones their places, around what editors placed.

    It is told only of those that no editor has settled; `reasons` are why others are out already.
    """
    by_pins = {number: pin.article_id for pin in pins for number in grouping.story_of(pin.article_id)}
    unwanted = _unwanted(dropped, grouping)
    settled = by_pins.keys() | unwanted.keys()
    stories = telling(each for each in able if each.candidate.id not in settled)
    page = _fill(stories, rules, pins, able)
    out = _overshadowed(stories, page) | page.out | unwanted | _told_by(by_pins, able)
    placements = _placements(page, pins)
    left_out = {number: f"out: {why}" for number, why in out.items()}
    told = {placement.article_id: f"in: {placement.why}" for placement in placements}
    return Choice(placements, {**reasons, **left_out, **told})


@dataclass(frozen=True, slots=True)
class _Page:
    """The machine's part of an edition, and why the faces of other stories have none."""

    lead: Told | None
    sections: Mapping[str, Sequence[Told]]
    singles: Mapping[Slot, Told]
    out: dict[int, str]

    def stories(self) -> Iterator[Told]:
        yield from _read(self.lead, self.sections)
        yield from self.singles.values()


def _fill(stories: Sequence[Told], rules: Rules, pins: Sequence[Placement], able: Iterable[Weighed]) -> _Page:
    kept = {pin.article_id: pin.slot for pin in pins}
    feeds = Counter(each.feed for each in able if kept.get(each.candidate.id) in (Slot.LEAD, Slot.HEADLINES))
    news = [story for story in stories if story.kind not in _SINGLE]
    lead = None if Slot.LEAD in kept.values() else _lead(news)
    sections, out = arrange(
        [story for story in news if story is not lead],
        rules,
        pinned=[pin for pin in pins if pin.slot is Slot.HEADLINES],
        feeds=feeds + Counter([lead.feed] if lead else []),
    )
    shown = {number: each.candidate.id for each in _read(lead, sections) for number in each.story}
    singles: dict[Slot, Told] = {}
    for kind, slot in _SINGLE.items():
        ranked = _ranked(kind, [story for story in stories if story.kind == kind])
        seconds = [story for story in ranked if story.candidate.id in shown]
        out |= {
            teller.candidate.id: _second(shown[teller.candidate.id])
            for story in seconds
            for teller in (story.face, *story.others)
        }
        ranked = [story for story in ranked if story not in seconds]
        why = f"an editor pinned another {kind}"
        if slot not in kept.values() and ranked:
            singles[slot], *ranked = ranked
            shown |= dict.fromkeys(singles[slot].story, singles[slot].candidate.id)
            why = f"another {kind} weighs more today"
        out |= {story.candidate.id: f"{why} — without it this could run" for story in ranked}
    return _Page(lead, sections, singles, out)


def _read(lead: Told | None, sections: Mapping[str, Sequence[Told]]) -> Iterator[Told]:
    yield from [lead] if lead else []
    yield from chain.from_iterable(sections.values())


def _second(shown: int) -> str:
    return f"tells the same story as article {shown}, which is there already — split from it, it could run"


def _told_by(pins: Mapping[int, int], able: Iterable[Weighed]) -> dict[int, str]:
    """Why those are out whose story a pin tells; `pins` names it by each article of its story."""
    return {
        each.candidate.id: f"tells the same story as article {pins[each.candidate.id]}, which is pinned"
        for each in able
        if each.candidate.id in pins
    }


def _unwanted(dropped: Collection[int], grouping: Grouping) -> dict[int, str]:
    """Why those are out whose story an editor dropped."""
    told = {
        number: f"tells the same story as article {article}, which an editor dropped — pinned, it would run"
        for article in dropped
        for number in grouping.story_of(article)
    }
    return told | dict.fromkeys(dropped, DROPPED)


def _overshadowed(stories: Iterable[Told], page: _Page) -> dict[int, str]:
    """Why those are out whose story another article tells."""
    out: dict[int, str] = {}
    for story in stories:
        face = story.candidate.id
        if face in page.out:
            why = f"tells the same story as article {face}, which is out: {page.out[face]}"
            out |= {teller.candidate.id: why for teller in story.others}
    for story in page.stories():
        out |= {teller.candidate.id: why_not_shown(teller, story) for teller in story.others}
    return out


def _placements(page: _Page, pins: Sequence[Placement]) -> tuple[Placement, ...]:
    ordered = sorted(pins, key=lambda pin: (pin.position, pin.article_id))
    pinned = [replace(pin, pinned=True, why=pin.why or PINNED) for pin in ordered]
    placements = [_leading(page.lead)] if page.lead else [pin for pin in pinned if pin.slot is Slot.LEAD]
    placements += headlines(page.sections, [pin for pin in pinned if pin.slot is Slot.HEADLINES])
    placements += [pin for pin in pinned if pin.slot not in (Slot.LEAD, Slot.HEADLINES)]
    placements += [_single(story, slot) for slot, story in page.singles.items()]
    return tuple(placements)


def _lead(stories: Sequence[Told]) -> Told | None:
    """Among the weightiest, where a story stands in its feeds decides: their editors chose that place."""
    foremost = [story for story in stories if story.importance >= LEAD_WEIGHT * stories[0].importance]
    standing = sorted(foremost, key=lambda story: (-story.standing, story.order))
    return next(
        (story for story in standing if is_wide(story.candidate.picture)), standing[0] if standing else None
    )


def _leading(lead: Told) -> Placement:
    picture = (
        "and has a fitting picture"
        if is_wide(lead.candidate.picture)
        else "and none near it has a fitting picture"
    )
    why = f"lead — stands highest {picture}: {lead.carriage}"
    return Placement(lead.candidate.id, Slot.LEAD, why=why, section=lead.section)


def _ranked(kind: ArticleKind, ordered: list[Told]) -> list[Told]:
    """Videos whose poster fits come first: one without, or with a stamp of one, is no sight."""
    if kind != ArticleKind.VIDEO:
        return ordered
    return sorted(ordered, key=lambda story: not is_wide(story.candidate.picture))


def _single(story: Told, slot: Slot) -> Placement:
    why = f"{slot} — the {slot} that weighs most: {story.carriage}"
    return Placement(story.candidate.id, slot, why=why)
