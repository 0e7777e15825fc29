"""`serve` as the newsroom runs it: it wakes at nine by itself, answers readers, and stops in good order."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from newsletter.demo.catchall import free_port
from tests.newsroom import Newsroom, at, ended, until
from tests.smtpd import SmtpServer


@contextmanager
def serving(room: Newsroom, clock: str) -> Iterator[subprocess.Popen[str]]:
    """A `serve` whose clock begins at `clock`; killed when the story breaks off."""
    process = room.start("serve", now=at(clock))
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def test_it_sends_at_nine_by_itself_and_the_web_answers(tmp_path: Path, database_url: str) -> None:
    with SmtpServer() as server:
        port = free_port()
        room = Newsroom(
            tmp_path, database_url, server.port, web_port=port, newsletter="cutoff = 6", sending="lead = 4"
        )
        room.import_stories()
        room.import_readers(30)
        with serving(room, "08:59:50") as serve, httpx.Client(base_url=f"http://127.0.0.1:{port}") as web:
            until(lambda: answers(web, "/readyz"))
            assert web.get("/n/town").status_code == 200
            assert web.get("/n/town/2026-02-18").status_code == 404 or server.mails, "nobody has it yet"
            until(lambda: server.accepted == 30, seconds=30)
            until(lambda: room.counts() == {"sent": 30})
            assert web.get("/n/town/2026-02-18").status_code == 200
            serve.send_signal(signal.SIGTERM)
            assert ended(serve, 15).code == 0
        shown = room.edition()
        assert shown["late"] is False and shown["first_at"][:19] >= "2026-02-18T14:00:00"
        assert server.recipients() == dict.fromkeys(room.readers, 1)


def test_sigterm_in_mid_send_leaves_nothing_in_doubt(tmp_path: Path, database_url: str) -> None:
    with SmtpServer(delay=(100, 300)) as server:
        room = Newsroom(tmp_path, database_url, server.port, sending="batch = 60", web_port=free_port())
        room.import_stories()
        room.import_readers(200)
        with serving(room, "09:00") as serve:
            until(lambda: server.accepted > 20)
            serve.terminate()
            stopped = ended(serve, 15)
        assert (stopped.code, "nothing is in doubt" in stopped.err) == (0, True), stopped
        done = room.counts()
        assert 0 < done["sent"] == server.accepted < 200
        assert done == {"sent": done["sent"], "queued": 200 - done["sent"]}
        server.mood.delay = (0, 0)
        with serving(room, "09:01") as again:
            until(lambda: room.counts() == {"sent": 200})
            again.terminate()
            assert ended(again, 15).code == 0
        assert server.recipients() == dict.fromkeys(room.readers, 1)


def answers(web: httpx.Client, path: str) -> bool:
    try:
        return web.get(path).status_code == 200
    except httpx.TransportError:
        return False
