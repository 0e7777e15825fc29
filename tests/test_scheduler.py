"""The clock's thread: it acts at the minute, survives trouble, and no feed holds it up."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from newsletter.clock import monotonic
from newsletter.runtime import Runtime
from newsletter.scheduler import Scheduler, advance
from tests.newsroom import Newsroom, at, until
from tests.services.hooks import Webhook, alerts, share_secret


@contextmanager
def running(runtime: Runtime) -> Iterator[threading.Event]:
    stop = threading.Event()
    thread = threading.Thread(target=Scheduler(runtime, stop).run)
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join()


def state(room: Newsroom, now: datetime) -> str:
    return str(room.edition(now=now)["state"])


def test_it_freezes_at_the_lead_before_the_minute_and_not_before(tmp_path: Path, database_url: str) -> None:
    room = Newsroom(tmp_path, database_url, relay_port=9)
    room.import_stories(5)
    room.import_readers(3)
    before = at("08:57:57")
    room.run("tick", now=before)
    assert state(room, before) == "draft"
    began = monotonic()
    with room.opened(now=before) as runtime, running(runtime):
        until(lambda: state(room, before) == "frozen", seconds=30)
    assert monotonic() - began >= 3, "not before two minutes to nine"


def test_a_webhook_that_hangs_does_not_hold_up_the_minute(tmp_path: Path, database_url: str) -> None:
    never = threading.Event()
    with Webhook() as hook:
        hook.answer = lambda _handler: (None, never.wait(60))[0]
        room = Newsroom(tmp_path, database_url, relay_port=9, feeds=alerts(webhook=hook.url))
        share_secret(tmp_path)
        room.import_stories(5)
        room.import_readers(3)
        before = at("08:31")
        with room.opened(now=before) as runtime:
            advance(runtime, before)  # the draft is ready, and that is news
        before = at("08:57:52")
        with room.opened(now=before) as runtime, running(runtime):
            until(lambda: hook.heard, seconds=30)
            until(lambda: state(room, before) == "frozen", seconds=9)
            never.set()
    assert hook.kinds == ["ready"]


def test_a_feed_that_hangs_does_not_hold_up_the_minute(tmp_path: Path, database_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        hanging = (
            '[gathering]\nallow_hosts = ["127.0.0.1"]\ntimeout = 60\n'
            f'[[feeds]]\nname = "hangs"\nurl = "http://127.0.0.1:{port}/feed"'
        )
        room = Newsroom(tmp_path, database_url, relay_port=9)
        room.import_stories(5)
        room.import_readers(3)
        closed = at("08:57:50")
        room.run("tick", now=closed)
        room.configure(feeds=hanging)
        due = closed + timedelta(seconds=11)
        with room.opened(now=due) as runtime:
            thread = threading.Thread(target=advance, args=(runtime, due), daemon=True)
            thread.start()
            until(lambda: state(room, due) == "frozen", seconds=20)
            assert thread.is_alive(), "it is still waiting for the feed"
            silent.close()
            thread.join()
