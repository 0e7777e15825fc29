"""The real engine in a process of its own: delivers what is due, and says what that cost.

    python -m bench.sender CONFIG [--profile FILE]

The event loop (filling, SMTP) runs in the main thread and the ledger in others, so the main thread's
CPU is told apart. A profile covers the main thread, slows it down, and is for reading, not for figures.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import sys
import threading
import time
from collections import Counter
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path

from sqlalchemy import event

from bench.meter import Stopwatch, peak_memory
from newsletter.clock import Clock
from newsletter.config import load_settings
from newsletter.runtime import open_runtime
from newsletter.worker import deliver
from tests.people import NINE


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("config", type=Path)
    parser.add_argument("--profile", type=Path)
    given = parser.parse_args()
    runtime = open_runtime(load_settings(given.config, {}, given.config.parent), Clock(NINE))
    commits = Counter[str]()
    event.listen(runtime.database.engine, "commit", lambda _: commits.update(["made"]))
    watch, loop = Stopwatch(), time.thread_time()
    profile = cProfile.Profile() if given.profile else None
    with profile or nullcontext():
        deliver(runtime, threading.Event(), until_idle=True)
    cost, loop = watch.read(), time.thread_time() - loop
    if profile:
        profile.dump_stats(given.profile)
    told = asdict(cost) | {"loop": loop, "commits": commits["made"], "peak": peak_memory()}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
