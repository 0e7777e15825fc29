"""The only place that knows what time it is.

Everybody else is given a `Clock` or an instant. A clock may start at another moment (`--now`) and
runs on from there at the usual speed; leases and heartbeats use `machine_now`, which no `--now`
moves, because they are about processes and not about news.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta


class Clock:
    """Real time, shifted so that it reads `start` at the moment of construction."""

    def __init__(self, start: datetime | None = None) -> None:
        self._shift = start.astimezone(UTC) - machine_now() if start else timedelta(0)
        self.is_moved = start is not None

    def now(self) -> datetime:
        """The present instant, in UTC."""
        return machine_now() + self._shift

    def on_machine(self, instant: datetime) -> datetime:
        """The machine's time at which this clock will read `instant`."""
        return instant - self._shift

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        """Sleep until `stop` is set (True) or `seconds` have passed (False)."""
        return stop.wait(max(0.0, seconds))

    def wait_until(self, instant: datetime, stop: threading.Event) -> bool:
        """Sleep until `instant`, or until `stop` is set (True)."""
        return self.wait((instant - self.now()).total_seconds(), stop)


def machine_now() -> datetime:
    """The machine's own idea of now, in UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Seconds that never jump; for durations only."""
    return time.monotonic()
