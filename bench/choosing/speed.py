"""How long grouping and choosing take, and how much memory, each time in a process that knows nothing yet.

    python -m bench.choosing.speed COUNT          so many invented articles
    python -m bench.choosing.speed COUNT FOLDER   the folder's own, whatever COUNT says

The program remembers stems, forms and its last groupings, so a second round in the same process is
another thing: it is what the scheduler sees when one article has come in since.
"""

from __future__ import annotations

import argparse
import gc
import json
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from bench.choosing import invented, sample
from bench.meter import Cost, Row, Stopwatch, peak_memory
from newsletter.models import Slot
from newsletter.selection import Grouping, choose, group
from newsletter.selection.rules import Rules, Use
from newsletter.values import Candidate
from tests.newsroom import NINE


def speed(count: int, folder: Path | None, runs: int) -> Row:
    """The median of so many processes."""
    told = [_run(count, folder) for _ in range(runs)]
    middle = {name: median(each[name] for each in told) for name in told[0]}
    what = "the folder's feeds" if folder else "invented articles"
    return Row(f"{middle.pop('articles'):,.0f} {what}", {n: round(value, 3) for n, value in middle.items()})


def _run(count: int, folder: Path | None) -> dict[str, Any]:
    words = [str(count), *([str(folder)] if folder else [])]
    command = [sys.executable, "-m", "bench.choosing.speed", *words]
    return dict(json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("count", type=int)
    parser.add_argument("folder", type=Path, nargs="?")
    given = parser.parse_args()
    # Made elsewhere: memory that was freed here before would be used again, and not count
    with ProcessPoolExecutor(1) as elsewhere:
        made = (
            elsewhere.submit(_real, given.folder)
            if given.folder
            else elsewhere.submit(invented.candidates, given.count, NINE)
        )
        found = made.result()
    sys.stdout.write(json.dumps(_measured(found)) + "\n")


def _real(folder: Path) -> list[Candidate]:
    with sample.opened(folder) as gathered, gathered.room.opened() as runtime:
        return list(sample.pool(runtime))


def _measured(candidates: Sequence[Candidate]) -> dict[str, float]:
    rules = _rules(candidates)
    before = _forget_the_peak()
    grouping, grouped = _group(candidates)
    chosen = _choose(candidates, rules, grouping)
    peak = peak_memory() - before
    changed = [replace(candidates[0], title="A headline that was mended"), *candidates[1:]]
    grouping, regrouped = _group(changed)
    rechosen = _choose(changed, rules, grouping)
    return {
        "articles": len(candidates),
        "group s": grouped.wall,
        "choose s": chosen.wall,
        "both CPU s": grouped.cpu + chosen.cpu,
        "again s": regrouped.wall + rechosen.wall,
        "peak MB": peak,
        "stories of two and more": len(grouping.stories),
        "other cores": grouped.others(),
    }


def _group(candidates: Sequence[Candidate]) -> tuple[Grouping, Cost]:
    watch = Stopwatch()
    grouping = group(candidates)
    return grouping, watch.read()


def _choose(candidates: Sequence[Candidate], rules: Rules, grouping: Grouping) -> Cost:
    watch = Stopwatch()
    choice = choose(candidates, rules, grouping=grouping, due_at=NINE, closed_at=NINE, went_out={})
    cost = watch.read()
    headlines = sum(placement.slot is Slot.HEADLINES for placement in choice.placements)
    assert headlines == rules.max_stories, "a full edition"
    return cost


def _rules(candidates: Sequence[Candidate]) -> Rules:
    """Every feed is used, in one of six sections."""
    feeds = sorted({carried.feed for candidate in candidates for carried in candidate.carried_by})
    sections = invented.SECTIONS
    return Rules(
        uses=tuple(Use(feed, sections[place % len(sections)]) for place, feed in enumerate(feeds)),
        sections=sections,
    )


def _forget_the_peak() -> float:
    """The memory in use, in MB; from here on the peak is counted anew, where the kernel does that."""
    gc.collect()
    mark = Path("/proc/self/clear_refs")
    if mark.exists():
        mark.write_text("5")
    return peak_memory()


if __name__ == "__main__":
    main()
