"""A send, watched: a bar on a terminal, a line now and then elsewhere, JSON lines for machines."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from newsletter.cli.console import err
from newsletter.cli.options import options
from newsletter.clock import monotonic
from newsletter.runtime import Runtime
from newsletter.services.sending import progress
from newsletter.values import Sums

EVERY = 0.5  # seconds between two looks at the ledger, for a bar
EVERY_LINE = 5.0  # and for lines

Show = Callable[[Sums, float], None]


@contextmanager
def follow(runtime: Runtime, edition_id: int, name: str) -> Iterator[None]:
    """Show how the edition's deliveries stand while the block runs; figures come from the ledger."""
    said = options()
    if said.quiet:
        yield
        return
    if said.json:
        with _watch(runtime, edition_id, EVERY_LINE, _json_line(name)):
            yield
    elif err().is_terminal:
        with _bar(name) as show, _watch(runtime, edition_id, EVERY, show):
            yield
    else:
        with _watch(runtime, edition_id, EVERY_LINE, _line(name)):
            yield


@contextmanager
def _watch(runtime: Runtime, edition_id: int, every: float, show: Show) -> Iterator[None]:
    done = threading.Event()
    began = monotonic()
    _, first = progress(runtime, edition_id)
    settled_before = _settled(first)

    def look() -> None:
        _, sums = progress(runtime, edition_id)
        seconds = max(0.001, monotonic() - began)
        show(sums, (_settled(sums) - settled_before) / seconds)

    def watch() -> None:
        while not done.wait(every):
            look()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        look()


@contextmanager
def _bar(name: str) -> Iterator[Show]:
    columns = (
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=err()) as bar:
        task = bar.add_task(name, rate="")

        def show(sums: Sums, rate: float) -> None:
            bar.update(task, total=sums.total, completed=_settled(sums), rate=f"{rate:.0f}/s")

        yield show


def _line(name: str) -> Show:
    def show(sums: Sums, rate: float) -> None:
        left = (sums.total - _settled(sums)) / rate if rate else 0
        err().print(f"{name}: {_settled(sums)} of {sums.total}, {rate:.0f}/s, {left:.0f} s left")

    return show


def _json_line(name: str) -> Show:
    def show(sums: Sums, rate: float) -> None:
        line = {"edition": name, "settled": _settled(sums), "total": sums.total, "per_second": round(rate, 1)}
        sys.stderr.write(json.dumps(line) + "\n")

    return show


def _settled(sums: Sums) -> int:
    return sums.total - sums.queued - sums.deferred
