"""Grades, times and shows what the program chooses from a folder of feeds.

python -m bench.choosing FOLDER
python -m bench.choosing FOLDER --only grading --json
python -m bench.choosing FOLDER --only pages --pages /tmp/pages
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.choosing.grading import Graded, Pairs, grade
from bench.choosing.pages import write_pages
from bench.choosing.sample import Item, opened
from bench.choosing.speed import speed
from bench.meter import machine, program
from newsletter.clock import machine_now

PARTS = ("grading", "speed", "pages")
RESULTS = Path(__file__).parent / "results"


def main() -> None:
    given = _arguments()
    started, about = machine_now(), machine()
    told: dict[str, Any] = {
        "at": started.isoformat(timespec="seconds"),
        "program": program(),
        "machine": about,
    }
    kept = dict(told)
    with opened(given.folder) as sample:
        if "grading" in given.only:
            graded = grade(sample)
            told |= _graded(graded, with_titles=True)
            kept |= _graded(graded, with_titles=False)
        if "pages" in given.only and given.pages:
            told["pages"] = kept["pages"] = [asdict(row) for row in write_pages(sample, given.pages)]
    if "speed" in given.only:
        rows = [
            speed(0, given.folder, given.runs),
            *(speed(count, None, given.runs) for count in given.articles),
        ]
        told["speed"] = kept["speed"] = [asdict(row) for row in rows]
    _print(told, as_json=given.json)
    _keep(kept, given.out / f"{started:%Y-%m-%dT%H%M%S}.json")


def _graded(graded: Graded, *, with_titles: bool) -> dict[str, Any]:
    def named(pairs: Pairs) -> list[list[str]]:
        return [[_named(item, with_titles) for item in pair] for pair in pairs]

    return {
        "grading": [asdict(row) for row in graded.rows],
        "missed": named(graded.missed),
        "false": named(graded.false),
    }


def _named(item: Item, with_title: bool) -> str:
    """Headlines are others' work: they are shown, and not kept."""
    unsure = " (unsure)" if item.is_unsure else ""
    return f"{item.name}{unsure}: {item.title}" if with_title else f"{item.name}{unsure}"


def _print(told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(told, indent=1, ensure_ascii=False))
        return
    print(*(f"{name}: {value}" for name, value in told["machine"].items()), sep=" · ")
    for part in PARTS:
        _print_rows(told.get(part, ()))
    for kind in ("missed", "false"):
        for one, other in told.get(kind, ()):
            print(f"{kind:<7}{one}\n       {other}")


def _print_rows(rows: Iterable[dict[str, Any]]) -> None:
    for row in rows:
        figures = (f"{name} {value:,}" for name, value in row["figures"].items())
        print(f"{row['what']:<28}", " · ".join(figures))


def _keep(kept: dict[str, Any], file: Path) -> None:
    file.parent.mkdir(exist_ok=True, parents=True)
    file.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Grade, time and show what is chosen from a folder of feeds."
    )
    parser.add_argument("folder", type=Path, help="with feeds/ and choosing/labels.json")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument(
        "--articles", type=int, nargs="+", default=(500, 5_000), help="to invent, each a round"
    )
    parser.add_argument("--runs", type=int, default=3, help="of each measurement of speed; the median counts")
    parser.add_argument("--pages", type=Path, metavar="DIR", help="write three editions there to look at")
    parser.add_argument("--json", action="store_true", help="print one object instead of lines")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the raw figures")
    return parser.parse_args()


if __name__ == "__main__":
    main()
