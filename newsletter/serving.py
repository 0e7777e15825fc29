"""Web, scheduler, delivery and letters, together or apart, each restarted should it stumble."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from newsletter import logs
from newsletter.errors import NewsletterError
from newsletter.runtime import Runtime
from newsletter.scheduler import Scheduler
from newsletter.worker import carry_letters, deliver

if TYPE_CHECKING:
    from newsletter.web.server import WebServer

AFTER_TROUBLE = 5.0  # seconds before a part that failed is started again
LOOK = 1.0  # seconds between two looks whether a signal has come by another thread

log = logs.get(__name__)


class Parts:
    """Runs between `with` and its end; `stop` may be set by anybody to end it early."""

    def __init__(
        self, runtime: Runtime, stop: threading.Event, web: WebServer | None = None, *,
        scheduler: bool = False, delivery: bool = False, letters: bool = False,
    ) -> None:  # fmt: skip
        self._runtime = runtime
        self._stop = stop
        self._web = web
        self._scheduler = scheduler
        self._delivery = delivery
        self._letters = letters
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Parts:
        if self._web is not None:
            self._web.start()
        if self._scheduler:
            self._keep_running("scheduler", Scheduler(self._runtime, self._stop).run)
        if self._delivery:
            self._keep_running("delivery", lambda: deliver(self._runtime, self._stop, until_idle=False))
        if self._letters:
            self._keep_running("letters", lambda: carry_letters(self._runtime, self._stop))
        return self

    def __exit__(self, *_: object) -> None:
        """Wait for what is on the wire, so that nothing is left in doubt."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        if self._web is not None:
            self._web.stop()

    def stay(self) -> None:
        """Until told to stop. For the main thread, which alone answers signals.

        It looks each second: a signal may reach the process by another of its threads, such as one that is
        woken from a halt and asked to stop in one breath, and then nothing wakes this one.
        """
        while not self._stop.wait(LOOK):
            pass

    def _keep_running(self, name: str, part: Callable[[], None]) -> None:
        """Nine o'clock must not miss a thread: trouble is told, and the part begins anew."""

        def run() -> None:
            while not self._stop.is_set():
                try:
                    part()
                except NewsletterError as error:
                    log.error("part_failed", part=name, why=error.sentence)
                except Exception:
                    log.exception("part_failed", part=name)
                self._stop.wait(AFTER_TROUBLE)

        thread = threading.Thread(target=run, name=name)
        thread.start()
        self._threads.append(thread)
