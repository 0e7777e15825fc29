"""The embedded dispatcher: one process of one machine walks the ready batches itself.

It works only while it holds the store's delivery lease, and says every few seconds that it lives.
Somebody else's lease is respected until its owner is silent or gone; then a batch left running is
taken like any other, and the fence token shuts its old worker out.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress

from sqlmodel import Session

from newsletter.clock import Clock, monotonic
from newsletter.delivery.engine import Engine
from newsletter.errors import StoreFailed
from newsletter.store import deliveries, leases
from newsletter.store.database import Database
from newsletter.values import BatchKey

LEASE = "delivery"
BEAT = 5.0  # seconds between two signs of life
ROUND = 0.5  # seconds between two looks at the ledger: an order is obeyed within a second


Running = dict[BatchKey, asyncio.Task[None]]


class EmbeddedDispatcher:
    def __init__(self, database: Database, clock: Clock, *, batches_at_once: int) -> None:
        self._database = database
        self._clock = clock
        self._batches_at_once = batches_at_once

    def enqueue(self, session: Session, edition_id: int) -> None:
        """The ready batch is the record; nothing else is needed."""

    async def run(self, engine: Engine, stop: threading.Event, *, until_idle: bool) -> None:
        """Walk batches while the lease is ours; where somebody else has it, wait, or end (`until_idle`).

        Raises RelayFailed, with `until_idle`, when no relay can be reached and mail is waiting.
        """
        walk = _Walk(
            self._database, self._clock, engine, stop, batches_at_once=self._batches_at_once,
            until_idle=until_idle,
        )  # fmt: skip
        await walk.go()


class _Walk:
    def __init__(
        self, database: Database, clock: Clock, engine: Engine, stop: threading.Event, *,
        batches_at_once: int, until_idle: bool,
    ) -> None:  # fmt: skip
        self._database = database
        self._clock = clock
        self._engine = engine
        self._stop = stop
        self._batches_at_once = batches_at_once
        self._until_idle = until_idle
        self._me = leases.this_process()
        self._beaten_at = 0.0

    async def go(self) -> None:
        running: Running = {}
        kept_at = 0.0
        try:
            while not self._stop.is_set() and await asyncio.to_thread(self._hold_lease):
                if not running or monotonic() - kept_at >= ROUND:
                    kept_at = monotonic()
                    await self._engine.keep()
                for key in await asyncio.to_thread(self._due, running):
                    running[key] = asyncio.create_task(self._engine.deliver(key))
                if not running and self._until_idle:
                    return
                if self._until_idle:
                    self._engine.raise_if_hopeless()
                await self._round(running)
        finally:
            self._engine.halt()
            await self._last_answers(running)

    async def _round(self, running: Running) -> None:
        """Wait until a batch ends, or half a second; what a batch raised is raised here."""
        if not running:
            await asyncio.to_thread(self._sleep)
            return
        await asyncio.wait(running.values(), timeout=ROUND, return_when=asyncio.FIRST_COMPLETED)
        for key in [key for key, task in running.items() if task.done()]:
            running.pop(key).result()

    async def _last_answers(self, running: Running) -> None:
        """Wait for what is on the wire, and say meanwhile that we live; a store that fails just now
        must not keep anybody from that."""
        while any(not task.done() for task in running.values()):
            await asyncio.wait(running.values(), timeout=BEAT)
            with suppress(StoreFailed):
                await asyncio.to_thread(self._beat)
        with suppress(StoreFailed):
            await asyncio.to_thread(self._release)
        for task in running.values():
            task.result()

    def _sleep(self) -> None:
        """Until the next batch is due, but never long: somebody may freeze an edition meanwhile."""
        with self._database.reading() as session:
            soon = deliveries.next_due(session)
        seconds = ROUND if soon is None else (soon - self._clock.now()).total_seconds()
        self._clock.wait(min(ROUND, max(0.01, seconds)), self._stop)

    def _due(self, running: Running) -> list[BatchKey]:
        """Batches that nobody here works on: taking one twice would fence ourselves off.

        What is held back by its pace takes nobody else's place, and more of its lane would not go faster.
        """
        held_back = self._engine.held_back
        room = self._batches_at_once - len(running) + len(held_back)
        if room <= 0:
            return []
        with self._database.reading() as session:
            return deliveries.due_batches(session, self._clock.now(), without=running, limit=room,
                without_lanes=frozenset(held_back.values()),
            )  # fmt: skip

    # ── the lease ──

    def _hold_lease(self) -> bool:
        """True once the lease is ours. With `until_idle` False means that somebody else delivers."""
        while monotonic() - self._beaten_at >= BEAT or not self._beaten_at:
            with self._database.writing() as session:
                holder = leases.acquire(session, LEASE, self._me)
            if holder is None:
                self._beaten_at = monotonic()
                return True
            if self._until_idle or self._clock.wait(ROUND, self._stop):
                return False
        return True

    def _beat(self) -> None:
        with self._database.writing() as session:
            leases.beat(session, LEASE, self._me)

    def _release(self) -> None:
        with self._database.writing() as session:
            leases.release(session, LEASE, self._me)
