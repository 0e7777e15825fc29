"""Leaving, while a million readers are there: with nothing else going on, during a freeze, and during a send.

python -m bench.leaving
python -m bench.leaving --readers 100000

The real `newsletter web` over PostgreSQL; who leaves, who sends and who takes the mails are processes of
their own. Send and leaving share the machine, so a send is looked at without and with leaving, in turn.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from statistics import median
from typing import Any

import httpx

from bench.meter import Figure, Row, keep, machine
from bench.rendering import rendition
from bench.room import NEWSLETTER, frozen_edition, import_readers, newsroom
from bench.sending import Sink
from newsletter.clock import machine_now
from newsletter.demo.catchall import free_port
from newsletter.runtime import Runtime
from newsletter.store import deliveries
from newsletter.store.newsletters import newsletter_ids
from tests.newsroom import NINE, Newsroom, until

AT_ONCE = 8  # connections of those who leave
DURING = 50  # leave in a second while something else goes on
LOOK = 10.0  # seconds of each look at a send


def main() -> None:
    given = _arguments()
    started, about = machine_now(), machine()
    print(*(f"{name}: {value}" for name, value in about.items()), sep=" · ")
    rows = []
    for row in _measurements(given.readers, given.leavers, given.looks):
        figures = (f"{name} {value:,}" for name, value in row.figures.items())
        print(f"{row.what:<56}", " · ".join(figures), flush=True)
        rows.append(row)
    print(f"→ {keep(rows, vars(given), started, about)}")


def _measurements(readers: int, leavers: int, looks: int) -> Iterator[Row]:
    port = free_port()
    with newsroom("postgresql", web_port=port) as room, room.opened() as runtime:
        import_readers(runtime, room.folder, readers)
        paths = _paths(runtime, readers)
        with _web(room, port):
            post(port, list(islice(paths, 200)))  # so that everything is there that a first request makes
            yield Row("leaving, nothing else going on", post(port, list(islice(paths, leavers))))
            yield Row(f"leaving, {DURING} a second, during the freeze", _during_freeze(runtime, port, paths))
            yield from _during_send(room, runtime, port, paths, looks)


def _paths(runtime: Runtime, readers: int) -> Iterator[str]:
    """Leave links of readers from the list's end, who are mailed last."""
    with runtime.database.reading() as session:
        newsletter = newsletter_ids(session)[NEWSLETTER]
    here = len(runtime.links.public_url)
    return (runtime.links.leave(number, newsletter)[here:] for number in range(readers, 0, -1))


def post(port: int, paths: list[str], per_second: int = 0) -> dict[str, Figure]:
    asked = {"port": port, "at_once": AT_ONCE, "per_second": per_second, "paths": paths}
    done = subprocess.run(
        [sys.executable, "-m", "bench.leavers"],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=True,
    )
    told: dict[str, float] = json.loads(done.stdout)
    return {name: round(value, 1) for name, value in told.items()}


def _during_freeze(runtime: Runtime, port: int, paths: Iterator[str]) -> dict[str, Figure]:
    frozen: list[Any] = []
    freezing = threading.Thread(target=lambda: frozen.append(frozen_edition(runtime, rendition(16))))
    freezing.start()
    figures = post(port, list(islice(paths, DURING * 8)), DURING)
    freezing.join()
    _, people, cost = frozen[0]
    return figures | {"people frozen": people, "freeze s": round(cost.wall, 1)}


def _during_send(
    room: Newsroom, runtime: Runtime, port: int, paths: Iterator[str], looks: int
) -> Iterator[Row]:
    with Sink() as sink:
        room.configure(relay_port=sink.port)
        sender = subprocess.Popen([sys.executable, "-m", "bench.sender", str(room.config)])
        until(lambda: _sent(runtime) > 2_000, 60)
        alone, beside = list[float](), list[float]()
        figures: dict[str, Figure] = {}
        for _ in range(looks):
            alone.append(_speed(runtime))
            figures, speed = _beside(runtime, port, paths)
            beside.append(speed)
        sender.terminate()
        sender.wait()
    yield Row(f"leaving, {DURING} a second, during the send", figures)
    yield Row(
        "the send",
        {
            "mails/s alone": round(median(alone)),
            "mails/s beside": round(median(beside)),
            "slower by %": round(100 * (1 - median(beside) / median(alone)), 1),
        },
    )


def _beside(runtime: Runtime, port: int, paths: Iterator[str]) -> tuple[dict[str, Figure], float]:
    told: list[dict[str, Figure]] = []
    some = list(islice(paths, round(DURING * LOOK)))
    leaving = threading.Thread(target=lambda: told.append(post(port, some, DURING)))
    leaving.start()
    speed = _speed(runtime)
    leaving.join()
    return told[0], speed


def _speed(runtime: Runtime) -> float:
    before, started = _sent(runtime), time.perf_counter()
    time.sleep(LOOK)
    return (_sent(runtime) - before) / (time.perf_counter() - started)


def _sent(runtime: Runtime) -> int:
    with runtime.database.reading() as session:
        return deliveries.sums(session, 1).sent


@contextmanager
def _web(room: Newsroom, port: int) -> Iterator[None]:
    """`newsletter web`, answering."""
    web = room.start("web", "--quiet", now=NINE)
    until(lambda: _answers(port), 60)
    try:
        yield
    finally:
        web.send_signal(signal.SIGTERM)
        web.communicate()


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
    except httpx.TransportError:
        return False


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure leaving; the defaults take some four minutes.")
    parser.add_argument("--readers", type=int, default=1_000_000)
    parser.add_argument("--leavers", type=int, default=10_000, help="who leave with nothing else going on")
    parser.add_argument("--looks", type=int, default=3, help="at the send, without and with leaving")
    return parser.parse_args()


if __name__ == "__main__":
    main()
