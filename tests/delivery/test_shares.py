"""Connections among workers: divided alike, never more than the limit, a dead worker's are others' soon."""

from __future__ import annotations

import asyncio
import json
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlmodel import Session

from newsletter.clock import monotonic
from newsletter.config import Lane
from newsletter.delivery import shares
from newsletter.delivery.dispatcher import Dispatcher
from newsletter.delivery.embedded import EmbeddedDispatcher
from newsletter.delivery.engine import Engine
from newsletter.delivery.jobs import ProcrastinateDispatcher
from newsletter.delivery.shares import divide
from newsletter.models import EditionState
from newsletter.store import hints
from newsletter.store.database import Database
from newsletter.values import BatchKey, Claim
from tests.delivery.test_dispatchers import BRIEF
from tests.delivery.test_engine import Morning
from tests.newsroom import until
from tests.smtpd import SmtpServer


def claims(*wants: int, held: tuple[int, ...] = (), idle: str = "") -> list[Claim]:
    return [
        Claim("relay/main", name, wanted, (*held, *[0] * 9)[place], is_busy=name not in idle)
        for place, (name, wanted) in enumerate(zip("abcdefgh", wants, strict=False))
    ]


@pytest.mark.parametrize(
    ("asked", "parts"),
    [
        (claims(10), {"a": 10}),
        (claims(10, 10, 10), {"a": 4, "b": 3, "c": 3}),
        (claims(10, 2, 10), {"a": 4, "b": 2, "c": 4}),
        (claims(0, 10), {"b": 10}),
        (claims(10, 10, idle="a"), {"a": 1, "b": 9}),
        (claims(10, 10, 10, idle="ab"), {"a": 1, "b": 1, "c": 8}),
        (claims(10, 10, idle="ab"), {"a": 5, "b": 5}),
        (claims(10, 10, 10, held=(0, 0, 3)), {"a": 3, "b": 3, "c": 4}),
    ],
)
def test_everybody_has_a_part_and_nothing_is_left_that_somebody_could_use(
    asked: list[Claim], parts: dict[str, int]
) -> None:
    assert divide(10, asked) == parts


def test_one_connection_stays_with_whoever_has_mail_for_it() -> None:
    assert divide(1, claims(1, 1, held=(0, 1))) == {"b": 1}
    assert divide(1, claims(1, 1, held=(1, 0), idle="a")) == {"b": 1}, "nobody keeps it for nothing"


def test_whatever_is_claimed_the_limit_is_kept_and_used() -> None:
    dice = random.Random(5)
    for _ in range(300):
        wants = [dice.choice([0, 1, 7, 50]) for _ in range(dice.randint(1, 8))]
        asked = claims(*wants, idle="".join(dice.sample("abcdefgh", 3)))
        limit = dice.choice([1, 3, 20, 100])
        parts = divide(limit, asked)
        assert parts.total() == min(limit, sum(wants))
        assert all(parts[claim.worker] <= claim.wanted for claim in asked)


# ── workers ─────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "accepted.jsonl"


@pytest.fixture
def server(log: Path) -> Iterator[SmtpServer]:
    with SmtpServer(delay=(20, 30), log=log) as server:
        yield server


