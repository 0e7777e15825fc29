"""Bad days: whatever fails around us, a person reads one clear sentence, and nothing is lost.

A wrong configuration, a relay that is not there, a disk that is full, a store that cannot be written
or is behind the program: each ends with its exit code, as one JSON object for machines. Once it is
mended, the same command goes on, and everybody gets the edition once.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import text

from newsletter.demo.catchall import free_port
from newsletter.store.database import Database
from tests.newsroom import NINE, Done, Newsroom, at, ended, until
from tests.smtpd import SmtpServer

READERS = 40
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
    told_badly(room.run("tick", "--json", now=NINE), 5, "The relay 'main' cannot be used", "connect")
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
    told_badly(full, 5, "The store does not answer")
    assert (room.counts(), server.mails) == ({"queued": READERS}, [])
    all_is_well(room, server)


@ON_SQLITE
def test_a_disk_that_fills_up_in_the_middle_of_a_send(
    tmp_path: Path, database_url: str, server: SmtpServer
) -> None:
    room = Newsroom(tmp_path, database_url, server.port, sending="batch = 40")
    room.import_stories()
    room.import_readers(600)
    room.run("tick", now=at("08:58:30"))
    size = (tmp_path / "newsletter.db").stat().st_size
    sender = room.start("tick", now=NINE, preexec_fn=partial(limit_files, size))
    until(lambda: is_stuck(server, sender.pid))
    resource.prlimit(sender.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert ended(sender).code == 0, "it tries again for a while, for those outcomes exist nowhere else"
    assert room.counts() == {"sent": 600}
    assert server.recipients() == dict.fromkeys(room.readers, 1)


def limit_files(size: int) -> None:
    """From here on no file of this process grows beyond `size` bytes."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
