"""Wire speed: the real engine with its durable ledger against Postfix's smtp-source, which records nothing.

All send a mail of the same size over as many connections to the same kind of sink, one after the
other, in rounds whose order turns round each time, so that what disturbs the one disturbs the other.
A round's ratio is what is claimed, and of the rounds the median. To smtp-sink the engine also signs, by
RSA-2048; smtp-source never does. The sinks are Postfix's smtp-sink, which
is one process and mostly the limit, and our own, which is quicker.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from statistics import median
from typing import Any, Protocol

from bench.meter import Cost, Figure, Row
from bench.postfix import PostfixSink, smtp_source, write_message
from bench.room import frozen_edition, import_readers, newsroom
from bench.sending import Sink, run_module
from newsletter.mail.signing_keys import Algorithm
from newsletter.services.sending import compose
from newsletter.values import Recipient, Rendition
from tests.newsroom import Newsroom
from tests.signers import signers


class _SinkProcess(Protocol):
    port: int
    taken: dict[str, Any]


Sinks = Callable[[], AbstractContextManager[_SinkProcess]]
Sender = Callable[[_SinkProcess], dict[str, Any]]
SOURCE = "smtp-source"


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

        def engine(sink: _SinkProcess, dkim: str = "") -> dict[str, Any]:
            frozen.restore()
            room.configure(relay_port=sink.port, dkim=dkim)
            told = run_module(
                "bench.sender", str(room.config), *(["--profile", str(profile)] if profile else [])
            )
            assert room.counts()["sent"] == readers, "somebody was lost"
            return told

        def signing(sink: _SinkProcess) -> dict[str, Any]:
            return engine(sink, dkim='keys = { rsa = "dkim-rsa.pem" }')

        signers(room.folder, "town.example", [Algorithm.RSA])
        senders = {"engine": engine, "engine, RSA-2048": signing, SOURCE: source}
        yield from _compare("smtp-sink", lambda: PostfixSink(tools), senders, readers, pairs)
        del senders["engine, RSA-2048"]
        yield from _compare("our sink", Sink, senders, readers, pairs)


def _compare(name: str, make: Sinks, senders: Mapping[str, Sender], mails: int, rounds: int) -> Iterator[Row]:
    taken: list[dict[str, dict[str, Figure]]] = []
    for number in range(1, rounds + 1):
        found: dict[str, dict[str, Figure]] = {}
        for sender in sorted(senders, reverse=bool(number % 2)):
            with make() as sink:
                told = senders[sender](sink)
            found[sender] = _figures(told, sink, mails)
            yield Row(f"{sender} → {name}, round {number}", found[sender])
        taken.append(found)
    for sender in senders:
        middle = {key: round(median(float(one[sender][key]) for one in taken), 3) for key in taken[0][sender]}
        yield Row(f"{sender} → {name}, median of {rounds}", dict(middle))
    for sender in senders.keys() - {SOURCE}:
        ratios = [float(one[sender]["mails/s"]) / float(one[SOURCE]["mails/s"]) for one in taken]
        yield Row(
            f"{sender} ÷ {SOURCE}, {name}",
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
