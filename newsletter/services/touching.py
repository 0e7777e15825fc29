"""Where an editor puts an article: pinned, moved, left to the machine again, dropped and put back.

A part of shaping. Each act is a function from the edition as it stands to a `Change`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from newsletter.config import NewsletterSettings
from newsletter.errors import Misuse, Refused
from newsletter.feeds.clean import plain
from newsletter.models import ArticleKind, Placed, Slot
from newsletter.selection.hands import ORDER, SINGLE, Page, entry_of, place, place_of, take_out_of
from newsletter.services.drafting import in_own_words
from newsletter.services.standing import Change, Standing, change_of, things_of, told_of
from newsletter.values import Candidate, Placement, Touch

SECTION_LENGTH = 80  # characters
_OF_KIND = {ArticleKind.VIDEO: Slot.VIDEO, ArticleKind.NOTE: Slot.NOTE, ArticleKind.SPONSOR: Slot.SPONSOR}


@dataclass(frozen=True, slots=True)
class Where:
    """Where an editor wants an article; None for what they did not say. `position` counts from 1."""

    slot: Slot | None = None
    section: str | None = None
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Incoming:
    """An article that is to be placed, and the feeds that carry it."""

    candidate: Candidate
    feeds: tuple[str, ...]


# ── places ──────────────────────────────────────────────────────────────────────────────────────


def pin(standing: Standing, article: Incoming, where: Where) -> Change:
    number = article.candidate.id
    found = entry_of(standing.page, number)
    slot = found.slot if found else _OF_KIND.get(article.candidate.kind, Slot.HEADLINES)
    section = found.section if found else _section(standing.newsletter, article)
    wanted = Placement(number, where.slot or slot, why="", section=section)
    return _placed(standing, wanted, where, Placed.PINNED)


def move(standing: Standing, article_id: int, where: Where) -> Change:
    if where == Where():
        raise Misuse(
            "It is not said where to.",
            next_step=f"newsletter editions move {standing.name} {article_id} --to 1",
        )
    entry = standing.entry(article_id)
    slot = where.slot or (Slot.HEADLINES if where.section is not None else entry.slot)
    return _placed(standing, replace(entry, slot=slot), where, Placed.MOVED)


def unpin(standing: Standing, article_id: int) -> Change:
    touch = standing.touch(article_id)
    if touch.placed is Placed.BY_THE_MACHINE or touch.dropped:
        raise Refused(
            f"No editor has placed article {article_id} in {standing.name}.",
            next_step=f"newsletter editions show {standing.name}",
        )
    free = replace(touch, placed=Placed.BY_THE_MACHINE)
    why = "where it stood when it was left to the machine"
    page = tuple(
        replace(entry, pinned=False, why=why) if entry.article_id == article_id else entry
        for entry in standing.page
    )
    return change_of(
        standing, "unpinned", f"article {article_id}", things_of(article_id, touch.slot), page, (free,),
        mine="left to the machine", theirs=told_of(standing.page, article_id),
    )  # fmt: skip


def _placed(standing: Standing, wanted: Placement, where: Where, placed: Placed) -> Change:
    number = wanted.article_id
    if wanted.slot not in ORDER:
        raise Misuse(
            f"The slot {wanted.slot} holds no article; these do: {', '.join(ORDER)}.",
            next_step=f"newsletter editions pin {standing.name} {number} --slot headlines",
        )
    section = wanted.section if where.section is None else plain(where.section, SECTION_LENGTH)
    entry = replace(wanted, section=section, pinned=True, why=f"{placed} by an editor")
    touch = standing.touch(number)
    entry = in_own_words(entry, {number: touch})
    before = entry_of(standing.page, number)
    stays = before is not None and (before.slot, before.section) == (entry.slot, entry.section)
    at = where.position or (place_of(standing.page, before) if before and stays else 1)
    page = place(standing.page, entry, at)
    mine = replace(
        touch, dropped=False, placed=placed, slot=entry.slot, section=section,
        position=_place(page, number),
    )  # fmt: skip
    touched = (mine, *_making_room(standing, page, mine))
    told = f"article {number} to {told_of(page, number)}"
    things = things_of(number, entry.slot, before.slot if before else None)
    return change_of(
        standing, placed, told, things, page, touched,
        mine=told_of(page, number), theirs=told_of(standing.page, number),
    )  # fmt: skip


def _making_room(standing: Standing, page: Page, mine: Touch) -> list[Touch]:
    """The touches of others that stand elsewhere now: further down, or out of a slot with room for one."""
    moved = []
    for touch in standing.touches.values():
        alike = (touch.slot, touch.section) == (mine.slot, mine.section)
        if touch.placed is Placed.BY_THE_MACHINE or touch.article_id == mine.article_id or touch.dropped:
            continue
        if touch.slot is mine.slot and mine.slot in SINGLE:
            moved.append(replace(touch, placed=Placed.BY_THE_MACHINE))
        elif alike and entry_of(page, touch.article_id):
            moved.append(replace(touch, position=_place(page, touch.article_id)))
    return moved


# ── in and out ──────────────────────────────────────────────────────────────────────────────────


def drop(standing: Standing, article_id: int) -> Change:
    return _dropped(standing, article_id, "dropped", f"article {article_id}")


def take_out(standing: Standing, article_id: int, why: str) -> Change:
    """The same for an article that was hidden."""
    return _dropped(standing, article_id, "hid", f"article {article_id}{why and ': '}{why}")


def _dropped(standing: Standing, article_id: int, act: str, told: str) -> Change:
    if standing.touch(article_id).dropped:
        raise Refused(
            f"Article {article_id} is dropped from {standing.name} already.",
            next_step=f"newsletter editions drop {standing.name} {article_id} --undo",
        )
    entry = standing.entry(article_id)
    gone = replace(
        standing.touch(article_id), dropped=True, slot=entry.slot, section=entry.section,
        position=place_of(standing.page, entry),
    )  # fmt: skip
    page = take_out_of(standing.page, article_id)
    return change_of(
        standing, act, told, things_of(article_id, entry.slot), page, (gone,),
        mine="dropped", theirs=told_of(standing.page, article_id),
    )  # fmt: skip


def put_back(standing: Standing, article_id: int) -> Change:
    touch = standing.touch(article_id)
    if not touch.dropped or touch.slot is None:
        raise Refused(
            f"Article {article_id} was not dropped from {standing.name}.",
            next_step=f"newsletter editions show {standing.name}",
        )
    is_pinned = touch.placed is not Placed.BY_THE_MACHINE
    why = f"{touch.placed} by an editor" if is_pinned else "put back by an editor"
    entry = Placement(article_id, touch.slot, why=why, section=touch.section, pinned=is_pinned)
    page = place(standing.page, in_own_words(entry, standing.touches), touch.position)
    mine = replace(touch, dropped=False)
    touched = (mine, *(_making_room(standing, page, mine) if is_pinned else ()))
    return change_of(
        standing, "put back", f"article {article_id}", things_of(article_id, touch.slot), page, touched,
        mine="put back", theirs="dropped",
    )  # fmt: skip


# ── inside ──────────────────────────────────────────────────────────────────────────────────────


def _section(newsletter: NewsletterSettings, article: Incoming) -> str:
    """The section that the article would come under if the machine chose it."""
    named = (use.section for use in newsletter.feeds if use.use in article.feeds)
    return next(named, "") or article.candidate.section


def _place(page: Page, article_id: int) -> int:
    entry = entry_of(page, article_id)
    return place_of(page, entry) if entry else 0
