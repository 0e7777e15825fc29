"""End to end: the real engine with its durable ledger, between two goes of a naive sender.

Sender and sink are processes of their own. The sink is a new one each time, and counts what it took.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from bench.meter import Cost, Figure, Row
from bench.room import frozen_edition, import_readers, newsroom
from newsletter.render.compile import neutral_html, plain_text
from newsletter.values import Rendition
from tests.newsroom import Newsroom


def sending(
    store: str, readers: int, connections: int, naive_mails: int, rendition: Rendition, profile: Path | None
) -> Iterator[Row]:
    with newsroom(store, connections=connections) as room:
        with room.opened() as runtime:
            import_readers(runtime, room.folder, readers)
            frozen_edition(runtime, rendition)
        _write_templates(room.folder, rendition)
        before = _naive(room.folder, naive_mails)
        ours = _engine(room, readers, profile)
        after = _naive(room.folder, naive_mails)
    yield Row("naive sender, before", before)
    yield Row(f"engine, {readers:,} readers, {connections} connections, {store}", ours)
    yield Row("naive sender, after", after)
    yield Row("engine against naive", _ratios(ours, before, after))


def _engine(room: Newsroom, readers: int, profile: Path | None) -> dict[str, Figure]:
    words = ["--profile", str(profile)] if profile else []
    with Sink() as sink:
        room.configure(relay_port=sink.port)
        told = run_module("bench.sender", str(room.config), *words)
    assert sink.taken["mails"] == readers == room.counts()["sent"], "somebody was lost, or mailed twice"
    return _figures(told, sink, readers) | {
        "loop CPU ms a mail": round(1e3 * told["loop"] / readers, 3),
        "commits a 1,000 mails": round(1e3 * told["commits"] / readers, 1),
    }


def _naive(folder: Path, mails: int) -> dict[str, Figure]:
    with Sink() as sink:
        told = run_module("bench.naive", str(folder), str(sink.port), str(mails))
    assert sink.taken["mails"] == mails
    return _figures(told, sink, mails)


def _figures(told: dict[str, float], sink: Sink, mails: int) -> dict[str, Figure]:
    cost = Cost(told["wall"], told["cpu"], told["busy"])
    return {
        "mails/s": round(mails / cost.wall, 1),
        "CPU ms a mail": round(1e3 * cost.cpu / mails, 3),
        "peak MB": round(told["peak"], 1),
        "bytes a mail": round(sink.taken["bytes"] / mails),
        "sink CPU ms a mail": round(1e3 * sink.taken["cpu"] / mails, 3),
        "other cores": round(cost.others(sink.taken["cpu"]), 2),
    }


def _ratios(ours: dict[str, Figure], *naive: dict[str, Figure]) -> dict[str, Figure]:
    def ratio(figure: str) -> float:
        return float(ours[figure]) * len(naive) / sum(float(each[figure]) for each in naive)

    return {"speed ×": round(ratio("mails/s"), 1), "CPU a mail ÷": round(1 / ratio("CPU ms a mail"), 1)}


def _write_templates(folder: Path, rendition: Rendition) -> None:
    marks = {hole: f"{{{{ {hole} }}}}" for hole in (*rendition.html.holes, *rendition.text.holes)}
    (folder / "mail.html").write_text(neutral_html(rendition, marks), encoding="utf-8")
    (folder / "mail.txt").write_text(plain_text(rendition, marks), encoding="utf-8")


class Sink:
    """The sink's process, from `with` to its end; `taken` is what it said then."""

    def __enter__(self) -> Sink:
        self._process = subprocess.Popen([sys.executable, "-m", "bench.sink"], stdout=subprocess.PIPE)
        self.port = int(self._said()["port"])
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        self.taken = self._said()
        self._process.wait()
        self._out.close()

    @property
    def _out(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout

    def _said(self) -> dict[str, Any]:
        return dict(json.loads(self._out.readline()))


def run_module(module: str, *words: str) -> dict[str, Any]:
    """Run a module to its end, and give the object that it printed."""
    command = [sys.executable, "-m", module, *words]
    return dict(json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout))
