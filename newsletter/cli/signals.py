"""Ctrl-C and SIGTERM ask a command to come to a good end instead of tearing it down."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C or SIGTERM sets; a second Ctrl-C tears the command down."""
    stop = threading.Event()

    def ask(number: int, _frame: object) -> None:
        if number == signal.SIGINT:
            signal.signal(number, signal.default_int_handler)
        # In a thread of its own: the signal may have come while the main thread holds the event's lock
        threading.Thread(target=stop.set, name="stop").start()

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
