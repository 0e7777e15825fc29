"""Every state of an edition × every act: what is allowed does what it should, all else is refused.

`ACTS` has a column for each act: what it does, and the state that it leads to from each state that
allows it. Whatever a column does not name is refused with a sentence and a next step (exit code 3),
and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from newsletter.errors import Refused
from newsletter.models import Edition, EditionKind, EditionState, Slot
from newsletter.runtime import Runtime
from newsletter.services import deciding, editing, sending, shaping
from newsletter.services.finding import find_edition
from newsletter.services.shaping import Hand
from newsletter.store import editions, freezing, touches
from newsletter.store.audience import audience
from newsletter.store.history import story_of
from tests.newsroom import NINE, Newsroom, at

NOW = at("08:50")
OPS = Hand("ops")
OPEN = "open draft"  # every other state has been closed and rendered
STATES = (OPEN, *EditionState)
Way = dict[str, EditionState]


@dataclass(frozen=True)
class Column:
    """An act, as it is done to an edition of `town` by its slug, and where it leads from each state."""

    act: Callable[[Runtime, Any, str], object]
    leads: Way
    history: str
    renders: bool = False


def edits() -> Way:
    """An edit leaves a draft a draft, takes an approval back, and what is held stays so."""
    kept = {OPEN: EditionState.DRAFT, EditionState.DRAFT: EditionState.DRAFT}
    return kept | {EditionState.APPROVED: EditionState.DRAFT, EditionState.HELD: EditionState.HELD}


def all_to(state: EditionState, *states: str) -> Way:
    return dict.fromkeys(states, state)


DRAFT, APPROVED, HELD = EditionState.DRAFT, EditionState.APPROVED, EditionState.HELD
FROZEN, SKIPPED = EditionState.FROZEN, EditionState.SKIPPED

ACTS = {
    "pin": Column(lambda r, n, s: shaping.pin(r, n, s, 3, NOW, OPS, slot=Slot.LEAD), edits(), "pinned", True),
    "move": Column(lambda r, n, s: shaping.move(r, n, s, 3, NOW, OPS, position=1), edits(), "moved", True),
    "drop": Column(lambda r, n, s: shaping.drop(r, n, s, 2, NOW, OPS), edits(), "dropped", True),
    "put back": Column(lambda r, n, s: shaping.put_back(r, n, s, 4, NOW, OPS), edits(), "put back", True),
    "reword": Column(
        lambda r, n, s: shaping.reword(r, n, s, 2, NOW, OPS, headline="Ours"), edits(), "reworded", True
    ),
    "subject": Column(
        lambda r, n, s: shaping.set_subject(r, n, s, "Ours", NOW, OPS), edits(), "reworded", True
    ),
    "approve": Column(
        lambda r, n, s: deciding.approve(r, n, s, NOW, who="ops"),
        all_to(APPROVED, OPEN, DRAFT, HELD), "approved",
    ),
    "hold": Column(
        lambda r, n, s: deciding.hold(r, n, s, NOW, who="ops", why="a doubt"),
        all_to(HELD, OPEN, DRAFT, APPROVED, FROZEN), "held",
    ),
    "skip": Column(
        lambda r, n, s: deciding.skip(r, n, s, NOW, who="ops", why="no news"),
        all_to(SKIPPED, OPEN, DRAFT, APPROVED, HELD), "skipped",
    ),
    "unskip": Column(lambda r, n, s: deciding.unskip(r, n, s, NOW, who="ops"), {SKIPPED: DRAFT}, "unskipped"),
}  # fmt: skip


@pytest.fixture
def runtime(tmp_path: Path, database_url: str) -> Iterator[Runtime]:
    """A newsroom with four stories, of which each edition has had no. 4 dropped, and two readers."""
    room = Newsroom(tmp_path, database_url, relay_port=2525)
    room.import_readers(2)
    room.import_stories(4)
    with room.opened(NOW) as runtime:
        yield runtime


def make(runtime: Runtime, state: str) -> str:
    """A new edition in that state, as the clock and hands would leave it; returns its slug."""
    town = runtime.newsletter("town")
    made = editing.draft_extra(runtime, town, at("05:00"), due_at=NINE, who="ops")
    shaping.drop(runtime, town, made.slug, 4, at("05:00"), OPS)
    if state == OPEN:
        return made.slug
    with runtime.database.reading() as session:
        opened = find_edition(session, town, made.slug)
    closed = editing.close(runtime, town, opened, at("08:30"), closed_at=at("08:30"))
    assert closed.id is not None and closed.rendition_id is not None
    with runtime.database.writing() as session:
        people = audience(closed.newsletter_id, EditionKind.EXTRA, closed.local_date, NOW, sections=None)
        if state in (FROZEN, EditionState.SENDING, EditionState.PAUSED):
            freezing.plan(
                session, closed.id, people, due_at=NINE, deadline=NINE + timedelta(hours=4), size=500
            )
        session.execute(update(Edition).where(Edition.id == closed.id).values(state=state))  # type: ignore[arg-type]
    return made.slug


@dataclass(frozen=True)
class Seen:
    """All that an act could change of an edition."""

    edition: dict[str, Any]
    entries: object
    touched: object
    acts: tuple[str, ...]
    planned: int


def look(runtime: Runtime, slug: str) -> Seen:
    with runtime.database.reading() as session:
        edition = find_edition(session, runtime.newsletter("town"), slug)
        number = edition.id or 0
        return Seen(
            edition.model_dump(),
            editions.placements(session, number),
            touches.touches(session, number),
            tuple(line.act for line in story_of(session, "edition", number)),
            sending.progress(runtime, number)[1].total,
        )


@pytest.mark.parametrize("state", STATES)
def test_each_act_does_what_it_should_or_is_refused(runtime: Runtime, state: str) -> None:
    town = runtime.newsletter("town")
    for name, column in ACTS.items():
        slug = make(runtime, state)
        before = look(runtime, slug)
        if state not in column.leads:
            with pytest.raises(Refused) as refused:
                column.act(runtime, town, slug)
            assert refused.value.exit_code == 3
            assert refused.value.sentence.startswith(f"town/{slug} "), name
            assert refused.value.next_step.startswith("newsletter "), name
            assert look(runtime, slug) == before, f"{name} of {state} changed something"
            continue
        column.act(runtime, town, slug)
        after = look(runtime, slug)
        assert after.edition["state"] == column.leads[state], name
        assert after.acts == (*before.acts, column.history), name
        assert after.edition["version"] == before.edition["version"] + 1, name
        assert after.planned == 0, f"{name} of {state} left a ledger behind"
        is_closed = state != OPEN
        if column.renders:
            is_new = after.edition["rendition_id"] != before.edition["rendition_id"]
            assert is_new == is_closed, f"{name}: a closed one is compiled anew, an open one not yet"
        if name == "approve":
            assert after.edition["approved_rendition_id"] == after.edition["rendition_id"] is not None
            assert after.edition["closed_at"] == (before.edition["closed_at"] or NOW)
