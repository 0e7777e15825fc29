"""The engine: delivers batches over the relays, keeps the ledger moving, and stops when it must.

`deliver` is what a dispatcher calls for a batch; `keep` is the housekeeping that any dispatcher
calls twice a second: retries that came due, deadlines, editions that are finished, and orders given
elsewhere: pause, cancel, stop-all, another relay.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import Session

from newsletter.clock import Clock
from newsletter.config import Lane, Relay, Sending
from newsletter.delivery.breaker import FIRST_ANSWERS, Breaker, share_of_first
from newsletter.delivery.clerk import Clerk
from newsletter.delivery.pace import Pace
from newsletter.delivery.patience import patiently
from newsletter.delivery.post import Post
from newsletter.delivery.relays import Relays
from newsletter.delivery.run import Compiled, Run
from newsletter.delivery.shares import Shares
from newsletter.errors import RelayFailed, StoreFailed
from newsletter.mail.addresses import without_addresses
from newsletter.mail.smtp import Timeouts
from newsletter.models import EditionState
from newsletter.store import (
    closing,
    control,
    deliveries,
    editions,
    history,
    ledger,
    moving,
    relays,
    reopening,
)
from newsletter.store.database import Database
from newsletter.values import BatchKey, Fate, Outcome

WARM = timedelta(seconds=15)  # before mail is due, when connections open; idle ones are not borne for long
WINDOW_SQLITE = 100
WINDOW_POSTGRESQL = 50


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a run must be paused: a relay refuses us, or the breaker tripped."""

    act: str
    why: str


@dataclass(frozen=True, slots=True)
class Orders:
    """What the store says that is to be done now."""

    sendable: frozenset[int]
    relay: str
    is_wanted: bool
    expected: int


