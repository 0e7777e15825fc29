"""Wire speed: the real engine with its durable ledger against Postfix's smtp-source, which records nothing.

Both send a mail of the same size over as many connections to the same kind of sink, one after the
other, in pairs whose order turns round each time, so that what disturbs the one disturbs the other.
A pair's ratio is what is claimed, and of the pairs the median. The sinks are Postfix's smtp-sink, which
is one process and mostly the limit, and our own, which is quicker.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from statistics import median
from typing import Any, Protocol

from bench.meter import Cost, Figure, Row
from bench.postfix import PostfixSink, smtp_source, write_message
from bench.room import frozen_edition, import_readers, newsroom
from bench.sending import Sink, run_module
from newsletter.services.sending import compose
from newsletter.values import Recipient, Rendition
from tests.newsroom import Newsroom


class _SinkProcess(Protocol):
    port: int
    taken: dict[str, Any]


Sinks = Callable[[], AbstractContextManager[_SinkProcess]]


def wire(
    readers: int, pairs: int, connections: int, rendition: Rendition, tools: Path, profile: Path | None
) -> Iterator[Row]:
    with newsroom("sqlite", connections=connections) as room:
        message = room.folder / "message"
        with room.opened() as runtime:
            import_readers(runtime, room.folder, readers)
            number, _, _ = frozen_edition(runtime, rendition)
            person = Recipient(1, "reader.1@readers1.example", "Zoë Reader 1", 1, 0)
            write_message(message, compose(runtime, number).fill(person))
        frozen = _Frozen(room)

        def source(sink: _SinkProcess) -> dict[str, Any]:
            cost = smtp_source(tools, sink.port, connections, readers, message)
            return {"wall": cost.wall, "cpu": cost.cpu, "busy": cost.busy}

        def engine(sink: _SinkProcess) -> dict[str, Any]:
            frozen.restore()
            room.configure(relay_port=sink.port)
            told = run_module(
                "bench.sender", str(room.config), *(["--profile", str(profile)] if profile else [])
            )
            assert room.counts()["sent"] == readers, "somebody was lost"
            return told

        sinks: dict[str, Sinks] = {"smtp-sink": lambda: PostfixSink(tools), "our sink": Sink}
        for name, sink in sinks.items():
            yield from _compare(name, sink, {"smtp-source": source, "engine": engine}, readers, pairs)


def _compare(
    name: str,
    make: Sinks,
    senders: dict[str, Callable[[_SinkProcess], dict[str, Any]]],
    mails: int,
    pairs: int,
) -> Iterator[Row]:
    ratios, figures = [], []
    for number in range(1, pairs + 1):
        pair: dict[str, dict[str, Figure]] = {}
        for sender in sorted(senders, reverse=bool(number % 2)):
            with make() as sink:
                told = senders[sender](sink)
            pair[sender] = _figures(told, sink, mails)
        ratio = float(pair["engine"]["mails/s"]) / float(pair["smtp-source"]["mails/s"])
        ratios.append(ratio)
        figures.append(pair)
        for sender, found in pair.items():
            yield Row(f"{sender} → {name}, pair {number}", found)
    for sender in senders:
        middle = {
            key: round(median(float(pair[sender][key]) for pair in figures), 3) for key in figures[0][sender]
        }
        yield Row(f"{sender} → {name}, median of {pairs}", dict(middle))
    yield Row(
        f"engine ÷ smtp-source, {name}",
        {"speed ×": round(median(ratios), 2), "from": round(min(ratios), 2), "to": round(max(ratios), 2)},
    )


def _figures(told: dict[str, Any], sink: _SinkProcess, mails: int) -> dict[str, Figure]:
    cost = Cost(told["wall"], told["cpu"], told["busy"])
    found: dict[str, Figure] = {
        "mails/s": round(mails / cost.wall, 1),
        "CPU ms a mail": round(1e3 * cost.cpu / mails, 4),
        "sink CPU ms a mail": round(1e3 * sink.taken["cpu"] / mails, 4),
        "other cores": round(cost.others(sink.taken["cpu"]), 2),
    }
    if "loop" in told:
        found["loop CPU ms a mail"] = round(1e3 * told["loop"] / mails, 4)
        found["commits a 1,000 mails"] = round(1e3 * told["commits"] / mails, 1)
        found["peak MB"] = round(told["peak"], 1)
    return found


class _Frozen:
    """The store with its edition frozen and nothing sent, to be had again for each run."""

    def __init__(self, room: Newsroom) -> None:
        self._store = room.folder / "newsletter.db"
        self._copy = room.folder / "frozen.db"
        shutil.copyfile(self._store, self._copy)

    def restore(self) -> None:
        for tail in ("-wal", "-shm"):
            Path(f"{self._store}{tail}").unlink(missing_ok=True)
        shutil.copyfile(self._copy, self._store)
