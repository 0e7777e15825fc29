"""One batch on its way: commit the watermark, let connections send, settle, and again.

At most `window` rows are begun and unanswered at any time. The next rows are begun when the
connections would soon starve, and that commit carries the outcomes known by then; a slow answer
keeps its own place in the window and holds up nobody else. Only as many rows are begun ahead of
the wire as the connections have lately needed, because a crash puts every begun row in doubt.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol

from newsletter.clock import Clock
from newsletter.delivery.clerk import Clerk
from newsletter.delivery.pace import Pace
from newsletter.delivery.patience import patiently
from newsletter.delivery.post import Post
from newsletter.delivery.relays import Relays
from newsletter.delivery.retry import settle
from newsletter.mail.content import Content
from newsletter.models import BatchState
from newsletter.store.database import Database
from newsletter.store.moving import hand_back
from newsletter.store.watermarks import Entry, Taken
from newsletter.values import Fate, Outcome, Recipient, Settled

AHEAD = 0.1  # seconds of sending for which rows are begun ahead of the wire
FLUSH = 1.0  # seconds after which known outcomes are committed even if nothing new can begin
LOST_BEFORE_DEFERRED = 2  # connections that one row may lose before it waits its turn as a retry
RELAY_GRACE = 2.0  # seconds in which a lost relay may come back before begun rows are handed back


class Compiled(Protocol):
    """An edition's mail, compiled once; a reader costs a fill."""

    def content(self, recipient: Recipient) -> Content: ...

    def envelope_sender(self, recipient: Recipient) -> str: ...


