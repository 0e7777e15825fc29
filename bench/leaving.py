"""A million readers, and those of them who leave: while nothing is sent, during a freeze, during a send.

python -m bench.leaving
python -m bench.leaving --readers 100000 --only quiet
python -m bench.leaving --only serve --worker

The real commands in processes of their own: `newsletter web` alone, then one `newsletter serve`, which
freezes, sends to our sink and takes the clicks, all in one process; or, with `--worker`, leaves sending to
a `newsletter worker`, as whoever has a million readers would. Of the send, turns with clicks and
without alternate, so that a machine that others use meanwhile slows both alike.
"""

from __future__ import annotations

import argparse
import itertools
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

import httpx
import sqlalchemy as sa

from bench.clicks import Clicks
from bench.meter import RESULTS, Row, Stopwatch, report
from bench.room import newsroom
from bench.sending import Sink
from bench.status import fill, people
from newsletter.clock import machine_now
from newsletter.demo.catchall import free_port
from newsletter.models import Batch, Edition
from newsletter.runtime import Runtime
from newsletter.services.counting import keep_counts
from newsletter.store import hints
from tests.newsroom import COMMAND, NINE, Newsroom, at, until

PARTS = ("quiet", "serve")
STORES = ("sqlite", "postgresql")
PATIENCE = 900.0  # seconds


def main() -> None:
    given = _arguments()
    report(_measurements(given), given, machine_now())


def _measurements(given: argparse.Namespace) -> Iterator[Row]:
    with newsroom(given.store, connections=20) as room, Sink() as sink:
        port = free_port()
        engine = 'engine = "procrastinate"' if given.worker else ""
        room.configure(web_port=port, relay_port=sink.port, sending=engine)
        with room.opened() as runtime:
            if given.worker:
                hints.set_up(runtime.database)
            fill(runtime, given.readers, people(given.store))
            room.import_stories(15)
            paths = _links(runtime)
            if "quiet" in given.only:
                yield from _quiet(room, port, paths, given)
            if "serve" in given.only:
                keep_counts(runtime, NINE)
                yield from _served(room, runtime, port, paths, given)


def _quiet(room: Newsroom, port: int, paths: Iterator[str], given: argparse.Namespace) -> Iterator[Row]:
    with running(room, port, "web", "08:00") as process:
        yield _clicked("web, 50 a second", process, port, paths, given, connections=8, rate=50)
        for connections in given.connections:
            what = f"web, {connections} at once"
            yield _clicked(what, process, port, paths, given, connections=connections)


def _served(
    room: Newsroom, runtime: Runtime, port: int, paths: Iterator[str], given: argparse.Namespace
) -> Iterator[Row]:
    with ExitStack() as beside:
        beside.enter_context(running(room, port, "serve", "08:57:40"))
        if given.worker:
            beside.enter_context(working(room))
        with Clicks(port, paths, connections=8, rate=given.rate) as clicks:
            until(lambda: _state(runtime) == "frozen", PATIENCE)
        yield Row(f"serve, up to the end of the freeze of {_frozen(runtime):,}", clicks.taken.figures())
        until(lambda: _sent(runtime) > 2_000, PATIENCE)
        yield from _turns(runtime, port, paths, given)


def _turns(runtime: Runtime, port: int, paths: Iterator[str], given: argparse.Namespace) -> Iterator[Row]:
    """A send with clicks and without, by turns."""
    alone, beside, latencies, refused = [], [], [], 0
    for _ in range(given.turns):
        alone.append(_rate(runtime, given.turn))
        with Clicks(port, paths, connections=8, rate=given.rate) as clicks:
            beside.append(_rate(runtime, given.turn))
        latencies += clicks.taken.seconds
        refused += len(clicks.taken.refused)
    assert _state(runtime) == "sending", "the send had ended before the turns"
    slowed = [100 * (1 - with_clicks / without) for without, with_clicks in zip(alone, beside, strict=True)]
    yield Row(
        "serve, sending, turns without clicks and with",
        {
            "mails/s without": round(median(alone), 1),
            "mails/s with": round(median(beside), 1),
            "slower %": round(100 * (1 - sum(beside) / sum(alone)), 1),
            "slower %, by turns": " ".join(f"{value:.0f}" for value in slowed),
            "clicks": len(latencies),
            "refused": refused,
            "median ms": round(1e3 * median(latencies), 1),
            "slowest ms": round(1e3 * max(latencies), 1),
        },
    )


def _clicked(
    what: str, process: subprocess.Popen[bytes], port: int, paths: Iterator[str], given: argparse.Namespace,
    **how: int,
) -> Row:  # fmt: skip
    watch, before = Stopwatch(), _cpu(process)
    taken = Clicks(port, paths, **how).for_seconds(given.seconds)
    cost, cpu = watch.read(), _cpu(process) - before
    return Row(what, taken.figures() | {
        "server CPU ms a click": round(1e3 * cpu / len(taken.seconds), 2),
        "busy cores": round(cost.busy / cost.wall, 2),
    })  # fmt: skip


@contextmanager
def running(room: Newsroom, port: int, command: str, clock: str) -> Iterator[subprocess.Popen[bytes]]:
    """A command that stays, from when it answers to the end of the block."""
    words = [*COMMAND, *room.words(command, now=at(clock))]
    with (room.folder / "log").open("w") as log, subprocess.Popen(words, stderr=log) as process:
        try:
            until(lambda: _answers(port))
            yield process
        finally:
            process.send_signal(signal.SIGTERM)


@contextmanager
def working(room: Newsroom) -> Iterator[None]:
    """A worker, to the end of the block."""
    worker = room.start("worker", "--quiet", now=at("08:57:40"))
    try:
        yield
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.communicate()


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
    except httpx.TransportError:
        return False


def _links(runtime: Runtime) -> Iterator[str]:
    """The leave links of active readers, each once."""
    for number in itertools.count(2):
        if number % 20 != 1:
            yield runtime.links.leave(number, 1).removeprefix(runtime.public_url)


def _cpu(process: subprocess.Popen[bytes]) -> float:
    """CPU seconds that a process has used."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _state(runtime: Runtime) -> str:
    with runtime.database.reading() as session:
        return str(session.scalar(sa.select(Edition.state).where(Edition.slug == "2026-02-18")) or "")


def _sent(runtime: Runtime) -> int:
    with runtime.database.reading() as session:
        return session.scalar(sa.select(sa.func.sum(Batch.sent))) or 0


def _frozen(runtime: Runtime) -> int:
    with runtime.database.reading() as session:
        return session.scalar(sa.select(sa.func.sum(Batch.size))) or 0


def _rate(runtime: Runtime, seconds: float) -> float:
    """Mails a second, for so many seconds from now."""
    before, started = _sent(runtime), time.perf_counter()
    time.sleep(seconds)
    return (_sent(runtime) - before) / (time.perf_counter() - started)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure who leaves; the defaults take some six minutes.")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--store", choices=STORES, default="postgresql")
    parser.add_argument("--worker", action="store_true", help="deliver in a process of its own (postgresql)")
    parser.add_argument("--readers", type=int, default=1_000_000)
    parser.add_argument("--connections", type=int, nargs="+", default=(8, 32), help="that click at once")
    parser.add_argument("--seconds", type=float, default=10, help="of clicks while nothing is sent")
    parser.add_argument("--rate", type=float, default=50, help="clicks a second while an edition is sent")
    parser.add_argument("--turns", type=int, default=8, help="of sending without clicks, and with them")
    parser.add_argument("--turn", type=float, default=5, help="seconds of each")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the raw figures")
    return parser.parse_args()


if __name__ == "__main__":
    main()
