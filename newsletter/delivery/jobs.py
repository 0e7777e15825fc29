"""The dispatcher among many machines: Procrastinate's jobs are hints, and the ledger decides.

A job says "look at batch n of edition e" and is deferred in the transaction that plans the batch, for
the moment at which it may begin. Jobs carry `lock = queueing_lock = edition/no`, so that no two of a
batch run at once; a hint for a batch that is done, gone or not due is dropped. Workers beat, and the
jobs of one that has fallen silent are given to others: that is Procrastinate's business, and the
fence token shuts the silent one out should it wake. Our sweep hints again at what no job holds: a lost
hint, a retry that came due, a batch that was handed back, an edition that was resumed.

Each lane has a queue. A worker that has a batch in hand which its pace holds back fetches nothing more from
that lane, and one batch more from another: so a slow lane holds up none but itself.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from procrastinate import App, PsycopgConnector, SyncPsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException, UniqueViolation
from procrastinate.jobs import DeleteJobCondition, Job, Status
from procrastinate.worker import Worker
from psycopg import Error
from sqlmodel import Session

from newsletter import logs
from newsletter.clock import Clock, monotonic
from newsletter.delivery.engine import Engine
from newsletter.errors import NewsletterError, StoreFailed
from newsletter.store import deliveries, hints
from newsletter.store.database import Database
from newsletter.store.hints import Unheld
from newsletter.store.postgresql import connection_keys, let_go_when_asleep
from newsletter.values import BatchKey

TASK = "look_at_batch"
ROUND = 0.5  # seconds between two looks at the ledger: an order is obeyed within a second
SKEW = timedelta(seconds=1)  # by which this machine's clock may be behind the database's
MOST_JOBS = 1_000  # that Procrastinate may run at once; how many it fetches, `_open_queues` decides
AFTER_TROUBLE = 5.0  # seconds for which a batch that could not be delivered is left alone

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds: between two signs of life, of silence until a worker's jobs are given to others, for which
    a running batch that no job holds must have stood still, and which a worker that was stopped in the
    middle of a transaction may keep its locks from the others."""

    beat: float = 5.0
    silence: float = 30.0
    quiet: float = 120.0
    locked: float = 10.0


USUAL = Limits()


class ProcrastinateDispatcher:
    def __init__(
        self, database: Database, clock: Clock, *, batches_at_once: int, limits: Limits = USUAL
    ) -> None:
        self._database = database
        self._clock = clock
        self._batches_at_once = batches_at_once
        self._limits = limits
        # Defers over connections of the store; it never opens one of its own
        self._deferrer = App(connector=SyncPsycopgConnector())

    def enqueue(self, session: Session, edition_id: int) -> None:
        """Hint at every batch of the edition that no job speaks of yet."""
        self.defer(session, hints.unhinted(session, edition_id))

    def defer(self, session: Session, batches: Iterable[Unheld]) -> None:
        """Raises StoreFailed. A hint that somebody else gives at this moment is as good as ours."""
        jobs = [self._job(batch) for batch in batches]
        if not jobs:
            return
        driver: Any = session.connection().connection.driver_connection
        try:
            with suppress(AlreadyEnqueued), session.begin_nested():
                self._deferrer.job_manager.batch_defer_jobs(jobs, connection=driver)
        except ConnectorException as error:
            raise _no_answer(error) from error

    def _job(self, batch: Unheld) -> Job:
        lock = hints.lock_of(batch.key)
        return Job(
            id=None, queue=batch.lane, task_name=TASK, lock=lock, queueing_lock=lock,
            task_kwargs={"edition": batch.key.edition_id, "no": batch.key.no},
            scheduled_at=self._clock.on_machine(batch.not_before),
        )  # fmt: skip

    async def run(self, engine: Engine, stop: threading.Event, *, until_idle: bool) -> None:
        """Be one of the workers. With `until_idle` leave everything to those that live, if any do.

        Raises StoreFailed when the store does not answer for half a minute.
        """
        if until_idle and await asyncio.to_thread(self._others_live):
            return
        let_go_when_asleep(self._database.engine, self._limits.locked)
        shift = _Shift(self, self._database, self._clock, engine, stop, self._limits, self._batches_at_once)
        await shift.work(until_idle=until_idle)

    def _others_live(self) -> bool:
        with self._database.reading() as session:
            return hints.living_workers(session, timedelta(seconds=self._limits.silence)) > 0


