"""Three workers, one lane: whether all together they keep its rate, and what asking for it costs.

    python -m bench.pacing [--rate 500] [--seconds 10] [--workers 3]

Each worker is a process of its own with a pace of its own, on one PostgreSQL; it asks for mail as a batch
does, and sends none.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
from pathlib import Path

from bench.meter import Stopwatch, machine, program
from bench.room import newsroom
from newsletter.clock import machine_now, monotonic
from newsletter.config import Lane, Relay
from newsletter.delivery.pace import Pace
from newsletter.store.database import Database

MAIN = Relay(name="main", host="127.0.0.1", tls="none")
RESULTS = Path(__file__).parent / "results"
TO_START = 15.0  # seconds that all workers have to start in; then they begin together
AT_ONCE = 50  # rows that a batch would begin


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how well three workers keep one lane's rate.")
    parser.add_argument("--rate", type=float, default=500.0)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--work", metavar="URL", help="be one of the workers")
    parser.add_argument("--begin", type=float, help="when it begins, as the machine's monotonic clock has it")
    given = parser.parse_args()
    if given.work:
        print(json.dumps(asyncio.run(_work(given.work, given.rate, given.seconds, given.begin))))
        return
    started = machine_now()
    about = {"at": started.isoformat(timespec="seconds"), "program": program(), "machine": machine()}
    with newsroom("postgresql") as room, room.opened() as runtime:
        url = runtime.settings.database.url
        words = [sys.executable, "-m", "bench.pacing", "--work", url]
        words += ["--rate", str(given.rate), "--seconds", str(given.seconds)]
        words += ["--begin", str(monotonic() + TO_START)]
        workers = [subprocess.Popen(words, stdout=subprocess.PIPE) for _ in range(given.workers)]
        told = [json.loads(worker.communicate()[0]) for worker in workers]
    first, last = min(one["began"] for one in told), max(one["ended"] for one in told)
    given_out = sum(one["given"] for one in told)
    rate = given_out / (last - first)
    result = about | {"rate": given.rate, "kept": round(rate, 1), "workers": told}
    file = RESULTS / f"{started:%Y-%m-%dT%H%M%S}.json"
    file.write_text(json.dumps(result, indent=1) + "\n")
    print(f"→ {file}")
    print(f"{given_out} in {last - first:.2f} s: {rate:.1f} a second, {100 * rate / given.rate - 100:+.1f} %")


async def _work(url: str, rate: float, seconds: float, begin: float) -> dict[str, float]:
    pace = Pace(Database(url), [MAIN], [Lane(name="gmail", rate=rate)])
    await pace.take("gmail", "main", 1)  # connects
    await asyncio.sleep(begin - monotonic())
    watch, began, given, asked = Stopwatch(), monotonic(), 0, 0
    while monotonic() - began < seconds:
        given += await pace.take("gmail", "main", AT_ONCE)
        asked += 1
        await asyncio.sleep(pace.pause("gmail", "main"))
    cost = watch.read()
    return {
        "began": began, "ended": monotonic(), "given": given, "asked": asked,
        "CPU ms a request": round(1e3 * cost.cpu / asked, 3), "other cores": round(cost.others(), 2),
    }  # fmt: skip


if __name__ == "__main__":
    main()
