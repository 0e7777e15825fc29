"""A command that stays is told to stop, by whichever of its threads the signal comes."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

from newsletter.cli.signals import stopping
from newsletter.clock import monotonic
from newsletter.serving import Parts
from tests.newsroom import Newsroom

LONG = 20.0


def test_a_signal_that_came_by_another_thread_is_answered(tmp_path: Path, sqlite_url: str) -> None:
    """As after SIGCONT and SIGTERM in one breath: the main thread is not woken, but it must not sleep on."""
    with Newsroom(tmp_path, sqlite_url, 25).opened() as runtime, stopping() as stop:
        begun_at = monotonic()
        late = threading.Timer(LONG, stop.set)
        late.start()
        with Parts(runtime, stop) as parts:
            threading.Timer(0.2, lambda: signal.pthread_kill(threading.get_ident(), signal.SIGTERM)).start()
            parts.stay()
        late.cancel()
    assert monotonic() - begun_at < LONG / 2
