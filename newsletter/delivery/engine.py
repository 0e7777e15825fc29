"""The engine: delivers batches over one relay, keeps the ledger moving, and stops when it must.

`deliver` is what a dispatcher calls for a batch; `keep` is the housekeeping that any dispatcher
calls about once a second: retries that came due, deadlines, editions that are finished, and pauses
asked for elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from newsletter.clock import Clock
from newsletter.config import Relay, Sending
from newsletter.delivery.breaker import Breaker
from newsletter.delivery.pool import Pool
from newsletter.delivery.post import Post
from newsletter.delivery.run import Compiled, Run
from newsletter.mail.addresses import without_addresses
from newsletter.mail.smtp import Timeouts
from newsletter.models import EditionState
from newsletter.store import closing, deliveries, editions, ledger, moving
from newsletter.store.database import Database
from newsletter.values import BatchKey, Fate, Outcome

WINDOW_SQLITE = 100
WINDOW_POSTGRESQL = 50


class Engine:
    """`compose` gives an edition's compiled mail; it is asked once per edition."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        sending: Sending,
        relay: Relay,
        compose: Callable[[int], Compiled],
        *,
        timeouts: Timeouts | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._sending = sending
        self._compose = compose
        self._post = Post()
        self.pool = Pool(relay, self._post, timeouts or Timeouts())
        self._runs: dict[BatchKey, Run] = {}
        self._compiled: dict[int, Compiled] = {}
        self._breakers: dict[int, Breaker] = {}
        self._stops: dict[int, str] = {}

    async def __aenter__(self) -> Engine:
        self.pool.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.pool.close()

    async def deliver(self, key: BatchKey) -> None:
        """Take the batch and walk it. Returns at once when it is done, gone, or not to be sent now."""
        taken = await asyncio.to_thread(self._take, key)
        if taken is None:
            return
        run = Run(
            taken,
            await self._compiled_for(key.edition_id),
            database=self._database,
            clock=self._clock,
            post=self._post,
            pool=self.pool,
            window=self._window,
            retry_after=self._sending.retry_after,
            on_answer=self._count,
        )
        self._runs[key] = run
        try:
            await run.deliver()
        finally:
            del self._runs[key]
            await self._pause_if_stopped(key.edition_id)

    def halt(self) -> None:
        """Begin nothing more; what is on the wire is still awaited."""
        for run in self._runs.values():
            run.halt()

    async def keep(self) -> None:
        """Retries, deadlines, ends and pauses, for every edition that is being sent."""
        self._heed_refusal()
        sendable = await asyncio.to_thread(self._keep, self._clock.now())
        for key, run in self._runs.items():
            if key.edition_id not in sendable:
                run.halt()
        for edition_id in set(self._compiled) - sendable:
            if all(key.edition_id != edition_id for key in self._runs):
                self._compiled.pop(edition_id)
                self._breakers.pop(edition_id, None)

    @property
    def _window(self) -> int:
        return self._sending.window or (WINDOW_SQLITE if self._database.is_sqlite else WINDOW_POSTGRESQL)

    def _take(self, key: BatchKey) -> ledger.Taken | None:
        with self._database.writing() as session:
            return ledger.take(session, key, self._clock.now())

    async def _compiled_for(self, edition_id: int) -> Compiled:
        if edition_id not in self._compiled:
            self._compiled[edition_id] = await asyncio.to_thread(self._compose, edition_id)
        return self._compiled[edition_id]

    def _keep(self, now: datetime) -> set[int]:
        with self._database.writing() as session:
            open_editions = editions.in_state(session, (*ledger.SENDABLE, EditionState.PAUSED))
            for edition in open_editions:
                if edition.id is None or edition.began_at is None:
                    continue
                ledger.lock_edition(session, edition.id)
                if edition.state == EditionState.SENDING:
                    moving.gather_retries(session, edition.id, now, self._sending.batch)
                closing.expire(session, edition.id, now)
                # In this order: whoever closed the last batch has said before why the run must stop
                if not closing.is_open(session, edition.id) and edition.id not in self._stops:
                    closing.finish_if_done(session, edition.id, now)
            return {e.id for e in open_editions if e.id is not None and e.state in ledger.SENDABLE}

    # ── when it is about us ──

    def _heed_refusal(self) -> None:
        """A relay that turns us away at the door (greeting, AUTH) refuses every edition alike."""
        trouble = self.pool.trouble
        if trouble is not None and trouble.outcome.fate is Fate.STOP:
            for edition_id in {key.edition_id for key in self._runs}:
                self._count(edition_id, trouble.outcome)

    def _count(self, edition_id: int, outcome: Outcome) -> None:
        if outcome.fate is Fate.STOP:
            self._stop(edition_id, f"the relay refuses our mail at {outcome.phase}: {outcome.reply}")
            return
        why = self._breaker(edition_id).count(outcome)
        if why:
            self._stop(edition_id, f"breaker: {why}")

    def _breaker(self, edition_id: int) -> Breaker:
        if edition_id not in self._breakers:
            with self._database.reading() as session:
                so_far = deliveries.sums(session, edition_id)
            self._breakers[edition_id] = Breaker(
                self._sending.breaker_refusals,
                self._sending.breaker_in_a_row,
                answers=so_far.sent + so_far.failed + so_far.deferred,
                refused=so_far.failed,
            )
        return self._breakers[edition_id]

    def _stop(self, edition_id: int, why: str) -> None:
        self._stops.setdefault(edition_id, without_addresses(why))
        for key, run in self._runs.items():
            if key.edition_id == edition_id:
                run.halt()

    async def _pause_if_stopped(self, edition_id: int) -> None:
        why = self._stops.get(edition_id)
        if why is not None:
            await asyncio.to_thread(self._pause, edition_id, why)
            self._stops.pop(edition_id, None)

    def _pause(self, edition_id: int, why: str) -> None:
        with self._database.writing() as session:
            edition = editions.get(session, edition_id)
            if edition.state == EditionState.SENDING:
                editions.change(
                    session, edition, EditionState.PAUSED, self._clock.now(), who="engine", why=why
                )
