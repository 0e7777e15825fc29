"""Walks batches and carries letters: in this process, for as long as there are any or until it is told to
stop."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

from newsletter.delivery.engine import Engine
from newsletter.delivery.letters import Courier
from newsletter.errors import Misuse
from newsletter.runtime import Runtime
from newsletter.services import lettering
from newsletter.services.sending import compose


def deliver(runtime: Runtime, stop: threading.Event, *, until_idle: bool) -> None:
    """Deliver what is due; with `until_idle` return once nothing can be sent now.

    Where another process holds the delivery lease, or workers live, they deliver, and this returns at
    once (`until_idle`); else it waits for the lease, or is one more worker. Raises RelayFailed and
    StoreFailed when the world fails.
    """
    _need_relays(runtime)
    asyncio.run(_deliver(runtime, stop, until_idle=until_idle))


def carry_letters(runtime: Runtime, stop: threading.Event, closing: threading.Event | None = None) -> None:
    """Carry the letters that are asked for, until `stop`, or until `closing` is set and none can go now.

    Where another process is the courier, this waits to take its place. Letters that no relay takes wait
    for their next attempt. Raises StoreFailed.
    """
    _need_relays(runtime)
    courier = Courier(
        runtime.database, runtime.clock, runtime.settings.relays,
        lambda letter: lettering.compose(runtime, letter), stop, closing or threading.Event(),
        keep=timedelta(seconds=runtime.settings.retention.letters),
    )  # fmt: skip
    asyncio.run(courier.run())


@contextmanager
def letters_beside(runtime: Runtime, stop: threading.Event) -> Iterator[None]:
    """Carry letters for as long as the block runs, and at its end those that were asked for in it."""
    closing = threading.Event()
    with ThreadPoolExecutor(1, "letters") as beside:
        carried = beside.submit(carry_letters, runtime, stop, closing)
        try:
            yield
        finally:
            closing.set()
            runtime.database.letters_asked.set()  # it need not wait for its next look
    carried.result()


def _need_relays(runtime: Runtime) -> None:
    if not runtime.settings.relays:
        raise Misuse("No relay is configured.", next_step="add a [[relays]] part to the configuration")


async def _deliver(runtime: Runtime, stop: threading.Event, *, until_idle: bool) -> None:
    # What is there by now stays, and would be looked through for garbage again and again while mails are made
    gc.collect()
    gc.freeze()
    async with Engine(
        runtime.database,
        runtime.clock,
        runtime.settings.sending,
        runtime.settings.relays,
        lambda number: compose(runtime, number),
        lanes=runtime.settings.lanes,
    ) as engine:
        await runtime.dispatcher.run(engine, stop, until_idle=until_idle)
