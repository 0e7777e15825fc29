"""Bad days: whatever fails around us, a person reads one clear sentence, and nothing is lost.

A wrong configuration, a relay that is not there, a disk that is full, a store that cannot be written
or is behind the program: each ends with its exit code, as one JSON object for machines. Once it is
mended, the same command goes on, and everybody gets the edition once.
"""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import text

from newsletter.clock import monotonic
from newsletter.demo.catchall import free_port
from newsletter.store.database import Database
from tests.newsroom import NINE, Done, Newsroom, at, ended, until
from tests.smtpd import SmtpServer

READERS = 40
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1  # of linux/prctl.h and linux/capability.h
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ON_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


@pytest.fixture
def room(tmp_path: Path, database_url: str, server: SmtpServer) -> Newsroom:
    room = Newsroom(tmp_path, database_url, server.port, web_port=free_port())
    room.import_stories()
    room.import_readers(READERS)
    return room


def told_badly(done: Done, code: int, *words: str) -> None:
    """The command ended with `code` and said all these words, in one object and nothing beside it."""
    said = done.json
    assert (done.code, said["ok"], said["exit_code"]) == (code, False, code), done
    assert all(word in said["error"] for word in words), said
    assert "\n" not in said["error"].strip() and "Traceback" not in done.err, done


def all_is_well(room: Newsroom, server: SmtpServer) -> None:
    """After the mend the same command does what it could not do before, for everybody, once."""
    assert room.run("tick", now=at("09:03")).code == 0
    assert room.counts() == {"sent": len(room.readers)}
    assert server.recipients() == dict.fromkeys(room.readers, 1)


# ── what somebody wrote, and what is not there ──────────────────────────────────────────────────


@pytest.mark.parametrize("command", [("tick",), ("serve",), ("status",), ("send", "town", "--dry-run")])
@ON_SQLITE
def test_a_wrong_configuration(room: Newsroom, server: SmtpServer, command: tuple[str, ...]) -> None:
    room.configure(newsletter='send_at = "25:00"')
    told_badly(room.run(*command, "--json", now=NINE), 2, "config.toml, line", "'town' send_at")
    room.configure(newsletter="")
    all_is_well(room, server)


def test_a_relay_that_is_not_there(room: Newsroom, server: SmtpServer) -> None:
    room.configure(relay_port=free_port())
    told_badly(room.run("tick", "--json", now=NINE), 5, "The relay main", "at connect")
    assert room.counts() == {"queued": READERS}
    room.configure(relay_port=server.port)
    all_is_well(room, server)


# ── the store ───────────────────────────────────────────────────────────────────────────────────


@ON_SQLITE
def test_a_disk_that_is_full(tmp_path: Path, database_url: str, server: SmtpServer) -> None:
    room = Newsroom(tmp_path, database_url, server.port)
    room.import_stories()
    room.import_readers(READERS)
    room.run("tick", now=at("08:58:30"))
    full = room.call("tick", "--json", now=NINE, preexec_fn=partial(limit_files, 4096))
    told_badly(full, 5, "newsletter.db does not answer")
    assert (room.counts(), server.mails) == ({"queued": READERS}, [])
    all_is_well(room, server)


