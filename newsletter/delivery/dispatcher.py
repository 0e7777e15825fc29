"""The seam to whoever hands out batches: the embedded walk here, a job queue among many machines."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

from sqlmodel import Session

from newsletter.values import BatchKey

Deliver = Callable[[BatchKey], Coroutine[Any, Any, None]]


class Dispatcher(Protocol):
    def enqueue(self, session: Session, batches: Sequence[BatchKey]) -> None:
        """Called inside the transaction that plans the batches, so that both appear together."""
        ...

    async def run(self, deliver: Deliver) -> None:
        """Hand batches to `deliver` until there is no more to do, or a stop was asked for."""
        ...
