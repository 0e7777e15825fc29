"""Many addresses are looked at side by side, within bounds for each of them, each host, and the whole."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler

import pytest

from newsletter.clock import monotonic
from newsletter.config import Gathering, Preflight
from newsletter.feeds import door
from newsletter.feeds.looks import Manners, look_at, look_at_all
from newsletter.models import LinkVerdict
from newsletter.values import Look
from tests.feeds.server import Server

NOW = datetime(2026, 2, 18, 13, 0, tzinfo=UTC)
OURS = Gathering(allow_hosts=("127.0.0.1", "localhost"))


def manners(**limits: float) -> Manners:
    return Manners(OURS, Preflight(**{"timeout": 5.0, **limits}))  # type: ignore[arg-type]


def by_path(looks: list[Look]) -> dict[str, Look]:
    return {look.address.rpartition("/")[2]: look for look in looks}


def test_a_host_is_asked_no_more_things_at_once_than_it_may_be(server: Server) -> None:
    lock, inside, most = threading.Lock(), [0], [0]

    def answer(handler: BaseHTTPRequestHandler) -> None:
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        server.closing.wait(0.05)
        with lock:
            inside[0] -= 1  # before its client can hear of it, and ask for the next
        handler.send_response(200)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    addresses = {server.script(f"/{n}", answer): False for n in range(8)}
    seen = look_at_all(addresses, manners(per_host=3, at_once=16), NOW, seconds=20)
    assert {look.verdict for look in seen} == {LinkVerdict.OK} and len(seen) == 8
    assert most[0] == 3 and len(server.seen) == 8


def test_a_host_that_hangs_keeps_no_other_waiting(server: Server) -> None:
    def hang(handler: BaseHTTPRequestHandler) -> None:
        server.closing.wait(30)

    addresses = {server.script(f"/hangs{n}", hang): False for n in range(20)}
    other = f"http://localhost:{server.port}/good"
    server.on("/good", b"x")
    began = monotonic()
    looks = look_at_all({**addresses, other: False}, manners(per_host=2, at_once=4), NOW, seconds=1.0)
    assert monotonic() - began < 2
    seen = by_path(list(looks))
    assert seen["good"].verdict is LinkVerdict.OK
    hung = [look for path, look in seen.items() if path != "good"]
    assert 0 < len(hung) <= 3, "what was never asked is left out"
    assert {look.trouble for look in hung} == {"It had not answered when the time for all links was over."}


def test_a_name_server_that_hangs_holds_up_nobody(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked by the system's own resolver, which knows no deadline of ours."""
    asked = threading.Event()
    real = door.socket.getaddrinfo

    def slow(host: str, *args: object, **options: object) -> object:
        if host != "slow.example":
            return real(host, *args, **options)  # type: ignore[arg-type]
        asked.set()
        server.closing.wait(30)
        raise OSError

    monkeypatch.setattr(door.socket, "getaddrinfo", slow)
    began = monotonic()
    looks = look_at_all({"http://slow.example/": False, server.on("/good"): False}, manners(), NOW, seconds=1)
    assert (monotonic() - began < 2, asked.is_set()) == (True, True)
    assert {look.verdict for look in looks} == {LinkVerdict.OK, LinkVerdict.FAILING}


def test_no_body_of_a_page_is_read_and_no_more_of_a_picture_than_tells(server: Server) -> None:
    sent = [0]

    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "image/png")
        handler.send_header("Connection", "close")
        handler.end_headers()
        while not server.closing.is_set():
            handler.wfile.write(b"\x89" * 65_536)
            sent[0] += 65_536

    address = server.script("/p", endless)
    picture = look_at(address, True, manners(largest_picture=100_000), NOW)
    assert picture.verdict is LinkVerdict.OK and 100_000 < picture.bytes < 300_000
    page = look_at(address, False, manners(), NOW)
    assert (page.verdict, page.bytes) == (LinkVerdict.OK, 0)
    assert sent[0] < 20_000_000, "the rest lay in the buffers of the system"
