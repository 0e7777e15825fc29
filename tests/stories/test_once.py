"""Nobody gets an edition twice, whoever sends it, how often, and at the same time; and who leaves is out.

Clocks, hands and processes may all want to send the same edition. There is one edition, one mail for
each reader, and nothing in doubt.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from sqlmodel import select

from newsletter.demo.catchall import free_port
from newsletter.models import Subscriber
from newsletter.web.server import WebServer
from tests.newsroom import NINE, Newsroom, at, ended, reader, until
from tests.smtpd import SmtpServer

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
UNDO = {"undo": "1"}
PEOPLE = select(Subscriber.address, Subscriber.id)
READERS = 120


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer(delay=(1, 10)) as server:
        yield server


@pytest.fixture
def room(tmp_path: Path, database_url: str, server: SmtpServer) -> Newsroom:
    room = Newsroom(tmp_path, database_url, server.port, sending="batch = 40", web_port=free_port())
    room.import_stories()
    room.import_readers(READERS)
    return room


def each_once(room: Newsroom, server: SmtpServer, *, without: frozenset[str] = frozenset()) -> None:
    """Every reader but those has exactly one mail of the one edition, and nothing is in doubt."""
    assert server.recipients() == dict.fromkeys(set(room.readers) - without, 1)
    cancelled = {"cancelled": len(without)} if without else {}
    assert room.counts() == {"sent": len(room.readers) - len(without)} | cancelled
    went_out = [line for line in room.editions().values() if line["sums"]["queued"] or line["sums"]["sent"]]
    assert [line["slug"] for line in went_out] == ["2026-02-18"]
    assert room.run("status", now=at("09:10")).code == 0


# ── senders, one after the other and side by side ───────────────────────────────────────────────


def test_a_second_tick_has_nothing_to_do(room: Newsroom, server: SmtpServer) -> None:
    assert room.run("tick", now=NINE).code == 0
    assert room.run("tick", now=at("09:00:30")).code == 0
    each_once(room, server)


def test_four_ticks_at_once(room: Newsroom, server: SmtpServer) -> None:
    ticks = [room.start("tick", now=NINE) for _ in range(4)]
    assert [done.code for done in map(ended, ticks)] == [0] * 4
    until(lambda: room.counts() == {"sent": READERS})
    each_once(room, server)


def test_ticks_beside_serve(room: Newsroom, server: SmtpServer) -> None:
    serve = room.start("serve", now=at("08:59:58"))
    try:
        until(lambda: is_serving(room))
        ticks = [room.start("tick", now=NINE) for _ in range(2)]
        assert [done.code for done in map(ended, ticks)] == [0, 0]
        until(lambda: room.counts() == {"sent": READERS})
    finally:
        serve.terminate()
    stopped = ended(serve)
    assert (stopped.code, "nothing is in doubt" in stopped.err) == (0, True), stopped
    each_once(room, server)


def test_a_send_by_hand_beside_serve(room: Newsroom, server: SmtpServer) -> None:
    serve = room.start("serve", now=at("07:00"))
    try:
        until(lambda: is_serving(room))
        sent = room.call("send", "town", "--no-wait", "--json", now=at("07:00:05"))
        assert (sent.code, sent.json["deliveries"]["sent"]) == (0, READERS), sent
    finally:
        serve.terminate()
    assert ended(serve).code == 0
    again = room.run("send", "town", "--no-wait", now=at("07:00:30"))
    assert (again.code, "has been sent" in again.said) == (3, True)
    assert room.run("tick", now=NINE).code == 0, "its own minute comes, and it has been sent"
    each_once(room, server)


def is_serving(room: Newsroom) -> bool:
    done = room.run("status", "--json")
    return bool(done.json["delivering"])


# ── readers who leave meanwhile ─────────────────────────────────────────────────────────────────


def test_who_leaves_between_freeze_and_send_gets_no_mail(room: Newsroom, server: SmtpServer) -> None:
    assert room.run("tick", now=at("08:58:30")).code == 0
    assert room.counts() == {"queued": READERS} and not server.mails
    leaving = (3, 77)
    with leave_links(room, leaving) as links:
        for link in links:
            assert httpx.post(link, data=ONE_CLICK).status_code == 200
    room.run("tick", now=NINE)
    each_once(room, server, without=frozenset(map(reader, leaving)))


def test_who_comes_back_before_the_row_begins_gets_the_mail(room: Newsroom, server: SmtpServer) -> None:
    assert room.run("tick", now=at("08:58:30")).code == 0
    with leave_links(room, (3,)) as (link,):
        httpx.post(link, data=ONE_CLICK).raise_for_status()
        httpx.post(link, data=UNDO).raise_for_status()
    room.run("tick", now=NINE)
    each_once(room, server)


def test_who_leaves_while_the_freeze_runs_gets_no_mail(room: Newsroom, server: SmtpServer) -> None:
    """Some leave before the ledger is written, some while, some after: it makes no difference."""
    leaving = range(0, READERS, 2)
    with leave_links(room, leaving) as links, httpx.Client() as readers, ThreadPoolExecutor(1) as threads:
        begun = threading.Event()

        def leave_one_by_one() -> None:
            for link in links[:-5]:
                readers.post(link, data=ONE_CLICK).raise_for_status()
                begun.set()

        most_have_left = threads.submit(leave_one_by_one)
        begun.wait()
        frozen = room.run("tick", now=at("08:58:30"))
        most_have_left.result()
        for link in links[-5:]:
            readers.post(link, data=ONE_CLICK).raise_for_status()
    assert frozen.code == 0
    planned = room.counts()["queued"]
    assert READERS // 2 < planned < READERS, "some were to leave before the freeze, and some after it"
    room.run("tick", now=NINE)
    assert server.recipients() == dict.fromkeys(map(reader, range(1, READERS, 2)), 1)
    assert room.counts() == {"sent": READERS // 2, "cancelled": planned - READERS // 2}


@contextmanager
def leave_links(room: Newsroom, numbers: range | tuple[int, ...]) -> Iterator[list[str]]:
    """The leave links of readers by their number, on the real web server of the same newsroom."""
    with room.opened(at("08:58:30")) as runtime:
        web = WebServer(runtime)
        web.start()
        with runtime.database.reading() as session:
            ids = {address: number or 0 for address, number in session.exec(PEOPLE)}
        try:
            yield [runtime.links.leave(ids[reader(number)], 1) for number in numbers]
        finally:
            web.stop()
