"""Compiling an edition, which happens once, and filling it, which happens for every reader."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import isgenerator
from statistics import median
from types import ModuleType
from typing import Any

from bench.meter import Row, Stopwatch
from newsletter.mail.message import Compiled
from newsletter.render import compile as pipeline
from newsletter.render import gate
from newsletter.render.theme import Theme, load_theme
from newsletter.values import Recipient, Rendition
from tests.render.sample import many

# The stations of the pipeline, each where `compile` finds it
STEPS: dict[str, tuple[tuple[type | ModuleType, str], ...]] = {
    "jinja": ((Theme, "render"),),
    "mrml": ((pipeline, "to_html"),),
    "premailer": ((pipeline, "inline"),),
    "gate": ((gate, "html_findings"), (gate, "text_findings"), (gate, "size_findings")),
    "cut": ((pipeline, "split"),),
}
WARM = 9  # compilations after the first


def rendition(stories: int) -> Rendition:
    return pipeline.compile_edition(many(stories), load_theme("default"))


def compiling(stories: int) -> Row:
    """The first compilation reads the theme from disk, as each edition's does; the others know it."""
    theme, view = load_theme("default"), many(stories)
    totals: list[float] = []
    steps: list[dict[str, float]] = []
    for _ in range(1 + WARM):
        with _timed_steps() as spent:
            started = time.perf_counter()
            pipeline.compile_edition(view, theme)
            totals.append(time.perf_counter() - started)
        steps.append(dict(spent))
    known = {f"{name} ms": round(1e3 * median(step[name] for step in steps[1:]), 1) for name in STEPS}
    return Row(
        f"compile, {stories} stories",
        {"first ms": round(1e3 * totals[0], 1), "again ms": round(1e3 * median(totals[1:]), 1), **known},
    )


def filling(compiled: Compiled, readers: int) -> Row:
    """Both parts and all headers, for one reader after another."""
    people = [
        Recipient(number, f"reader{number}@readers.example", f"Zoë Reader {number}", 1, number)
        for number in range(1, readers + 1)
    ]
    watch = Stopwatch()
    for person in people:
        mail = compiled.fill(person)
    cost = watch.read()
    return Row(
        f"fill, {len(mail):,} bytes a mail",
        {
            "µs": round(1e6 * cost.wall / readers, 1),
            "CPU µs": round(1e6 * cost.cpu / readers, 1),
            "other cores": round(cost.others(), 2),
        },
    )


@contextmanager
def _timed_steps() -> Iterator[dict[str, float]]:
    spent = dict.fromkeys(STEPS, 0.0)
    originals = [(owner, name, getattr(owner, name)) for places in STEPS.values() for owner, name in places]
    for step, places in STEPS.items():
        for owner, name in places:
            setattr(owner, name, _timed(getattr(owner, name), spent, step))
    try:
        yield spent
    finally:
        for owner, name, original in originals:
            setattr(owner, name, original)


def _timed(function: Callable[..., Any], spent: dict[str, float], step: str) -> Callable[..., Any]:
    def timed(*args: Any, **named: Any) -> Any:
        started = time.perf_counter()
        result = function(*args, **named)
        if isgenerator(result):
            result = list(result)
        spent[step] += time.perf_counter() - started
        return result

    return timed
