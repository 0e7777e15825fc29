"""What something cost: wall time, CPU time, memory, and how busy everybody else was meanwhile.

Figures are told as a table to whoever waits, and kept as JSON for later comparison.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

Figure = float | int | str
RESULTS = Path(__file__).parent / "results"
NO_SETTINGS = ("out", "profile", "postfix")  # of a command line: they say where things lie


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the result: what was measured, and its figures, each name ending in its unit."""

    what: str
    figures: dict[str, Figure]


@dataclass(frozen=True, slots=True)
class Cost:
    """All in seconds: by the clock on the wall, of this process's CPU, and of all busy cores together."""

    wall: float
    cpu: float
    busy: float

    def others(self, also: float = 0.0) -> float:
        """Cores kept busy by everybody else; `also` are CPU seconds of further processes of ours."""
        return max(0.0, (self.busy - self.cpu - also) / self.wall)


class Stopwatch:
    """Runs from its making."""

    def __init__(self) -> None:
        self._wall, self._cpu, self._busy = time.perf_counter(), time.process_time(), _busy()

    def read(self) -> Cost:
        return Cost(time.perf_counter() - self._wall, time.process_time() - self._cpu, _busy() - self._busy)


def report(rows: Iterable[Row], given: argparse.Namespace, started: datetime) -> None:
    """Print each row as it is measured, and at the end write all of them to the folder `given.out`."""
    about, told = machine(), []
    print(*(f"{name}: {value}" for name, value in about.items()), sep=" · ")
    for row in rows:
        print(f"{row.what:<56}", " · ".join(map(_figure, row.figures.items())), flush=True)
        told.append(asdict(row))
    settings = {name: value for name, value in vars(given).items() if name not in NO_SETTINGS}
    at = started.isoformat(timespec="seconds")
    result = {"at": at, "program": program(), "machine": about, "settings": settings, "rows": told}
    given.out.mkdir(exist_ok=True, parents=True)
    file = given.out / f"{started:%Y-%m-%dT%H%M%S}.json"
    file.write_text(json.dumps(result, indent=1) + "\n")
    print(f"→ {file}")


def _figure(named: tuple[str, Figure]) -> str:
    name, value = named
    return f"{name} {value}" if isinstance(value, str) else f"{name} {value:,}"


def peak_memory() -> float:
    """The most memory that this process ever had, in MB.

    The kernel's own mark, where there is one: getrusage also counts what the parent had when it forked.
    """
    status = Path("/proc/self/status")
    if status.exists():
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(fields["VmHWM"].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def machine() -> dict[str, Figure]:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "cpu": models[0] if models else platform.processor(),
        "cores": os.cpu_count() or 1,
        "load at the start": round(os.getloadavg()[0], 2),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def program() -> str:
    """The commit that was measured, with a `+` when files differ from it."""
    words = ["git", "describe", "--always", "--dirty=+"]
    described = subprocess.run(words, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return described.stdout.strip()


def _busy() -> float:
    """CPU seconds of all cores since boot that were not idle; 0 where the system does not tell."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return 0.0
    user, nice, system, _idle, _waiting, irq, softirq, *_ = map(int, stat.read_text().split()[1:9])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")
