"""Leases: one holder at a time, and nobody waits long for one that is gone."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from newsletter.clock import monotonic
from newsletter.models import Lease
from newsletter.store import leases
from newsletter.store.database import Database
from newsletter.store.leases import Holder

NAME = "delivery"
# Prints the three words by which a lease names a process, and lives until its input ends
PROCESS = """
import sys
from newsletter.store.leases import this_process
me = this_process()
print(me.owner, me.host, me.process, sep="|", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def me() -> Holder:
    return leases.this_process()


@contextmanager
def another_process() -> Iterator[tuple[Holder, subprocess.Popen[str]]]:
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", PROCESS], stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        owner, host, number = process.stdout.readline().rstrip("\n").split("|")
        yield Holder(owner, host, number), process


def acquire(database: Database, holder: Holder) -> Holder | None:
    with database.writing() as session:
        return leases.acquire(session, NAME, holder)


def fall_silent(database: Database, seconds: float) -> None:
    with database.writing() as session:
        held = session.get_one(Lease, NAME)
        held.beat_at -= timedelta(seconds=seconds)


def living(database: Database) -> Holder | None:
    with database.reading() as session:
        return leases.living_holder(session, NAME)


def test_one_holds_and_the_other_is_told_who(database: Database, me: Holder) -> None:
    other = replace(me, owner="another thread of this process")
    assert acquire(database, me) is None
    assert acquire(database, me) is None, "the holder may ask again"
    assert acquire(database, other) == me
    assert living(database) == me


def test_of_many_at_once_one_wins(database: Database, me: Holder) -> None:
    barrier = threading.Barrier(6)
    answers: list[Holder | None] = []

    def take(number: int) -> None:
        barrier.wait()
        answers.append(acquire(database, replace(me, owner=f"thread {number}")))

    threads = [threading.Thread(target=take, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 6
    assert answers.count(None) == 1


def test_who_is_silent_for_thirty_seconds_loses_it(database: Database, me: Holder) -> None:
    elsewhere = Holder("far", "another host", "1 1")
    assert acquire(database, elsewhere) is None
    fall_silent(database, 29)
    assert acquire(database, me) == elsewhere
    with database.reading() as session:
        assert 29 <= leases.silent_for(session, NAME) < 30
    fall_silent(database, 1)
    assert living(database) is None
    assert acquire(database, me) is None
    with database.writing() as session:
        assert not leases.beat(session, NAME, elsewhere), "it must notice that it has lost the lease"
        assert leases.beat(session, NAME, me)


def test_a_beat_keeps_it(database: Database, me: Holder) -> None:
    elsewhere = Holder("far", "another host", "1 1")
    acquire(database, elsewhere)
    fall_silent(database, 29)
    with database.writing() as session:
        assert leases.beat(session, NAME, elsewhere)
    fall_silent(database, 29)
    assert acquire(database, me) == elsewhere


def test_who_let_go_is_followed_at_once(database: Database, me: Holder) -> None:
    elsewhere = Holder("far", "another host", "1 1")
    acquire(database, elsewhere)
    with database.writing() as session:
        leases.release(session, NAME, me)
    assert living(database) == elsewhere, "only the holder can let go"
    with database.writing() as session:
        leases.release(session, NAME, elsewhere)
    assert living(database) is None
    assert acquire(database, me) is None


def test_a_dead_process_of_this_host_is_followed_at_once(database: Database, me: Holder) -> None:
    with another_process() as (other, process):
        assert acquire(database, other) is None
        assert acquire(database, me) == other, "it lives"
        process.kill()
        process.wait()
        assert living(database) is None
        assert acquire(database, me) is None


def test_a_zombie_is_dead(database: Database, me: Holder) -> None:
    with another_process() as (other, process):
        assert acquire(database, other) is None
        assert process.stdin is not None and process.stdout is not None
        process.stdin.close()
        process.stdout.read()  # returns once it has ended; nobody has waited for it yet
        patience = monotonic() + 10
        while acquire(database, me) is not None:
            assert monotonic() < patience, "a zombie kept its lease"
        assert process.returncode is None


def test_a_later_process_with_the_same_number_is_not_the_holder(database: Database, me: Holder) -> None:
    number, _, _ = me.process.partition(" ")
    earlier = Holder("earlier", me.host, f"{number} 1")
    assert acquire(database, earlier) is None
    assert acquire(database, me) is None


def test_of_another_host_only_silence_tells(database: Database, me: Holder) -> None:
    elsewhere = Holder("far", "another boot", "999999999 1")
    assert acquire(database, elsewhere) is None
    assert acquire(database, me) == elsewhere
