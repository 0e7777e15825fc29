"""The seam to whoever hands out batches: the embedded walk, or Procrastinate among many machines."""

from __future__ import annotations

import threading
from typing import Protocol

from sqlmodel import Session

from newsletter.delivery.engine import Engine


class Dispatcher(Protocol):
    def enqueue(self, session: Session, edition_id: int) -> None:
        """Called inside the transaction that plans an edition's batches, so that both appear together."""
        ...

    async def run(self, engine: Engine, stop: threading.Event, *, until_idle: bool) -> None:
        """Hand due batches to the engine until `stop`; with `until_idle`, until none can be sent now."""
        ...