class _Shift:
    """One worker from its start to its end."""

    def __init__(
        self, dispatcher: ProcrastinateDispatcher, database: Database, clock: Clock, engine: Engine,
        stop: threading.Event, limits: Limits, batches_at_once: int,
    ) -> None:  # fmt: skip
        self._dispatcher = dispatcher
        self._database = database
        self._clock = clock
        self._engine = engine
        self._stop = stop
        self._limits = limits
        self._batches_at_once = batches_at_once
        self._in_hand: set[BatchKey] = set()
        self._queues: list[str] = []
        self._still: dict[BatchKey, tuple[tuple[int, int, int], float]] = {}
        self._beaten_at = monotonic()
        # A store that was away has kept others from beating, too: they get the time to beat again
        self._recover_from = monotonic() + limits.silence
        self._app = App(connector=PsycopgConnector(kwargs=connection_keys(database.engine), min_size=1))
        self._app.task(name=TASK)(self._look)
        self._worker = Worker(
            self._app, self._queues, concurrency=MOST_JOBS, delete_jobs=DeleteJobCondition.SUCCESSFUL,
            fetch_job_polling_interval=ROUND, listen_notify=False, install_signal_handlers=False,
            update_heartbeat_interval=limits.beat, stalled_worker_timeout=limits.silence,
        )  # fmt: skip

    async def work(self, *, until_idle: bool) -> None:
        try:
            async with self._app.open_async():
                await self._work(until_idle=until_idle)
        except (ConnectorException, Error) as error:
            raise _no_answer(error) from error

    async def _work(self, *, until_idle: bool) -> None:
        working: asyncio.Task[None] = asyncio.create_task(self._worker.run())  # type: ignore[no-untyped-call]
        try:
            while not (self._stop.is_set() or working.done()):
                with suppress(StoreFailed):  # the batches in hand wait for it, and so do we
                    await self._engine.keep()
                    await asyncio.to_thread(self._sweep)
                    if until_idle and await self._is_over():
                        await self._engine.keep()  # it may have looked before the last batch ended
                        if await self._is_over():
                            break
                self._open_queues()
                await self._beat()
                await asyncio.wait([working], timeout=ROUND)
        finally:
            await self._last_answers(working)

    async def _is_over(self) -> bool:
        self._engine.raise_if_hopeless()
        return not self._in_hand and not await asyncio.to_thread(self._any_due)

    def _any_due(self) -> bool:
        with self._database.reading() as session:
            return bool(deliveries.due_batches(session, self._clock.now(), without=(), limit=1))

    async def _last_answers(self, working: asyncio.Task[None]) -> None:
        """Wait for what is on the wire, and leave hints at what others are to go on with."""
        self._worker.stop()  # type: ignore[no-untyped-call]
        self._engine.halt()
        while not working.done():
            await asyncio.wait([working], timeout=ROUND)
            with suppress(StoreFailed):
                await self._engine.shares.look(is_due=False)
            await self._beat()
        with suppress(StoreFailed):
            await asyncio.to_thread(self._sweep)
        working.result()

    # ── hints ──

    async def _look(self, edition: int, no: int) -> None:
        """What a job does. Nothing is raised: whether a batch is done, its row says."""
        key = BatchKey(edition, no)
        if self._stop.is_set() or key in self._in_hand:
            return
        self._in_hand.add(key)
        self._open_queues()
        try:
            if await asyncio.to_thread(self._is_due, key):
                await self._engine.deliver(key)
        except NewsletterError as error:
            log.error("batch_failed", edition=edition, batch=no, why=error.sentence)
            await asyncio.to_thread(self._stop.wait, AFTER_TROUBLE)
        except Exception:
            log.exception("batch_failed", edition=edition, batch=no)
            await asyncio.to_thread(self._stop.wait, AFTER_TROUBLE)
        finally:
            self._in_hand.discard(key)
            self._open_queues()

    def _open_queues(self) -> None:
        """Say from which lanes Procrastinate may fetch the next job.

        What is held back by its pace takes nobody else's place, and more of its lane would not go faster.
        """
        held_back = self._engine.held_back
        room = self._batches_at_once - len(self._in_hand) + len(held_back)
        may_fetch = room > 0 and not self._engine.shares.is_left_out
        lanes = set(held_back.values())
        self._worker.queues = [lane for lane in self._queues if lane not in lanes] if may_fetch else []

    def _is_due(self, key: BatchKey) -> bool:
        with self._database.reading() as session:
            return hints.is_due(session, key, self._clock.now() + SKEW)

    def _sweep(self) -> None:
        """Hint again at due batches that no job holds."""
        with self._database.writing() as session:
            found = hints.unheld(session, self._clock.now())
            lost = [batch for batch in found if self._is_lost(batch)]
            if lost:
                hints.take_back(session, [batch.key for batch in lost])
                self._dispatcher.defer(session, lost)
            self._queues = hints.queues(session)
        self._still = {batch.key: self._still[batch.key] for batch in found if batch.key in self._still}

    def _is_lost(self, batch: Unheld) -> bool:
        """Nobody takes a batch from a living worker whose job was lost: it must have stood still."""
        if batch.key in self._in_hand:
            return False
        if not batch.is_running:
            return True
        standing, since = self._still.get(batch.key, (None, 0.0))
        if standing != batch.standing:
            self._still[batch.key] = (batch.standing, monotonic())
            return False
        return monotonic() - since >= self._limits.quiet

    # ── workers ──

    async def _beat(self) -> None:
        """Say that we live, and give the jobs of those who do not to others.

        Procrastinate beats by itself, but neither after a beat that failed nor while it waits for its
        last jobs, and a slow server may take minutes over those.
        """
        if monotonic() - self._beaten_at < self._limits.beat:
            return
        self._beaten_at = monotonic()
        with suppress(ConnectorException):
            if self._worker.worker_id is not None:
                await self._app.job_manager.update_heartbeat(self._worker.worker_id)
            if monotonic() >= self._recover_from:
                await self._recover()

    async def _recover(self) -> None:
        manager = self._app.job_manager
        stalled = await manager.get_stalled_jobs(seconds_since_heartbeat=self._limits.silence)
        for job in stalled:
            log.warning("worker_silent", batch=job.lock)
            with suppress(ConnectorException):  # another worker was quicker
                try:
                    await manager.retry_job(job)
                except UniqueViolation:
                    # A second hint waits behind this one, and is enough
                    await manager.finish_job(job, Status.FAILED, delete_job=True)


def _no_answer(error: Exception) -> StoreFailed:
    told = str(error.__cause__ or error).splitlines() or [type(error).__name__]
    return StoreFailed(f"The store does not answer: {told[0]}.", next_step="newsletter db check")
