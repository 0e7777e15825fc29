"""The courier: carries letters ahead of editions, over connections of its own.

An edition may keep every other connection busy for an hour; a confirmation waits for none of them. One
courier in the whole installation holds the lease. It commits the claim on a letter before anything of
it leaves, and settles it afterwards, so that a crash leaves at most as many in doubt as it has
connections. It looks twice a second, and at once for what was asked for in its own process.

A relay that cannot be had, or turns us away, costs a letter nothing: the next relay gets it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from newsletter import logs
from newsletter.clock import Clock, monotonic
from newsletter.config import Relay
from newsletter.delivery.patience import patiently
from newsletter.delivery.retry import STATE_OF
from newsletter.errors import NewsletterError, StoreFailed
from newsletter.mail.addresses import without_addresses
from newsletter.mail.content import Content
from newsletter.mail.smtp import NotOpened, Session, Timeouts, open_session
from newsletter.models import DeliveryState
from newsletter.store import leases, letters, relays
from newsletter.store.database import Database
from newsletter.values import Fate, LetterInHand, Outcome, Phase

CONNECTIONS = 4
BEAT = 5.0  # seconds between two signs of life
ROUND = 0.5  # seconds between two looks for letters
LINGER = 5.0  # seconds that an idle connection is kept for the next letter
AVOIDED = 60.0  # seconds for which a relay that could not be had is the last choice
# Before the second attempt, the third and so on; the last one repeats until the deadline. Somebody
# waits for a letter, so the first comes soon; five minutes is how long greylisting commonly lasts
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (30, 120, 300, 600, 1800, 3600))
# Another relay stands by where one does not answer, so patience for the opening is short
PATIENCE = Timeouts(connect=10, greeting=30, command=60)
NOWHERE = Outcome(Fate.LOST, Phase.CONNECT, text="no relay could be had")

Compose = Callable[[LetterInHand], tuple[str, Content]]

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class _Idle:
    """A connection that waits for the next letter, and since when."""

    relay: Relay
    session: Session
    since: float


class Courier:
    """`compose` gives a letter's envelope sender and message. It ends at `stop`, or, once `closing` is
    set, when no letter can go now. Letters that are settled are kept for `keep`."""

    def __init__(
        self, database: Database, clock: Clock, lineup: Sequence[Relay], compose: Compose,
        stop: threading.Event, closing: threading.Event, *, keep: timedelta,
    ) -> None:  # fmt: skip
        self._database = database
        self._clock = clock
        self._lineup = sorted(lineup, key=lambda relay: relay.priority)
        self._compose = compose
        self._stop = stop
        self._closing = closing
        self._keep = keep
        self._me = leases.this_process()
        self._beaten_at = 0.0
        self._idle: list[_Idle] = []
        self._avoided: dict[str, float] = {}  # relay → until when, monotonic

    async def run(self) -> None:
        """Raises StoreFailed when the store does not answer for a while."""
        running: dict[int, asyncio.Task[None]] = {}
        bell = asyncio.create_task(self._bell())
        try:
            while not self._stop.is_set() and await asyncio.to_thread(self._hold_lease):
                is_closing = self._closing.is_set()  # before the look, so that it finds all that was asked
                if bell.done():
                    bell = asyncio.create_task(self._bell())
                for number in await asyncio.to_thread(self._due, running):
                    running[number] = asyncio.create_task(self._carry(number))
                if not running and is_closing:
                    return
                await asyncio.wait([*running.values(), bell], return_when=asyncio.FIRST_COMPLETED)
                for number in [number for number, task in running.items() if task.done()]:
                    running.pop(number).result()
                await self._end_idle(LINGER)
        finally:
            self._database.letters_asked.set()  # so that the bell's thread ends
            await self._last_answers(running)

    # ── the lease ──

    def _hold_lease(self) -> bool:
        """True once the lease is ours; what others left is in doubt from then on, and what is too late
        expires. False when there is no more to wait for while another courier has it."""
        while monotonic() - self._beaten_at >= BEAT or not self._beaten_at:
            now = self._clock.now()
            with self._database.writing() as session:
                holder = leases.acquire(session, letters.LEASE, self._me)
                if holder is None:
                    letters.doubt(session, self._me, now)
                    letters.expire(session, now)
                    letters.prune(session, now - self._keep)
                    self._beaten_at = monotonic()
                    return True
            if self._closing.is_set() or self._clock.wait(ROUND, self._stop):
                return False
        return True

    def _beat(self) -> None:
        with self._database.writing() as session:
            leases.beat(session, letters.LEASE, self._me)

    def _release(self) -> None:
        with self._database.writing() as session:
            leases.release(session, letters.LEASE, self._me)

    async def _last_answers(self, running: dict[int, asyncio.Task[None]]) -> None:
        """Wait for what is on the wire, and say meanwhile that we live."""
        while any(not task.done() for task in running.values()):
            await asyncio.wait(running.values(), timeout=BEAT)
            with suppress(StoreFailed):
                await asyncio.to_thread(self._beat)
        await self._end_idle(0)
        with suppress(StoreFailed):
            await asyncio.to_thread(self._release)
        for task in running.values():
            task.result()

    # ── which letters ──

    async def _bell(self) -> None:
        """Until somebody in this process asks for a letter, or it is time to look again."""
        await asyncio.to_thread(self._database.letters_asked.wait, ROUND)
        self._database.letters_asked.clear()

    def _due(self, running: Iterable[int]) -> list[int]:
        in_hand = list(running)
        with self._database.reading() as session:
            return letters.due(session, self._clock.now(), without=in_hand, limit=CONNECTIONS - len(in_hand))

    async def _carry(self, number: int) -> None:
        letter = await asyncio.to_thread(self._claim, number)
        if letter is not None:
            outcome = await self._outcome(letter)
            await patiently(self._settle, letter, outcome)

    def _claim(self, number: int) -> LetterInHand | None:
        with self._database.writing() as session:
            return letters.claim(session, number, self._me, self._clock.now())

    def _settle(self, letter: LetterInHand, outcome: Outcome) -> None:
        now = self._clock.now()
        # A refusal that is about us never costs somebody their letter
        state = DeliveryState.DEFERRED if outcome.fate is Fate.STOP else STATE_OF[outcome.fate]
        pause = PAUSES[min(letter.attempt, len(PAUSES)) - 1]
        with self._database.writing() as session:
            letters.settle(session, letter, self._me, state, outcome, now, next_at=now + pause)
        if state is not DeliveryState.SENT:
            why = without_addresses(outcome.reply)
            log.warning("letter_not_sent", letter=letter.id, kind=letter.kind, state=state, why=why)

    # ── the wire ──

    async def _outcome(self, letter: LetterInHand) -> Outcome:
        try:
            sender, content = await asyncio.to_thread(self._compose, letter)
        except NewsletterError as error:
            log.error("letter_not_composed", letter=letter.id, kind=letter.kind, why=error.sentence)
            return Outcome(Fate.REFUSED, Phase.MAIL, text=error.sentence)
        outcome = NOWHERE
        for relay in await asyncio.to_thread(self._in_order, letter.avoid, self._clock.now()):
            outcome = await self._over(relay, sender, letter.address, content)
            if outcome.fate not in (Fate.LOST, Fate.STOP):
                break
            self._avoided[relay.name] = monotonic() + AVOIDED
        return outcome

    def _in_order(self, avoid: str, now: datetime) -> list[Relay]:
        """The relay that a person chose, then the others by their priority; those that could not be had
        lately come after, and the one to be avoided last."""
        with self._database.reading() as session:
            down = relays.down_lately(session, now)
            first = relays.preferred(session, [relay.name for relay in self._lineup])
        lately = {name for name, until in self._avoided.items() if monotonic() < until}

        def rank(relay: Relay) -> tuple[bool, bool, bool]:
            return relay.name == avoid, relay.name in down or relay.name in lately, relay.name != first

        return sorted(self._lineup, key=rank)

    async def _over(self, relay: Relay, sender: str, to: str, content: Content) -> Outcome:
        """Try one relay, first over a connection that stands; that it has ended meanwhile is no fault."""
        standing = next((idle for idle in self._idle if idle.relay is relay), None)
        if standing is not None:
            self._idle.remove(standing)
            outcome = await self._send(standing.session, relay, sender, to, content)
            if outcome.fate is not Fate.LOST:
                return outcome
        try:
            session = await open_session(relay, timeouts=PATIENCE)
        except NotOpened as error:
            # Whatever it said at the door, the letter was not even named
            return error.outcome._replace(fate=Fate.LOST)
        return await self._send(session, relay, sender, to, content)

    async def _send(self, session: Session, relay: Relay, sender: str, to: str, content: Content) -> Outcome:
        try:
            outcome = await session.send(sender, to, content)
        except BaseException:
            await session.close()
            raise
        if session.usable:
            self._idle.append(_Idle(relay, session, monotonic()))
        else:
            await session.close()
        return outcome

    async def _end_idle(self, after: float) -> None:
        """Say goodbye over connections that have waited so many seconds."""
        old = [idle for idle in self._idle if monotonic() - idle.since >= after]
        self._idle = [idle for idle in self._idle if idle not in old]
        await asyncio.gather(*(idle.session.close() for idle in old))
