"""Memory by the number of readers: the most that any process of a send ever had.

The real commands in processes of their own: `tick` delivers from SQLite, `worker --processes 2` from
PostgreSQL. Every process below them is watched to its end; what a store's own server needs is not ours.
"""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from bench.meter import Figure, Row, Stopwatch
from bench.room import frozen_edition, import_readers, newsroom
from bench.sending import Sink
from newsletter.models import EditionState
from newsletter.services.sending import progress
from newsletter.store import hints
from newsletter.values import Rendition
from tests.newsroom import NINE, Newsroom

LOOK = 0.5  # seconds between two looks at the processes
WORDS = {"sqlite": ("tick", "--quiet"), "postgresql": ("worker", "--quiet", "--processes", "2")}
MB = 1024


def memory(
    stores: Sequence[str], sizes: Sequence[int], connections: int, rendition: Rendition
) -> Iterator[Row]:
    for store in stores:
        peaks: list[float] = []
        for readers in sizes:
            figures, peak = _send(store, readers, connections, rendition)
            peaks.append(peak)
            yield Row(f"memory, {readers:,} readers, {store}", figures)
        yield Row(f"memory, {sizes[-1]:,} ÷ {sizes[0]:,}, {store}", {"×": round(peaks[-1] / peaks[0], 3)})


def _send(
    store: str, readers: int, connections: int, rendition: Rendition
) -> tuple[dict[str, Figure], float]:
    with newsroom(store, connections=connections) as room:
        if store == "postgresql":
            room.configure(sending='engine = "procrastinate"')
        with room.opened() as runtime:
            if store == "postgresql":
                hints.set_up(runtime.database)
            import_readers(runtime, room.folder, readers)
            edition, _, _ = frozen_edition(runtime, rendition)
        with Sink() as sink:
            room.configure(relay_port=sink.port)
            watch = Stopwatch()
            peaks = _peaks(room, store, edition)
            cost = watch.read()
    assert sink.taken["mails"] == readers, "somebody was lost, or mailed twice"
    figures: dict[str, Figure] = {f"process {number} MB": peak for number, peak in enumerate(peaks, 1)}
    return figures | {"seconds": round(cost.wall)}, max(peaks)


def _peaks(room: Newsroom, store: str, edition: int) -> list[float]:
    """The most memory of each process that delivered the edition, in MB, the largest first."""
    sender, peaks = room.start(*WORDS[store], now=NINE), dict[int, float]()
    with room.opened() as runtime:
        while sender.poll() is None:
            for process in _family(sender.pid):
                with suppress(FileNotFoundError, ProcessLookupError, KeyError):
                    peaks[process] = int(_status(process)["VmHWM"].split()[0]) / MB
            if store == "postgresql" and progress(runtime, edition)[0] is EditionState.SENT:
                sender.send_signal(signal.SIGTERM)
                sender.wait()
            time.sleep(LOOK)
    _, complaints = sender.communicate()
    assert sender.returncode == 0, complaints
    return sorted((round(peak, 1) for peak in peaks.values()), reverse=True)


def _family(pid: int) -> list[int]:
    """A process, its children, and theirs."""
    words = ["ps", "-o", "pid=", "--ppid", str(pid)]
    found = subprocess.run(words, capture_output=True, text=True, check=False).stdout.split()
    return [pid, *(member for child in map(int, found) for member in _family(child))]


def _status(process: int) -> dict[str, str]:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return {name: value for name, _, value in (line.partition(":") for line in lines)}