class Engine:
    """`compose` gives an edition's compiled mail; it is asked once per edition."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        sending: Sending,
        lineup: Sequence[Relay],
        compose: Callable[[int], Compiled],
        *,
        lanes: Sequence[Lane] = (),
        timeouts: Timeouts | None = None,
    ) -> None:
        self._database = database
        self._clerk = Clerk(database)
        self._clock = clock
        self._sending = sending
        self._compose = compose
        self._post = Post(lanes)
        self._pace = Pace(database, lineup, lanes)
        with database.reading() as session:
            down = relays.down_lately(session, clock.now())
        self.relays = Relays(
            lineup, self._post, timeouts or Timeouts(), fail_over=sending.fail_over,
            fail_back=sending.fail_back, down=down,
        )  # fmt: skip
        many = sending.engine == "procrastinate"
        self.shares = Shares(database, self.relays, self._post, self._pace, lanes, among_workers=many)
        self._runs: dict[BatchKey, Run] = {}
        self._compiled: dict[int, Compiled] = {}
        self._breakers: dict[int, Breaker] = {}
        self._stops: dict[int, Stop] = {}
        self._halted = False

    async def __aenter__(self) -> Engine:
        self.relays.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.relays.close()
        with suppress(StoreFailed):
            await self.shares.leave()
            await asyncio.to_thread(self._tell)

    async def deliver(self, key: BatchKey) -> None:
        """Take the batch and walk it. Returns at once when it is done, gone, or not to be sent now."""
        taken = await self._clerk.take(key, self._clock.now())
        if taken is None:
            return
        run = Run(
            taken,
            await self._compiled_for(key.edition_id),
            database=self._database,
            clerk=self._clerk,
            clock=self._clock,
            post=self._post,
            relays=self.relays,
            pace=self._pace,
            window=self._window,
            retry_after=self._sending.retry_after,
            on_answer=self._count,
            before_done=self._heed_stop,
        )
        self._runs[key] = run
        if self._halted:
            run.halt()
        try:
            await run.deliver()
        finally:
            del self._runs[key]
            await self._heed_stop(key.edition_id)

    @property
    def held_back(self) -> dict[BatchKey, str]:
        """Batches in hand that could go faster but for their pace, and their lanes."""
        return {key: run.lane for key, run in self._runs.items() if run.is_held_back}

    def halt(self) -> None:
        """Begin nothing more; what is on the wire is still awaited."""
        self._halted = True
        for run in self._runs.values():
            run.halt()

    def raise_if_hopeless(self) -> None:
        """For whoever cannot wait. Raises RelayFailed when no relay can be reached."""
        if self.relays.trouble:
            raise RelayFailed(
                self.relays.trouble,
                next_step="mend it or the [[relays]] part; every mail is still queued, so run this again",
            )

    async def keep(self) -> None:
        """Retries, deadlines, ends and orders, for every edition that is being sent."""
        orders = await asyncio.to_thread(self._keep, self._clock.now())
        self.relays.look(orders.relay, is_wanted=orders.is_wanted)
        self._post.expect(orders.expected)
        await self.shares.look(is_due=orders.is_wanted)
        self._heed_refusal()
        for key, run in self._runs.items():
            if key.edition_id not in orders.sendable:
                run.halt()
        for edition_id in set(self._compiled) - orders.sendable:
            if all(key.edition_id != edition_id for key in self._runs):
                self._compiled.pop(edition_id)
                self._breakers.pop(edition_id, None)

    @property
    def _window(self) -> int:
        return self._sending.window or (WINDOW_SQLITE if self._database.is_sqlite else WINDOW_POSTGRESQL)

    async def _compiled_for(self, edition_id: int) -> Compiled:
        if edition_id not in self._compiled:
            self._compiled[edition_id] = await asyncio.to_thread(self._compose, edition_id)
        return self._compiled[edition_id]

    def _keep(self, now: datetime) -> Orders:
        self._pace.look()
        with self._database.writing() as session:
            relays.tell(session, self.relays.news(), now)
            open_editions = editions.in_state(session, (*ledger.SENDABLE, EditionState.PAUSED))
            for edition in open_editions:
                if edition.id is not None and edition.began_at is not None:
                    self._keep_edition(session, edition.id, now)
            due = deliveries.next_due(session)
            lead = timedelta(seconds=self._sending.lead)
            is_stopped = bool(control.order(session, control.EDITIONS))
            sendable = (e.id for e in open_editions if e.id is not None and e.state in ledger.SENDABLE)
            return Orders(
                frozenset() if is_stopped else frozenset(sendable),
                relay=control.order(session, control.RELAY).value,
                is_wanted=due is not None and due - lead <= now,
                expected=deliveries.expected(session, now, now + min(WARM, lead)),
            )

    def _keep_edition(self, session: Session, edition_id: int, now: datetime) -> None:
        if ledger.lock_edition(session, edition_id) is EditionState.SENDING:
            moving.gather_retries(session, edition_id, now, self._sending.batch)
            if self._sending.in_doubt == "resend":
                self._resend_doubted(session, edition_id, now)
            self._trip_together(session, edition_id, now)
        closing.expire(session, edition_id, now)
        closing.finish_if_done(session, edition_id, now)

    def _resend_doubted(self, session: Session, edition_id: int, now: datetime) -> None:
        """For those who prefer a double to a gap."""
        term = reopening.Term(not_before=now)
        again = reopening.reopen(
            session, edition_id, reopening.doubted_once(edition_id), term, self._sending.batch
        )
        if again:
            why = f"{again} in doubt are sent again"
            history.note(session, now, "delivery", "resent", "edition", edition_id, why)

    def _tell(self) -> None:
        with self._database.writing() as session:
            relays.tell(session, self.relays.news(), self._clock.now())

    # ── when it is about us ──

    def _heed_refusal(self) -> None:
        """Relays that turn us away at the door (greeting, AUTH) refuse every edition alike."""
        refusal = self.relays.refusal
        if refusal is not None:
            for edition_id in {key.edition_id for key in self._runs}:
                self._count(edition_id, refusal)

    def _count(self, edition_id: int, outcome: Outcome) -> None:
        if outcome.fate is Fate.STOP:
            why = f"the relay {outcome.relay} refuses our mail at {outcome.phase}: {outcome.reply}"
            self._stop(edition_id, Stop("stopped", why))
            return
        why = self._breaker(edition_id).count(outcome)
        if why:
            self._stop(edition_id, Stop("breaker", f"breaker: {why}"))

    def _breaker(self, edition_id: int) -> Breaker:
        if edition_id not in self._breakers:
            with self._database.reading() as session:
                so_far = deliveries.sums(session, edition_id)
                was_resumed = _was_resumed(session, edition_id)
            self._breakers[edition_id] = Breaker(
                self._sending.breaker_refusals, self._sending.breaker_in_a_row,
                answers=0 if was_resumed else so_far.sent + so_far.failed + so_far.deferred,
                refused=0 if was_resumed else so_far.failed,
            )  # fmt: skip
        return self._breakers[edition_id]

    def _stop(self, edition_id: int, stop: Stop) -> None:
        self._stops.setdefault(edition_id, replace(stop, why=without_addresses(stop.why)))
        for key, run in self._runs.items():
            if key.edition_id == edition_id:
                run.halt()

    async def _heed_stop(self, edition_id: int) -> None:
        if edition_id in self._stops:
            await patiently(self._pause_stopped, edition_id)

    def _pause_stopped(self, edition_id: int) -> None:
        stop = self._stops.get(edition_id)
        if stop is not None:
            with self._database.writing() as session:
                self._pause(session, edition_id, stop, self._clock.now())
            self._stops.pop(edition_id, None)
            self._breakers.pop(edition_id, None)

    def _pause(self, session: Session, edition_id: int, stop: Stop, now: datetime) -> None:
        edition = editions.get(session, edition_id)
        if edition.state == EditionState.SENDING:
            editions.change(
                session, edition, EditionState.PAUSED, now, who="engine", act=stop.act, why=stop.why
            )

    def _trip_together(self, session: Session, edition_id: int, now: datetime) -> None:
        """The breaker for what workers hear together: each of them counts only what is said to itself."""
        limit, so_far = self._sending.breaker_refusals, deliveries.sums(session, edition_id)
        answers = so_far.sent + so_far.failed + so_far.deferred
        if edition_id in self._stops or answers > FIRST_ANSWERS or so_far.failed <= limit:
            return
        replies = deliveries.refusals(session, edition_id)
        if len(replies) > limit and not _was_resumed(session, edition_id):
            why = without_addresses(
                f"breaker: {share_of_first(len(replies), answers)}; the last: {replies[-1]}"
            )
            self._pause(session, edition_id, Stop("breaker", why), now)


def _was_resumed(session: Session, edition_id: int) -> bool:
    """Once a person has let the run go on, what was refused before is no longer news."""
    return bool(history.last_act(session, "edition", edition_id, among=["resumed"]))
