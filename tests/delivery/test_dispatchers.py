"""What both dispatchers promise: the embedded walk, on SQLite as it comes, and Procrastinate's workers on
PostgreSQL. The walk on PostgreSQL is in test_engine.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from newsletter.clock import Clock, monotonic
from newsletter.config import Lane
from newsletter.delivery.embedded import EmbeddedDispatcher
from newsletter.delivery.jobs import Limits, ProcrastinateDispatcher
from newsletter.errors import RelayFailed
from newsletter.models import EditionState
from newsletter.store import editions, freezing, hints
from newsletter.store.database import Database
from newsletter.values import BatchKey
from tests.delivery.test_engine import Morning
from tests.newsroom import until
from tests.people import NINE
from tests.smtpd import SmtpServer

BRIEF = Limits(beat=0.2, silence=1.0, quiet=1.0)
PATIENCE = 30.0  # seconds


class Desk(Morning):
    """A morning whose batches are handed out by one dispatcher or the other."""

    def __init__(self, database: Database, server: SmtpServer, engine: str, *, batch: int = 10) -> None:
        super().__init__(database, server, batch=batch, retry_after=(60,), engine=engine)
        self.engine = engine
        self.limits = BRIEF
        self.set_clock(self.clock)

    def set_clock(self, clock: Clock) -> None:
        self.clock = clock
        self.dispatcher = (
            EmbeddedDispatcher(self.database, clock, batches_at_once=2)
            if self.engine == "embedded"
            else ProcrastinateDispatcher(self.database, clock, batches_at_once=2, limits=self.limits)
        )

    def change(self, to: EditionState) -> None:
        with self.database.writing() as session:
            edition = editions.get(session, self.edition)
            assert editions.change(session, edition, to, self.clock.now(), who="ops")

    def deliver(self) -> None:
        """Whoever has nothing left and does not see it is stopped, and then counts tell."""
        late = threading.Timer(PATIENCE, self.stop.set)
        late.start()
        try:
            super().deliver()
        finally:
            late.cancel()

    def start(self) -> threading.Thread:
        thread = threading.Thread(target=self.deliver)
        thread.start()
        return thread


@pytest.fixture(params=["embedded-sqlite", "procrastinate-postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def database_url(engine: str, request: pytest.FixtureRequest) -> str:
    """The store that goes with the engine."""
    fixture = "sqlite_url" if engine.endswith("sqlite") else "postgresql_url"
    return str(request.getfixturevalue(fixture))


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


@pytest.fixture
def desk(engine: str, database: Database, server: SmtpServer) -> Iterator[Desk]:
    name = engine.partition("-")[0]
    if name == "procrastinate":
        hints.set_up(database)
    desk = Desk(database, server, name)
    yield desk
    desk.stop.set()


def hinted(database: Database) -> int:
    with database.reading() as session:
        return int(session.execute(text("SELECT count(*) FROM procrastinate_jobs")).scalar_one())


def test_everybody_gets_one_and_the_edition_is_sent(desk: Desk) -> None:
    desk.freeze(readers=45)
    desk.deliver()
    assert desk.counts() == {"sent": 45}
    assert desk.state() == (EditionState.SENT, "")
    assert set(desk.server.recipients().values()) == {1}


def test_a_batch_is_done_while_its_edition_goes_on(desk: Desk) -> None:
    desk.server.mood.delay = (50, 50)
    desk.freeze(readers=60)
    running = desk.start()
    until(lambda: done_while_sending(desk.database) > 0, 10)
    running.join()
    assert desk.counts() == {"sent": 60}
    assert desk.state() == (EditionState.SENT, "")


def done_while_sending(database: Database) -> int:
    with database.reading() as session:
        done = "SELECT count(*) FROM batch b JOIN edition e ON e.id = b.edition_id"
        return int(
            session.execute(text(f"{done} WHERE b.state = 'done' AND e.state = 'sending'")).scalar_one()
        )


def test_what_is_not_due_waits(desk: Desk) -> None:
    desk.freeze(readers=5)
    desk.set_clock(Clock(NINE - timedelta(seconds=30)))
    desk.deliver()
    assert desk.server.mails == []
    assert desk.counts() == {"queued": 5}
    desk.set_clock(Clock(NINE))
    desk.deliver()
    assert desk.counts() == {"sent": 5}


def test_a_retry_is_handed_out_when_it_comes_due(desk: Desk) -> None:
    desk.freeze("tempfail1@x.test", "well@x.test")
    desk.deliver()
    assert desk.counts() == {"sent": 1, "deferred": 1}
    desk.set_clock(Clock(NINE + timedelta(minutes=2)))
    desk.deliver()
    assert desk.counts() == {"sent": 2}
    assert desk.state() == (EditionState.SENT, "")


def test_a_stop_leaves_nothing_in_doubt_and_the_next_one_goes_on(desk: Desk) -> None:
    desk.server.mood.delay = (20, 20)
    desk.freeze(readers=80)
    running = desk.start()
    until(lambda: desk.server.accepted >= 10)
    desk.stop.set()
    running.join()
    first = desk.counts()
    assert first["sent"] == desk.server.accepted < 80 and set(first) == {"sent", "queued"}
    desk.stop.clear()
    desk.deliver()
    assert desk.counts() == {"sent": 80}
    assert set(desk.server.recipients().values()) == {1}


def test_a_pause_is_obeyed_within_a_second_and_resumed_from(desk: Desk) -> None:
    desk.server.mood.delay = (20, 20)
    desk.freeze(readers=60)
    running = desk.start()
    until(lambda: desk.server.accepted >= 10)
    desk.change(EditionState.PAUSED)
    ends_at = monotonic() + 1
    until(lambda: monotonic() >= ends_at)
    begun = desk.server.count("MAIL")
    running.join()
    assert desk.server.count("MAIL") == begun
    assert desk.counts() == {"sent": begun, "queued": 60 - begun}
    desk.change(EditionState.SENDING)
    desk.deliver()
    assert desk.counts() == {"sent": 60}
    assert set(desk.server.recipients().values()) == {1}


def test_a_cancelled_edition_is_left_alone(desk: Desk) -> None:
    desk.freeze(readers=5)
    desk.change(EditionState.CANCELLED)
    desk.deliver()
    assert desk.server.mails == []
    assert desk.counts() == {"cancelled": 5}


def test_who_cannot_wait_is_told_that_no_relay_answers(desk: Desk, server: SmtpServer) -> None:
    desk.freeze(readers=5)
    server.mood.greeting = b"421 4.3.2 not now"
    with pytest.raises(RelayFailed):
        desk.deliver()
    assert desk.counts() == {"queued": 5}


def test_what_is_held_back_takes_nobody_elses_place(desk: Desk) -> None:
    """Two batches may be in hand at once, and there are two slow lanes; still the others go on."""
    desk.lanes = (Lane(name="gmail", rate=1), Lane(name="yahoo", connections=1, rate=1))
    desk.freeze(gmail=30, rest=60, yahoo=30)
    began = monotonic()
    running = desk.start()
    until(lambda: of_lane(desk, "rest") == 60)
    took = monotonic() - began
    desk.stop.set()
    running.join()
    assert of_lane(desk, "gmail") + of_lane(desk, "yahoo") <= 2 * (2 + took + 1)
    sent = len(desk.server.mails)
    assert desk.counts() == {"sent": sent, "queued": 120 - sent}


def of_lane(desk: Desk, lane: str) -> int:
    return sum(mail.recipient.partition("@")[2].startswith(lane) for mail in desk.server.mails)


# ── hints ───────────────────────────────────────────────────────────────────────────────────────

only_hints = pytest.mark.parametrize("engine", ["procrastinate-postgresql"], indirect=True)


@only_hints
def test_batches_and_hints_appear_together_or_not_at_all(desk: Desk) -> None:
    desk.freeze(readers=25)
    assert hinted(desk.database) == 3

    class Power(Exception):
        pass

    with pytest.raises(Power), desk.database.writing() as session:
        freezing.unplan(session, desk.edition)
        session.execute(text("DELETE FROM procrastinate_jobs"))
        desk.dispatcher.enqueue(session, desk.edition)
        assert hinted(desk.database) == 3, "what is not committed is nobody's to see"
        raise Power
    assert hinted(desk.database) == 3


@only_hints
def test_hints_are_given_once_and_those_of_done_or_missing_batches_are_dropped(desk: Desk) -> None:
    desk.freeze(readers=25)
    with desk.database.writing() as session:
        desk.dispatcher.enqueue(session, desk.edition)
    assert hinted(desk.database) == 3
    desk.deliver()
    assert hinted(desk.database) == 0
    with desk.database.writing() as session:
        done = hints.Unheld(BatchKey(desk.edition, 0), "rest", NINE, False, (0, 0, 0))
        missing = hints.Unheld(BatchKey(desk.edition, 77), "rest", NINE, False, (0, 0, 0))
        desk.dispatcher.defer(session, [done, missing])  # type: ignore[attr-defined]
    assert hinted(desk.database) == 2
    desk.deliver()
    assert desk.counts() == {"sent": 25}
    assert set(desk.server.recipients().values()) == {1}


@only_hints
def test_a_lost_hint_is_given_again(desk: Desk) -> None:
    desk.freeze(readers=25)
    with desk.database.writing() as session:
        session.execute(text("TRUNCATE procrastinate_jobs CASCADE"))
    desk.deliver()
    assert desk.counts() == {"sent": 25}


@only_hints
def test_a_hint_for_a_later_moment_does_not_hold_what_is_due(desk: Desk) -> None:
    """An edition that was undone and is sent at once has hints for the minute that it had before."""
    desk.freeze(readers=5)
    with desk.database.writing() as session:
        session.execute(text("UPDATE procrastinate_jobs SET scheduled_at = now() + interval '1 hour'"))
    desk.deliver()
    assert desk.counts() == {"sent": 5}


@only_hints
def test_a_job_of_a_silent_worker_is_given_to_another(desk: Desk) -> None:
    desk.freeze(readers=5)
    with desk.database.writing() as session:
        session.execute(
            text(
                "WITH w AS (INSERT INTO procrastinate_workers (last_heartbeat)"
                " VALUES (now() - interval '1 minute') RETURNING id)"
                " UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT id FROM w)"
            )
        )
    desk.deliver()
    assert desk.counts() == {"sent": 5}


@only_hints
def test_a_second_hint_behind_a_silent_worker_is_enough(desk: Desk) -> None:
    desk.freeze(readers=5)
    with desk.database.writing() as session:
        session.execute(text("UPDATE procrastinate_jobs SET status = 'doing'"))
        first = hints.Unheld(BatchKey(desk.edition, 0), "rest", NINE, False, (0, 0, 0))
        desk.dispatcher.defer(session, [first])  # type: ignore[attr-defined]
    assert hinted(desk.database) == 2
    desk.deliver()
    assert desk.counts() == {"sent": 5}
    assert hinted(desk.database) == 0


@only_hints
def test_a_living_worker_whose_job_was_lost_keeps_its_batch_while_it_works(desk: Desk) -> None:
    desk.server.mood.delay = (20, 20)
    # On a busy machine even a batch that is worked on may not move for a second
    desk.limits = replace(BRIEF, quiet=PATIENCE)
    desk.set_clock(desk.clock)
    desk.freeze(readers=10)
    running = desk.start()
    until(lambda: desk.server.accepted >= 2)
    with desk.database.writing() as session:
        session.execute(text("TRUNCATE procrastinate_jobs, procrastinate_workers CASCADE"))
    desk.deliver()
    running.join()
    assert desk.counts() == {"sent": 10}
    assert set(desk.server.recipients().values()) == {1}
