"""Walks batches: in this process, for as long as there are any or until it is told to stop."""

from __future__ import annotations

import asyncio
import threading

from newsletter.delivery.engine import Engine
from newsletter.errors import Misuse
from newsletter.runtime import Runtime
from newsletter.services.sending import compose


def deliver(runtime: Runtime, stop: threading.Event, *, until_idle: bool) -> None:
    """Deliver what is due; with `until_idle` return once nothing can be sent now.

    Where another process holds the delivery lease, or workers live, they deliver, and this returns at
    once (`until_idle`); else it waits for the lease, or is one more worker. Raises RelayFailed and
    StoreFailed when the world fails.
    """
    if not runtime.settings.relays:
        raise Misuse("No relay is configured.", next_step="add a [[relays]] part to the configuration")
    asyncio.run(_deliver(runtime, stop, until_idle=until_idle))


async def _deliver(runtime: Runtime, stop: threading.Event, *, until_idle: bool) -> None:
    async with Engine(
        runtime.database,
        runtime.clock,
        runtime.settings.sending,
        runtime.settings.relays,
        lambda number: compose(runtime, number),
    ) as engine:
        await runtime.dispatcher.run(engine, stop, until_idle=until_idle)