class Run:
    def __init__(
        self,
        taken: Taken,
        compiled: Compiled,
        *,
        database: Database,
        clerk: Clerk,
        clock: Clock,
        post: Post,
        relays: Relays,
        pace: Pace,
        window: int,
        retry_after: tuple[int, ...],
        on_answer: Callable[[int, Outcome], None],
        before_done: Callable[[int], Awaitable[None]],
    ) -> None:
        self.taken = taken
        self._compiled = compiled
        self._database = database
        self._clerk = clerk
        self._clock = clock
        self._post = post
        self._relays = relays
        self._pace = pace
        self._window = window
        self._retry_after = retry_after
        self._on_answer = on_answer
        self._before_done = before_done
        self._begun = taken.begun
        self._ahead = 0
        self._answers = 0
        self._adapted_at = 0.0
        self._open: set[int] = set()  # subscribers begun and unanswered
        self._lost: dict[int, int] = {}
        self._known: list[Settled] = []
        self._unsent: list[Recipient] = []
        self._answered = asyncio.Event()
        self._fenced = False
        self.halted = False
        self.is_held_back = False

    async def deliver(self) -> None:
        """Walk the batch to its end, or until `halt`, the deadline, or another owner stops it."""
        self._post.enter(self)
        try:
            while self._goes_on():
                if self._relays.is_open:
                    await self._commit(await self._granted(self._reach()))
                    await self._until_room()
                else:
                    await self._without_relay()
            await self._let_go()
        finally:
            self._post.leave(self)

    def halt(self) -> None:
        """Begin no more rows, and let no connection take another; what is on the wire is still awaited."""
        self.halted = True
        for recipient in self._post.withdraw(self):
            self._open.discard(recipient.subscriber_id)
            self._unsent.append(recipient)
        self._answered.set()

    # ── what connections ask and tell ──

    @property
    def edition_id(self) -> int:
        return self.taken.key.edition_id

    @property
    def lane(self) -> str:
        return self.taken.lane

    def message(self, recipient: Recipient) -> tuple[str, Content]:
        return self._compiled.envelope_sender(recipient), self._compiled.content(recipient)

    def answer(self, recipient: Recipient, outcome: Outcome) -> None:
        self._answered.set()
        self._answers += 1
        self._pace.tell(self.lane, outcome)
        if outcome.fate is Fate.LOST and self._may_try_again(recipient):
            self._post.put_back(self, recipient)
            return
        self._open.discard(recipient.subscriber_id)
        if outcome.fate is Fate.STOP:
            self._unsent.append(recipient)
            self.halt()
        else:
            self._known.append(settle(recipient, outcome, self._clock.now(), self._retry_after))
        self._on_answer(self.edition_id, outcome)

    def _may_try_again(self, recipient: Recipient) -> bool:
        lost = self._lost.get(recipient.subscriber_id, 0) + 1
        self._lost[recipient.subscriber_id] = lost
        return lost <= LOST_BEFORE_DEFERRED

    # ── the walk ──

    def _goes_on(self) -> bool:
        is_over = self._begun >= self.taken.size and not self._open
        return not (is_over or self._fenced or self.halted or self._clock.now() >= self.taken.deadline)

    def _reach(self) -> int:
        """Where the watermark may go now: so many rows ahead of the wire, and never past the window."""
        hungry_for = max(self._ahead, self._relays.connections) - self._post.waiting(self)
        room = self._window - len(self._open)
        return min(self._begun + max(0, min(hungry_for, room)), self.taken.size)

    async def _granted(self, upto: int) -> int:
        """How far the watermark may go at the pace of the lane and the relay."""
        wanted = upto - self._begun
        granted = await self._pace.take(self.lane, self._relays.carrier, wanted)
        self.is_held_back = granted < wanted
        return self._begun + granted

    def _adapt(self) -> None:
        """Begin enough ahead for a moment at the pace of late, and more when connections ran out of mail."""
        now = asyncio.get_running_loop().time()
        passed = now - self._adapted_at
        if not self._post.waiting(self):
            self._ahead *= 2
        elif passed >= AHEAD:
            self._ahead = round(self._answers * AHEAD / passed)
        if passed >= AHEAD:
            self._answers, self._adapted_at = 0, now
        self._ahead = min(self._window, max(self._relays.connections, self._ahead))

    def _is_time(self) -> bool:
        """Connections would soon run out of mail; or not quite so soon, but a commit is about to go."""
        waiting = self._post.waiting(self)
        return waiting <= self._ahead // 4 or (self._clerk.is_gathering and waiting <= self._ahead // 2)

    async def _commit(self, upto: int) -> None:
        if upto > self._begun or self._known:
            await self._say(upto)

    async def _say(self, upto: int, then: BatchState = BatchState.RUNNING) -> None:
        """Tell the ledger what is known by now, how far the watermark is to move, and what is to follow."""
        known, self._known = self._known, []
        begun = await self._clerk.commit(Entry(self.taken, known, self._begun, upto, then))
        if begun is None:
            self._fenced = True
            return
        if begun.upto < upto:
            self.halted = True
        self._begun = begun.upto
        self._open.update(recipient.subscriber_id for recipient in begun.recipients)
        self._post.put(self, begun.recipients)

    async def _until_room(self) -> None:
        """Wait until the connections would soon run out of mail and more rows may begin."""
        loop = asyncio.get_running_loop()
        if self.is_held_back:
            await self._until(loop.time() + self._pace.pause(self.lane, self._relays.carrier))
            return
        patience = loop.time() + FLUSH
        while self._goes_on() and self._relays.is_open and loop.time() < patience:
            if self._is_time() and self._reach() > self._begun:
                self._adapt()
                return
            await self._any_answer(FLUSH)

    async def _until(self, moment: float) -> None:
        """Wait, by the loop's clock; an order to stop ends it at once."""
        loop = asyncio.get_running_loop()
        while self._goes_on() and (left := moment - loop.time()) > 0:
            await self._any_answer(left)

    async def _any_answer(self, seconds: float) -> None:
        self._answered.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._answered.wait(), seconds)

    async def _without_relay(self) -> None:
        await self._relays.until_open(RELAY_GRACE)
        if not self._relays.is_open:
            await self._give_back(self._post.withdraw(self))

    async def _let_go(self) -> None:
        """Wait for what is on the wire, settle it, and give the rest of the window back."""
        unsent = self._post.withdraw(self)
        while len(self._open) > len(unsent):
            await self._any_answer(FLUSH)
            unsent += self._post.withdraw(self)
        if self._fenced or unsent or self._unsent:
            await self._give_back(unsent)
        if not self._fenced:
            # First, or another worker finds the edition without an open batch, and ends it
            await self._before_done(self.edition_id)
            is_over = self._begun >= self.taken.size
            await self._say(self._begun, BatchState.DONE if is_over else BatchState.READY)

    async def _give_back(self, unsent: list[Recipient]) -> None:
        self._unsent += unsent
        self._open.difference_update(recipient.subscriber_id for recipient in unsent)
        await self._commit(self._begun)
        rows, self._unsent = self._unsent, []
        if rows and not self._fenced:
            await patiently(self._hand_back, rows)

    def _hand_back(self, rows: list[Recipient]) -> None:
        with self._database.writing() as session:
            hand_back(session, self.taken, rows, self._clock.now())
