"""Walks batches: in this process, for as long as there are any or until it is told to stop."""

from __future__ import annotations

import asyncio
import threading

from newsletter.delivery.embedded import EmbeddedDispatcher
from newsletter.delivery.engine import Engine
from newsletter.errors import Misuse
from newsletter.runtime import Runtime
from newsletter.services.sending import compose


def deliver(runtime: Runtime, stop: threading.Event, *, until_idle: bool) -> None:
    """Deliver what is due; with `until_idle` return once nothing can be sent now.

    Where another process holds the delivery lease, it delivers, and this returns at once
    (`until_idle`) or waits for the lease. Raises RelayFailed and StoreFailed when the world fails.
    """
    if not runtime.settings.relays:
        raise Misuse("No relay is configured.", next_step="add a [[relays]] part to the configuration")
    asyncio.run(_deliver(runtime, stop, until_idle=until_idle))


async def _deliver(runtime: Runtime, stop: threading.Event, *, until_idle: bool) -> None:
    sending = runtime.settings.sending
    async with Engine(
        runtime.database,
        runtime.clock,
        sending,
        runtime.settings.relays,
        lambda number: compose(runtime, number),
        lanes=runtime.settings.lanes,
    ) as engine:
        dispatcher = EmbeddedDispatcher(
            runtime.database, runtime.clock, engine, stop,
            batches_at_once=sending.batches_at_once, until_idle=until_idle,
        )  # fmt: skip
        await dispatcher.run(engine.deliver)