class Workers:
    """Several over one store, each with its own way to it; on SQLite there is one, which has everything."""

    def __init__(
        self, database: Database, database_url: str, server: SmtpServer, count: int, *lanes: Lane
    ) -> None:
        self.url = database_url
        self.count = 1 if database.is_sqlite else count
        engine = "embedded" if database.is_sqlite else "procrastinate"
        self.morning = Morning(database, server, batch=10, engine=engine)
        self.morning.until_idle = False
        self.morning.lanes = lanes
        self.morning.dispatcher = self.dispatcher(database)
        if not database.is_sqlite:
            hints.set_up(database)

    def dispatcher(self, database: Database) -> Dispatcher:
        clock = self.morning.clock
        if database.is_sqlite:
            return EmbeddedDispatcher(database, clock, batches_at_once=4)
        return ProcrastinateDispatcher(database, clock, batches_at_once=2, limits=BRIEF)

    def work(self) -> None:
        worker = copy(self.morning)
        worker.database = Database(self.url)
        worker.dispatcher = self.dispatcher(worker.database)
        worker.deliver()
        worker.database.close()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        threads = [threading.Thread(target=self.work) for _ in range(self.count)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.morning.stop.set()
            for thread in threads:
                thread.join()

    def parts(self, name: str) -> dict[str, int]:
        with self.morning.database.reading() as session:
            rows = session.execute(text("SELECT worker, held FROM share WHERE name = :name"), {"name": name})
            return {row.worker: row.held for row in rows if row.held}


def test_workers_share_a_relays_connections_and_each_has_some(
    database: Database, database_url: str, server: SmtpServer
) -> None:
    workers = Workers(database, database_url, server, 3)
    workers.morning.freeze(readers=200)
    with workers.at_work():
        until(lambda: server.accepted > 40)
        if workers.count > 1:
            until(lambda: sorted(workers.parts("relay/main").values()) == [1, 1, 2])
        until(lambda: workers.morning.state()[0] is EditionState.SENT)
        until(lambda: not workers.parts("relay/main"))
    assert 3 <= server.widest <= 4
    assert workers.morning.counts() == {"sent": 200}
    assert set(server.recipients().values()) == {1}


def test_workers_share_a_lanes_connections_and_it_holds_up_nobody_else(
    database: Database, database_url: str, server: SmtpServer, log: Path
) -> None:
    """Each has a batch of the lane soon, and one of them the only connection for it."""
    workers = Workers(database, database_url, server, 3, Lane(name="gmail", connections=1))
    workers.morning.freeze(gmail=40, rest=120)
    with workers.at_work():
        until(lambda: workers.morning.state()[0] is EditionState.SENT)
    assert workers.morning.counts() == {"sent": 160}
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    gmail = [n for n, line in enumerate(lines) if line["recipient"].endswith("@gmail.example")]
    moments = [datetime.fromisoformat(lines[n]["at"]) for n in gmail]
    soonest = min(later - earlier for earlier, later in pairwise(moments))
    assert soonest > timedelta(milliseconds=15), "one after another: each is answered after twenty"
    assert len(lines) - 120 < gmail[-1], "the others were through before"


def test_who_joins_waits_for_what_is_on_the_wire(postgresql_url: str) -> None:
    """The first has every connection, and each an answer to wait for."""
    database = Database(postgresql_url)
    with SmtpServer(delay=(2_000, 2_000)) as server:
        workers = Workers(database, postgresql_url, server, 1)
        workers.morning.freeze(readers=40)
        with workers.at_work():
            until(lambda: server.accepted == 4)
            with workers.at_work():
                until(lambda: server.widest == 5)
                server.widest = 0  # it looked whether anybody is there, and sent nothing
                until(lambda: sorted(workers.parts("relay/main").values()) == [2, 2])
        assert server.widest == 4
    database.close()


class Hasty:
    """Takes a batch before it knows of any connection."""

    def enqueue(self, _session: Session, _edition_id: int) -> None:
        """Nobody else is to have it."""

    async def run(self, engine: Engine, _stop: threading.Event, *, until_idle: bool) -> None:
        delivering = asyncio.create_task(engine.deliver(BatchKey(1, 0)))
        await asyncio.wait([delivering], timeout=0.5)
        while not delivering.done():
            await engine.keep()
            await asyncio.wait([delivering], timeout=0.1)


def test_a_batch_that_began_without_a_connection_goes_when_there_is_one(
    postgresql_url: str, server: SmtpServer
) -> None:
    database = Database(postgresql_url)
    workers = Workers(database, postgresql_url, server, 1)
    workers.morning.dispatcher = Hasty()
    workers.morning.freeze(readers=10)
    assert workers.morning.edition == 1
    delivering = threading.Thread(target=workers.morning.deliver, daemon=True)
    delivering.start()
    delivering.join(10)
    assert workers.morning.counts() == {"sent": 10}
    database.close()


def test_what_a_dead_worker_had_is_others_soon(
    postgresql_url: str, server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shares, "LAPSE", 1.0)
    database = Database(postgresql_url)
    workers = Workers(database, postgresql_url, server, 1)
    workers.morning.freeze(readers=200)
    with database.writing() as session:
        session.execute(
            text("INSERT INTO share VALUES ('relay/main', 'dead', 4, 4, true, clock_timestamp())")
        )
    began = monotonic()
    with workers.at_work():
        until(lambda: server.accepted)
        assert monotonic() - began >= 1.0, "so long they might be in use"
        until(lambda: list(workers.parts("relay/main").values()) == [4])
    database.close()
