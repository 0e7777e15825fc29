"""Several workers on one machine: a process each, looked after by one that does nothing else.

Python uses one core a process; so many cores, so many workers.
"""

from __future__ import annotations

import threading
from multiprocessing import connection, get_context, parent_process
from multiprocessing.context import SpawnProcess

from newsletter import logs
from newsletter.cli.options import options
from newsletter.clock import Clock

PAUSE = 5.0  # seconds before a worker that ended is replaced

log = logs.get(__name__)


class Fleet:
    """Keeps `count` workers at work; one that dies is replaced."""

    def __init__(self, count: int, clock: Clock, stop: threading.Event) -> None:
        self._clock = clock
        self._stop = stop
        self._workers: list[SpawnProcess | None] = [None] * count

    def run(self) -> None:
        """Until `stop`; then each worker is asked to come to a good end, and waited for."""
        while not self._stop.is_set():
            for number, worker in enumerate(self._workers):
                if worker is None or not worker.is_alive():
                    if worker is not None:
                        log.error("worker_ended", number=number + 1, code=worker.exitcode)
                    self._workers[number] = self._start()
            self._stop.wait(PAUSE)
        started = [worker for worker in self._workers if worker is not None]
        for worker in started:
            worker.terminate()
        for worker in started:
            worker.join()

    def _start(self) -> SpawnProcess:
        said = options()
        words = ["worker", "--quiet"]
        words += ["--config", str(said.config)] if said.config else []
        words += ["--now", self._clock.now().isoformat()] if said.now else []
        worker = get_context("spawn").Process(target=_work, args=(words,))
        worker.start()
        return worker


def _work(words: list[str]) -> None:
    from newsletter.cli import main  # the whole command line, of which this file is a part

    main(words)


def follow_parent(stop: threading.Event) -> None:
    """Set `stop` when the process that started this one is gone; nobody would look after it any more."""
    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        connection.wait([parent.sentinel])
        stop.set()

    threading.Thread(target=watch, name="parent", daemon=True).start()
