"""An editor's hand on a page: one entry is put somewhere, taken out or worded anew, the rest makes room.

Pure. On an open draft this says where the touched entries are to stay when the machine chooses anew;
on a closed one, which the machine has left, it is the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from newsletter.models import Slot
from newsletter.values import Placement

Page = tuple[Placement, ...]

# Slots that an article can be put in, in the order of the page; the others are filled by settings
ORDER = (Slot.LEAD, Slot.HEADLINES, Slot.VIDEO, Slot.NOTE, Slot.SPONSOR)
SINGLE = tuple(slot for slot in ORDER if slot is not Slot.HEADLINES)


def entry_of(page: Iterable[Placement], article_id: int) -> Placement | None:
    return next((entry for entry in page if entry.article_id == article_id), None)


def place_of(page: Iterable[Placement], entry: Placement) -> int:
    """Where it stands within its slot and section, counted from 1."""
    alike = [each for each in page if (each.slot, each.section) == (entry.slot, entry.section)]
    return alike.index(entry) + 1


def place(page: Sequence[Placement], entry: Placement, at: int) -> Page:
    """The page with `entry` at place `at` of its slot and section, and nowhere else.

    A story that led until now becomes the first headline of its section; whatever else had a slot
    with room for one is out. Where a lead went elsewhere, the first headline leads.
    """
    rest = [each for each in page if each.article_id != entry.article_id]
    if entry.slot in SINGLE:
        former = [each for each in rest if each.slot is entry.slot]
        rest = [each for each in rest if each.slot is not entry.slot]
        if entry.slot is Slot.LEAD and former:
            why = "first headline — an editor chose another lead"
            rest = _inserted(rest, replace(former[0], slot=Slot.HEADLINES, pinned=False, why=why), 1)
    return _with_lead(_inserted(rest, entry, at))


def take_out_of(page: Sequence[Placement], article_id: int) -> Page:
    """The page without an article. Where it led, the first headline leads; without any, nobody does."""
    return _with_lead([each for each in page if each.article_id != article_id])


def _inserted(page: Sequence[Placement], entry: Placement, at: int) -> list[Placement]:
    alike = [each for each in page if (each.slot, each.section) == (entry.slot, entry.section)]
    before = alike[: max(at - 1, 0)]
    if alike and not before:
        index = page.index(alike[0])
    elif before:
        index = page.index(before[-1]) + 1
    else:
        index = sum(ORDER.index(each.slot) <= ORDER.index(entry.slot) for each in page)
    return [*page[:index], entry, *page[index:]]


def _with_lead(page: Sequence[Placement]) -> Page:
    first = next((each for each in page if each.slot is Slot.HEADLINES), None)
    if first is not None and not any(each.slot is Slot.LEAD for each in page):
        leading = replace(first, slot=Slot.LEAD, why="lead — moved up, for the lead before it went")
        page = [leading, *(each for each in page if each is not first)]
    return tuple(replace(each, position=number) for number, each in enumerate(page))
