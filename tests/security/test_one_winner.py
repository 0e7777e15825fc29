"""Two processes that act at once, on connections of their own: one wins, the other is told, and history
has one line for each thing that was done (security group II)."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from newsletter.errors import Refused
from newsletter.models import Batch, Delivery, Edition, EditionKind, EditionState, History
from newsletter.runtime import Runtime
from newsletter.services import dispatching, editing, gathering, mending, sending, steering
from newsletter.services.finding import find_edition
from newsletter.store import deliveries, editions, ledger, renditions
from newsletter.store.database import Database
from newsletter.store.watermarks import Entry
from newsletter.values import BatchKey
from tests.newsroom import NINE
from tests.web.conftest import PAPER, SOUND, Paper

ROUNDS = 50
BEFORE = NINE - timedelta(minutes=1)  # within the lead, so that it is frozen
TOO_LATE = NINE + timedelta(hours=2, minutes=1)
Act = Callable[[Runtime, str], object]


@dataclasses.dataclass
class Rivals:
    """Two processes, as far as a store can tell: each with its own connections."""

    one: Runtime
    other: Runtime
    newsletter: int
    rounds: Iterator[int]

    def edition(self, state: EditionState, *, frozen: bool = False, ready: bool = True) -> str:
        """A new edition that is closed and rendered; `frozen` plans its ledger by the real freeze."""
        slug = f"2026-02-18-extra-{next(self.rounds)}"
        with self.one.database.writing() as session:
            session.execute(update(Edition).values(state=EditionState.SKIPPED))
            made = editions.create(
                session, self.newsletter, slug, EditionKind.EXTRA, date(2026, 2, 18), NINE, BEFORE
            )
            assert made is not None
            if ready:
                stored = renditions.save(session, made, SOUND, BEFORE)
                values = {"rendition_id": stored, "closed_at": BEFORE, "began_at": None}
                session.execute(update(Edition).where(Edition.id == made.id).values(state=state, **values))
        if frozen:
            sending.open_due(self.one, BEFORE)
            assert self.state(slug) == EditionState.FROZEN
        return slug

    def race(self, slug: str, first: Act, second: Act) -> tuple[object, object]:
        """Both at once; what each returned, or the refusal that it met."""
        barrier = threading.Barrier(2)
        results: list[object] = [None, None]

        def run(place: int, act: Act, runtime: Runtime) -> None:
            barrier.wait()
            try:
                results[place] = act(runtime, slug)
            except Refused as refused:
                results[place] = refused
            except BaseException as error:
                results[place] = error
                raise

        threads = [
            threading.Thread(target=run, args=(0, first, self.one)),
            threading.Thread(target=run, args=(1, second, self.other)),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results[0], results[1]

    def found(self, slug: str) -> Edition:
        with self.one.database.reading() as session:
            return session.execute(select(Edition).where(Edition.slug == slug)).scalar_one()

    def state(self, slug: str) -> str:
        return self.found(slug).state

    def acts(self, slug: str) -> list[str]:
        """What history tells of the edition after its drafting."""
        query = select(History.act).where(History.what == "edition", History.what_id == self.found(slug).id)
        with self.one.database.reading() as session:
            return list(session.execute(query.order_by(History.id)).scalars())[1:]

    def planned(self, slug: str) -> int:
        with self.one.database.reading() as session:
            return deliveries.sums(session, self.found(slug).id or 0).total


@pytest.fixture
def rivals(paper: Paper, database_url: str) -> Iterator[Rivals]:
    other = Database(database_url)
    yield Rivals(
        paper.runtime,
        dataclasses.replace(paper.runtime, database=other),
        paper.ids["post"],
        iter(range(1, 1_000)),
    )
    other.close()


def open_at(now: datetime) -> Act:
    return lambda runtime, _: sending.open_due(runtime, now)


def send_now(runtime: Runtime, slug: str) -> object:
    return dispatching.send_now(runtime, PAPER, slug, BEFORE, wait=timedelta(seconds=60), who="ops")


def pause(runtime: Runtime, slug: str) -> object:
    return steering.pause(runtime, PAPER, slug, NINE, who="ops")


def resume(runtime: Runtime, slug: str) -> object:
    steering.resume(runtime, PAPER, slug, NINE, who="ops")


def numbered(rivals: Rivals, slug: str) -> int:
    number = rivals.found(slug).id
    assert number is not None
    return number


def test_two_freezes_at_once_are_one(rivals: Rivals) -> None:
    for _ in range(ROUNDS):
        slug = rivals.edition(EditionState.DRAFT)
        assert rivals.race(slug, open_at(BEFORE), open_at(BEFORE)) == (None, None)
        assert (rivals.acts(slug), rivals.planned(slug)) == (["frozen"], 1)


def test_a_freeze_and_a_hold_at_once_leave_a_ledger_or_a_held_edition(rivals: Rivals) -> None:
    for _ in range(ROUNDS):
        slug = rivals.edition(EditionState.DRAFT)
        assert rivals.race(slug, open_at(BEFORE), open_at(TOO_LATE)) == (None, None)
        acts = rivals.acts(slug)
        assert acts in (["frozen"], ["held"], ["frozen", "held"])
        assert (rivals.state(slug), rivals.planned(slug)) == (acts[-1], int(acts == ["frozen"]))


def test_two_closings_at_once_make_one_rendition(rivals: Rivals, tmp_path: Path, soak: bool) -> None:
    file = tmp_path / "a.csv"
    file.write_text(
        "url,title,published_at\n"
        + "".join(f"https://p.example/{n},Story {n},2026-02-18T09:00:00Z\n" for n in range(3))
    )
    gathering.import_articles(rivals.one, file, BEFORE - timedelta(hours=5))

    def close(runtime: Runtime, slug: str) -> object:
        with runtime.database.reading() as session:
            edition = find_edition(session, PAPER, slug)
        return editing.close(runtime, PAPER, edition, BEFORE, closed_at=BEFORE).rendition_id

    for _ in range(ROUNDS if soak else 6):  # each renders twice
        slug = rivals.edition(EditionState.DRAFT, ready=False)
        one, other = rivals.race(slug, close, close)
        found = rivals.found(slug)
        assert one == other == found.rendition_id is not None
        assert (rivals.acts(slug), found.version) == (["closed"], 2)


@pytest.mark.parametrize(
    ("state", "acts", "ends"),
    [
        (EditionState.SENDING, (pause, pause), {("paused",)}),
        (EditionState.PAUSED, (resume, resume), {("resumed",)}),
        (EditionState.SENDING, (pause, resume), {("paused",), ("paused", "resumed")}),
    ],
    ids=["two pauses", "two resumes", "pause and resume"],
)
def test_each_pause_and_each_resume_is_somebodys(
    rivals: Rivals, state: EditionState, acts: tuple[Act, Act], ends: set[tuple[str, ...]]
) -> None:
    for _ in range(ROUNDS):
        slug = rivals.edition(state)
        results = rivals.race(slug, *acts)
        won = tuple(rivals.acts(slug))
        assert won in ends
        assert results.count(None) == len(won), "as many were told yes as did something"
        assert all(isinstance(result, Refused) for result in results if result is not None)


def test_a_send_by_hand_beside_the_clock_plans_once(rivals: Rivals) -> None:
    for _ in range(ROUNDS):
        slug = rivals.edition(EditionState.DRAFT)
        dispatch, _ = rivals.race(slug, send_now, open_at(BEFORE))
        assert isinstance(dispatch, sending.Dispatch), dispatch
        assert (rivals.acts(slug), rivals.planned(slug), dispatch.people) == (["frozen"], 1, 1)
        assert dispatch.due_at == rivals.found(slug).due_at


def test_an_undo_comes_before_the_first_row_or_not_at_all(rivals: Rivals) -> None:
    def undo(runtime: Runtime, slug: str) -> object:
        return sending.unfreeze(runtime, PAPER, numbered(rivals, slug), NINE, who="ops")

    def begin(runtime: Runtime, slug: str) -> object:
        key = BatchKey(numbered(rivals, slug), 0)
        with runtime.database.writing() as session:
            return ledger.take(session, key, NINE)

    for _ in range(ROUNDS):
        slug = rivals.edition(EditionState.DRAFT, frozen=True)
        undone, taken = rivals.race(slug, undo, begin)
        assert (undone is True) == (taken is None)
        assert rivals.acts(slug) == (["frozen", "undone"] if undone else ["frozen"])
        assert rivals.planned(slug) == (0 if undone else 1)


# ── those who steer, and those who mend ─────────────────────────────────────────────────────────


def cancel(runtime: Runtime, slug: str) -> object:
    steering.cancel(runtime, PAPER, slug, NINE, who="ops")


def stop_all(runtime: Runtime, _: str) -> object:
    steering.stop_all(runtime, NINE, letters=False, who="ops")


def count_sent(runtime: Runtime, slug: str) -> object:
    mending.count_sent(runtime, PAPER, slug, None, NINE, who="ops")


def resend(runtime: Runtime, slug: str) -> object:
    mending.resend(runtime, PAPER, slug, None, NINE, dry_run=False, who="ops")


@pytest.mark.parametrize(
    ("state", "acts", "ends"),
    [
        (EditionState.SENDING, (cancel, cancel), {("cancelled",)}),
        (EditionState.SENDING, (pause, cancel), {("cancelled",), ("paused", "cancelled")}),
        (EditionState.PAUSED, (resume, cancel), {("cancelled",), ("resumed", "cancelled")}),
        (EditionState.SENDING, (pause, stop_all), {("paused",)}),
    ],
    ids=["two cancels", "pause and cancel", "resume and cancel", "pause and stop-all"],
)
def test_each_steering_act_is_somebodys(
    rivals: Rivals, state: EditionState, acts: tuple[Act, Act], ends: set[tuple[str, ...]]
) -> None:
    for _ in range(ROUNDS):
        slug = rivals.edition(state)
        results = rivals.race(slug, *acts)
        assert tuple(rivals.acts(slug)) in ends
        assert all(isinstance(result, Refused) for result in results if result is not None)
        if stop_all in acts:
            steering.resume_all(rivals.one, NINE, who="ops")
        else:
            assert results.count(None) == len(rivals.acts(slug)), "as many were told yes as did something"


def test_of_two_stop_alls_one_is_told_that_it_is_so_already(rivals: Rivals) -> None:
    for _ in range(ROUNDS):
        slug = rivals.edition(EditionState.SENDING)
        results = rivals.race(slug, stop_all, stop_all)
        assert (results.count(None), rivals.acts(slug)) == (1, ["paused"])
        steering.resume_all(rivals.one, NINE, who="ops")


def test_a_freeze_beside_stop_all_is_before_it_or_not_at_all(rivals: Rivals) -> None:
    for _ in range(ROUNDS):
        slug = rivals.edition(EditionState.DRAFT)
        assert rivals.race(slug, open_at(BEFORE), stop_all) == (None, None)
        state = rivals.state(slug)
        assert (state, rivals.planned(slug)) in ((EditionState.FROZEN, 1), (EditionState.DRAFT, 0))
        sending.open_due(rivals.one, BEFORE)
        assert rivals.state(slug) == state, "from then on nothing is frozen"
        steering.resume_all(rivals.one, NINE, who="ops")


@pytest.mark.parametrize("acts", [(count_sent, resend), (resend, resend), (count_sent, count_sent)])
def test_a_doubt_is_answered_once(rivals: Rivals, acts: tuple[Act, Act]) -> None:
    for _ in range(ROUNDS):
        slug = rivals.edition(EditionState.DRAFT, frozen=True)
        number = numbered(rivals, slug)
        with rivals.one.database.writing() as session:
            session.execute(update(Edition).where(Edition.id == number).values(state=EditionState.SENT))
            session.execute(update(Delivery).where(Delivery.edition_id == number).values(state="unknown"))
            session.execute(
                update(Batch).where(Batch.edition_id == number).values(unknown=1, begun=1, state="done")
            )
        results = rivals.race(slug, *acts)
        assert results.count(None) == 1 == len(rivals.acts(slug)) - 1, results
        with rivals.one.database.reading() as session:
            sums = deliveries.sums(session, number)
            row = session.execute(select(Delivery.state).where(Delivery.edition_id == number)).scalar_one()
        assert (sums.total, getattr(sums, row)) == (1, 1)


def test_two_who_look_for_the_missing_plan_them_once(rivals: Rivals) -> None:
    def missing(runtime: Runtime, slug: str) -> object:
        return mending.send_missing(runtime, PAPER, slug, TOO_LATE, dry_run=False, who="ops").people

    for _ in range(ROUNDS):
        slug = rivals.edition(EditionState.SENT)
        number = numbered(rivals, slug)
        with rivals.one.database.writing() as session:
            session.execute(update(Edition).where(Edition.id == number).values(frozen_at=BEFORE))
        assert sorted(map(int, map(str, rivals.race(slug, missing, missing)))) == [0, 1]
        assert (rivals.planned(slug), rivals.acts(slug), rivals.state(slug)) == (1, ["missing"], "sending")


def test_a_cancel_comes_before_a_row_begins_or_leaves_it_to_its_worker(rivals: Rivals) -> None:
    def begin(runtime: Runtime, slug: str) -> object:
        key = BatchKey(numbered(rivals, slug), 0)
        with runtime.database.writing() as session:
            taken = ledger.take(session, key, NINE)
            [begun] = ledger.commit(session, [Entry(taken, [], 0, 1)]) if taken else [None]
            return begun.recipients if begun else ()

    for _ in range(ROUNDS):
        slug = rivals.edition(EditionState.DRAFT, frozen=True)
        begun, cancelled = rivals.race(slug, begin, cancel)
        assert cancelled is None
        with rivals.one.database.reading() as session:
            sums = deliveries.sums(session, numbered(rivals, slug))
        assert (sums.queued, sums.cancelled) == ((1, 0) if begun else (0, 1))