@ON_SQLITE
def test_a_disk_that_fills_up_in_the_middle_of_a_send(
    tmp_path: Path, database_url: str, server: SmtpServer
) -> None:
    """It begins nothing more, and waits a while for room: what the relay has answered it alone knows."""
    room, sender = send_until_the_disk_is_full(tmp_path, database_url, server)
    resource.prlimit(sender.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    stopped = ended(sender)
    assert (stopped.code, "The store" in stopped.err) in [(0, False), (5, True)], stopped
    all_is_well(room, server)


@ON_SQLITE
def test_a_disk_that_stays_full_in_the_middle_of_a_send(
    tmp_path: Path, database_url: str, server: SmtpServer, soak: bool
) -> None:
    if not soak:
        return
    room, sender = send_until_the_disk_is_full(tmp_path, database_url, server)
    failed = ended(sender)
    assert (failed.code, "does not answer" in failed.err) == (5, True), failed
    room.run("tick", now=at("09:03"))
    assert server.recipients() == dict.fromkeys(room.readers, 1), "nobody is lost, and nobody has two"
    sums = room.counts()
    assert sums["sent"] + sums["unknown"] == len(room.readers) and sums["unknown"] <= 4 * 100


def send_until_the_disk_is_full(
    folder: Path, database_url: str, server: SmtpServer
) -> tuple[Newsroom, subprocess.Popen[str]]:
    """A newsroom of 600, and its send, which has stopped in the middle since no file can grow."""
    room = Newsroom(folder, database_url, server.port, sending="batch = 40")
    room.import_stories()
    room.import_readers(600)
    room.run("tick", now=at("08:58:30"))
    size = (folder / "newsletter.db").stat().st_size
    sender = room.start("tick", now=NINE, preexec_fn=partial(limit_files, size))
    until(lambda: server.accepted)
    accepted = 0
    while accepted != server.accepted:
        accepted = server.accepted
        threading.Event().wait(1)
    assert accepted < len(room.readers) and sender.poll() is None
    return room, sender


def limit_files(size: int) -> None:
    """From here on no file of this process grows beyond `size` bytes."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@ON_SQLITE
def test_a_store_that_cannot_be_written(room: Newsroom, server: SmtpServer) -> None:
    store = room.folder / "newsletter.db"
    store.chmod(0o400)
    room.folder.chmod(0o500)
    told_badly(
        room.call("tick", "--json", now=NINE, preexec_fn=obey_modes), 5, "newsletter.db does not answer"
    )
    room.folder.chmod(0o700)
    store.chmod(0o600)
    all_is_well(room, server)


def obey_modes() -> None:
    """Root writes wherever it likes, unless it gives that up (capabilities(7), CAP_DAC_OVERRIDE)."""
    if os.geteuid() == 0 and ctypes.CDLL(None, use_errno=True).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE):
        raise OSError(ctypes.get_errno(), "prctl")


@ON_POSTGRESQL
def test_a_store_that_only_reads(room: Newsroom, server: SmtpServer, database_url: str) -> None:
    """As after a fail-over, while the new primary is still a standby."""
    room.configure(database=f"{database_url}&options=-cdefault_transaction_read_only%3Don")
    told_badly(room.run("tick", "--json", now=NINE), 5, "The store does not answer", "read-only")
    room.configure(database=database_url)
    all_is_well(room, server)


@ON_POSTGRESQL
def test_a_store_that_is_not_there(room: Newsroom, server: SmtpServer, database_url: str) -> None:
    room.configure(database=f"postgresql://postgres@127.0.0.1:{free_port()}/newsletter")
    told_badly(room.run("tick", "--json", now=NINE), 5, "The store does not answer", "refused")
    room.configure(database=database_url)
    all_is_well(room, server)


def test_a_store_that_is_behind(room: Newsroom, server: SmtpServer, database_url: str) -> None:
    current = version(database_url)
    set_version(database_url, "0000")
    told_badly(room.run("tick", "--json", now=NINE), 5, "The store is ahead of this program", "0000")
    set_version(database_url, None)
    behind = room.run("tick", "--json", now=NINE)
    told_badly(behind, 5, "The store is behind this program", current)
    assert behind.json["next_step"] == "newsletter db upgrade" and not server.mails
    set_version(database_url, current)
    all_is_well(room, server)


def version(database_url: str) -> str:
    with store(database_url) as database, database.reading() as session:
        found: str = session.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        return found


def set_version(database_url: str, number: str | None) -> None:
    with store(database_url) as database, database.writing() as session:
        session.execute(text("DELETE FROM alembic_version"))
        if number:
            session.execute(text("INSERT INTO alembic_version VALUES (:number)"), {"number": number})


@contextmanager
def store(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    try:
        yield database
    finally:
        database.close()


# ── two that would serve one file ───────────────────────────────────────────────────────────────


@ON_SQLITE
def test_a_second_serve_is_refused_until_the_first_is_gone(room: Newsroom, server: SmtpServer) -> None:
    first = room.start("serve", now=at("07:00"))
    until(lambda: room.run("status", "--json").json["delivering"])
    began = monotonic()
    told_badly(room.call("serve", "--json", now=at("07:00")), 3, "Another `newsletter serve`", str(first.pid))
    assert monotonic() - began < 10, "at once"
    first.kill()
    first.communicate()
    room.configure(web_port=free_port())
    began = monotonic()
    heir = room.start("serve", now=NINE)
    try:
        until(lambda: room.counts() == {"sent": READERS})
        assert monotonic() - began < 25, "it need not wait for the thirty seconds of silence"
    finally:
        heir.terminate()
    assert ended(heir).code == 0
    assert server.recipients() == dict.fromkeys(room.readers, 1)
