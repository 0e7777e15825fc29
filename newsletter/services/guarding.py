"""One `serve` at a time on a SQLite file: two would take turns at its lock and both be late.

On PostgreSQL any number may serve; there the delivery lease alone decides who delivers.
"""

from __future__ import annotations

import threading
from types import TracebackType

from newsletter.clock import monotonic
from newsletter.errors import Refused
from newsletter.runtime import Runtime
from newsletter.store import leases

NAME = "serve"
BEAT = 5.0  # seconds


class Guard:
    """Holds the `serve` lease while the block runs.

    Raises Refused while another process lives; one that has fallen silent is waited for, at most
    thirty seconds.
    """

    def __init__(self, runtime: Runtime, stop: threading.Event) -> None:
        self._runtime = runtime
        self._stop = stop
        self._me = leases.this_process()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="guard", daemon=True)

    def __enter__(self) -> Guard:
        if self._runtime.database.is_sqlite:
            self._acquire()
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runtime.database.is_sqlite:
            self._done.set()
            self._thread.join()
            with self._runtime.database.writing() as session:
                leases.release(session, NAME, self._me)

    def _acquire(self) -> None:
        until = monotonic() + leases.SILENCE.total_seconds() + 1
        while True:
            with self._runtime.database.writing() as session:
                holder = leases.acquire(session, NAME, self._me)
                silent_for = leases.silent_for(session, NAME)
            if holder is None:
                return
            if silent_for < 2 * BEAT or monotonic() > until or self._stop.wait(1):
                raise Refused(
                    f"Another `newsletter serve` (process {holder.process.split(' ')[0]}) has this store.",
                    next_step="stop it first, or use PostgreSQL, where several may serve",
                )

    def _beat(self) -> None:
        while not self._done.wait(BEAT):
            with self._runtime.database.writing() as session:
                leases.beat(session, NAME, self._me)
