"""What a relay refuses: later, never, because of the address, because of us, or without a word.

What is about one address costs that address; what is about us stops the run and costs nobody; and
what nobody can know is told to a person and never sent again by itself.
"""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from newsletter.models import Attempt, Suppression
from tests.newsroom import NINE, Newsroom, at, reader
from tests.smtpd import Mood, SmtpServer


class House:
    """A newsroom and its relay, told which readers to have."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self._folder, self._url = folder, database_url
        self.server: SmtpServer
        self.room: Newsroom

    @contextmanager
    def __call__(self, *people: str, readers: int = 20, **mood: Any) -> Iterator[tuple[Newsroom, SmtpServer]]:
        with SmtpServer(Mood(**mood)) as server:
            room = Newsroom(self._folder, self._url, server.port)
            room.import_stories()
            room.import_readers([*map(reader, range(readers)), *people])
            yield room, server


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> House:
    return House(tmp_path, database_url)


def suppressed(room: Newsroom) -> int:
    with room.opened() as runtime, runtime.database.reading() as session:
        return len(session.exec(select(Suppression.address_key)).all())


# ── later, and never ────────────────────────────────────────────────────────────────────────────


def test_who_is_refused_for_a_while_gets_the_mail_a_little_later(house: House) -> None:
    greylisted = [f"tempfail{number}@grey.example" for number in range(5)]
    with house(*greylisted, readers=95) as (room, server):
        assert room.run("tick", now=NINE).code == 0
        assert room.counts() == {"sent": 95, "deferred": 5}
        room.run("tick", now=at("09:04"))
        assert room.counts() == {"sent": 95, "deferred": 5}, "its time has not come yet"
        assert room.run("tick", now=at("09:06")).code == 0
        assert room.counts() == {"sent": 100}
        assert server.recipients() == dict.fromkeys(room.readers, 1)
        assert {server.tries[address] for address in greylisted} == {2}
        with room.opened() as runtime, runtime.database.reading() as session:
            kept = session.exec(select(Attempt.reply)).all()
        assert kept == ["451 4.7.1 greylisted, try again"] * 5
        assert room.run("status", now=at("09:06")).code == 0


def test_an_address_that_does_not_exist_is_not_mailed_again(house: House) -> None:
    with house("permfail1@gone.example", "policy1@strict.example") as (room, server):
        assert room.run("tick", now=NINE).code == 0
        shown = room.edition()
        assert {row["address"]: row["reply"] for row in shown["failed"]} == {
            "permfail1@gone.example": "550 5.1.1 no such mailbox",
            "policy1@strict.example": "550 5.7.1 not from you",
        }
        assert suppressed(room) == 1, "a refusal that is not about the mailbox costs nobody"
        room.import_stories(kind="morrow", published=at("05:00", days=1))
        room.run("tick", now=at("09:00", days=1))
        assert room.counts("2026-02-19") == {"sent": 20, "failed": 1}
        assert server.tries["permfail1@gone.example"] == 1
        assert server.tries["policy1@strict.example"] == 2


# ── because of us ───────────────────────────────────────────────────────────────────────────────


def test_a_relay_that_refuses_our_sender_stops_the_run(house: House) -> None:
    with house(mail_reply=b"550 5.7.1 your domain is not welcome") as (room, server):
        ticked = room.run("tick", now=NINE)
        assert (ticked.code, "your domain is not welcome" in ticked.said) == (4, True)
        assert room.edition()["state"] == "paused"
        assert room.counts() == {"queued": 20} and suppressed(room) == 0
        status = room.run("status", "--json", now=at("09:01"))
        (problem,) = status.json["problems"]
        assert status.code == 4
        assert "paused" in problem["what"] and "550 5.7.1 your domain is not welcome" in problem["what"]
        tried = server.count("MAIL")
        room.run("tick", now=at("09:10"))
        assert server.count("MAIL") == tried, "a paused run waits for a person"
        server.mood.mail_reply = b""
        assert room.run("resume", "town/2026-02-18", now=at("09:15")).code == 0
        assert room.run("tick", now=at("09:15")).code == 0
        assert server.recipients() == dict.fromkeys(room.readers, 1)


@pytest.mark.parametrize("readers", [60, 21])
def test_a_relay_that_knows_nobody_trips_the_breaker(house: House, readers: int) -> None:
    """With 21 readers the last answer trips it: nothing is left to send, and still nobody is suppressed."""
    with house(readers=readers, rcpt_reply=b"550 5.1.1 no such user") as (room, server):
        ticked = room.run("tick", now=NINE)
        assert (ticked.code, "breaker" in ticked.said, "550 5.1.1" in ticked.said) == (4, True, True), ticked
        assert room.edition()["state"] == "paused"
        assert room.counts()["failed"] > 20
        assert suppressed(room) == 0 and not server.mails
        room.run("tick", now=at("09:05"))
        assert room.edition()["state"] == "paused" and suppressed(room) == 0


# ── without a word ──────────────────────────────────────────────────────────────────────────────


def test_a_relay_that_says_421_is_asked_again(house: House) -> None:
    with house("busy1@full.example", messages_per_connection=3) as (room, server):
        room.run("tick", now=NINE)
        assert room.counts() == {"sent": 20, "deferred": 1}, "a goodbye at MAIL is about the connection"
        assert server.recipients() == dict.fromkeys(map(reader, range(20)), 1)
        server.mood.messages_per_connection = 0
        room.run("tick", now=at("09:06"))
        assert server.tries["busy1@full.example"] == 2


@pytest.mark.parametrize("cuts", [2, 8])
def test_a_connection_that_breaks_before_the_content_costs_nothing(house: House, cuts: int) -> None:
    """A mail that loses one connection goes over the next; one that loses several waits its turn."""
    with house() as (room, server), Cutter(server.port, cut_after=b"DATA", times=cuts) as cutter:
        room.configure(relay_port=cutter.port)
        room.run("tick", now=NINE)
        sums = room.counts()
        assert cutter.cuts == cuts and sums["sent"] + sums.get("deferred", 0) == 20
        assert sums["sent"] == 20 or cuts > 2
        assert room.run("tick", now=at("09:06")).code == 0
        assert room.counts() == {"sent": 20}
        assert server.recipients() == dict.fromkeys(room.readers, 1)


def test_what_a_broken_connection_makes_unknowable_is_told_and_never_sent_again(house: House) -> None:
    with house("drops1@lossy.example", "drops2@lossy.example") as (room, server):
        assert room.run("tick", now=NINE).code == 4
        assert room.counts() == {"sent": 20, "unknown": 2}
        in_doubt = {row["address"] for row in room.edition()["unknown"]}
        assert in_doubt == {"drops1@lossy.example", "drops2@lossy.example"}
        status = room.run("status", now=at("09:01"))
        assert (status.code, "2 deliveries in doubt" in status.said) == (4, True)
        room.run("tick", now=at("09:10"))
        room.run("tick", now=at("11:00"))
        assert {server.tries[address] for address in in_doubt} == {1}
        assert room.counts() == {"sent": 20, "unknown": 2}
        assert max(Counter(server.tries).values()) == 1


class Cutter:
    """Stands between us and the relay, and cuts the wire, so many times, once a certain command came."""

    def __init__(self, relay_port: int, *, cut_after: bytes, times: int) -> None:
        self._relay_port = relay_port
        self._cut_after = cut_after
        self._left = times
        self._lock = threading.Lock()
        self.cuts = 0

    def __enter__(self) -> Cutter:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                ours, _ = self._listener.accept()
                relay = socket.create_connection(("127.0.0.1", self._relay_port))
                for source, target in ((ours, relay), (relay, ours)):
                    threading.Thread(target=self._pump, args=(source, target), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError), source, target:
            while data := source.recv(65_536):
                # Alone or in its envelope, but not where it ran ahead: a content would go down with it
                is_envelope = data.startswith((b"MAIL", self._cut_after)) and self._cut_after in data
                if is_envelope and self._may_cut():
                    break
                target.sendall(data)
            for end in (source, target):
                end.shutdown(socket.SHUT_RDWR)

    def _may_cut(self) -> bool:
        with self._lock:
            self._left -= 1
            self.cuts += self._left >= 0
            return self._left >= 0
