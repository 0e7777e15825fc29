"""An editor's hand on a page: an entry stands where it was put, nothing else is lost, one story leads."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from newsletter.models import Slot
from newsletter.selection.hands import ORDER, SINGLE, Page, entry_of, place, place_of, take_out_of
from newsletter.values import Placement

HEADLINES = Slot.HEADLINES


def page(*entries: tuple[int, Slot, str]) -> Page:
    return tuple(
        Placement(number, slot, "chosen", section=section, position=position)
        for position, (number, slot, section) in enumerate(entries)
    )


MORNING = page(
    (1, Slot.LEAD, "Town"), (2, HEADLINES, "Town"), (3, HEADLINES, "Town"), (4, HEADLINES, "World"),
    (5, Slot.VIDEO, ""),
)  # fmt: skip


def put(number: int, slot: Slot, section: str = "", at: int = 1, on: Page = MORNING) -> list[int]:
    """The order after an article was put there."""
    return [entry.article_id for entry in place(on, Placement(number, slot, "", section=section), at)]


def test_a_headline_moves_within_and_between_sections() -> None:
    assert put(3, HEADLINES, "Town", 1) == [1, 3, 2, 4, 5]
    assert put(2, HEADLINES, "World", 2) == [1, 3, 4, 2, 5]
    assert put(2, HEADLINES, "Town", 99) == [1, 3, 2, 4, 5], "as far as the section reaches"
    assert put(9, HEADLINES, "Sport") == [1, 2, 3, 4, 9, 5], "a new section comes last"


def test_who_led_becomes_the_first_headline() -> None:
    assert put(4, Slot.LEAD, "World") == [4, 1, 2, 3, 5]
    former = entry_of(place(MORNING, Placement(4, Slot.LEAD, "", section="World"), 1), 1)
    assert former is not None
    assert (former.slot, former.section, former.pinned) == (HEADLINES, "Town", False)


def test_where_the_lead_goes_the_first_headline_leads() -> None:
    assert put(1, HEADLINES, "World", 1) == [2, 3, 1, 4, 5]
    first = take_out_of(MORNING, 1)[0]
    assert (first.article_id, first.slot) == (2, Slot.LEAD)
    assert take_out_of(page((1, Slot.LEAD, "")), 1) == ()


def test_a_slot_for_one_holds_one() -> None:
    assert put(9, Slot.VIDEO) == [1, 2, 3, 4, 9]


SECTIONS = some.sampled_from(["Town", "World", "Sport"])


@given(
    numbers=some.lists(some.integers(1, 30), min_size=1, max_size=12, unique=True),
    sections=some.lists(SECTIONS, min_size=12, max_size=12),
    wanted=some.integers(1, 40), slot=some.sampled_from(ORDER), section=SECTIONS, at=some.integers(1, 20),
)  # fmt: skip
def test_whatever_is_put_wherever(
    numbers: list[int], sections: list[str], wanted: int, slot: Slot, section: str, at: int
) -> None:
    first, *others = numbers
    before = page(
        (first, Slot.LEAD, "Town"), *((n, HEADLINES, s) for n, s in zip(others, sections, strict=False))
    )
    after = place(before, Placement(wanted, slot, "", section=section), at)
    found = entry_of(after, wanted)
    assert found is not None
    lonely = not [entry for entry in before if entry.article_id != wanted]
    if slot is HEADLINES and not (lonely or (found.slot is Slot.LEAD)):
        length = sum((entry.slot, entry.section) == (slot, section) for entry in after)
        assert place_of(after, found) == min(at, length)
    assert {entry.article_id for entry in after} == {entry.article_id for entry in before} | {wanted}
    assert [entry.position for entry in after] == list(range(len(after)))
    assert all(sum(entry.slot is single for entry in after) <= 1 for single in SINGLE)
    if any(entry.slot in (Slot.LEAD, HEADLINES) for entry in after):
        assert after[0].slot is Slot.LEAD
