"""The connections to a relay: as many as it allows, each taking the next mail when it is free.

Only a pool that was called takes mail; one that rests ends its connections after the mail in hand.
The first connection opens as soon as a batch is being delivered; the others when there is mail for
them. Shortly before an edition's minute as many open as will be needed, so that none has to greet and
sign in first when it strikes. While none is open nobody begins a row, so that nothing is in doubt on the
relay's account.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from newsletter import logs
from newsletter.config import Relay
from newsletter.delivery.post import Post, Sender
from newsletter.errors import Misuse
from newsletter.mail.envelope import Envelope
from newsletter.mail.smtp import NotOpened, Session, Timeouts, open_session
from newsletter.values import Fate, Outcome, Phase, Recipient

log = logs.get(__name__)

LINGER = 5.0  # seconds that an idle connection is kept for the next batch
LONGEST_PAUSE = 60.0  # seconds between two tries to open a connection

Mail = tuple[Sender, Recipient]


class Pool:
    def __init__(self, relay: Relay, post: Post, timeouts: Timeouts) -> None:
        self.relay = relay
        self._post = post
        self._timeouts = timeouts
        self._open = 0
        self._at_work: set[int] = set()  # connections that are open, or being opened, by their numbers
        self.allowed = relay.connections
        self._opened = asyncio.Event()
        self._is_called = False
        self._called_anew = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.trouble: NotOpened | None = None
        self.failures = 0

    @property
    def is_open(self) -> bool:
        return self._open > 0

    async def until_open(self, seconds: float) -> None:
        """Wait until a connection is open, `seconds` at most."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._opened.wait(), seconds)

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._work(number)) for number in range(self.relay.connections)]

    def call(self) -> None:
        """Take mail from now on, at once, however long ago a connection failed."""
        self._is_called, self.trouble, self.failures = True, None, 0
        self._called_anew.set()
        self._post.stir()

    def allow(self, connections: int) -> None:
        """Be content with so many; those above end after the mail in hand."""
        self.allowed = connections
        self._post.stir()

    @property
    def surplus(self) -> int:
        """Connections that are to end, and have not yet."""
        return sum(number >= self.allowed for number in self._at_work)

    def _may_take(self, number: int) -> bool:
        return self._is_called and number < self.allowed

    def rest(self) -> None:
        """Take no more mail; what is on the wire is still awaited."""
        self._is_called = False
        self._called_anew.clear()

    async def close(self) -> None:
        """End every connection; call it when no mail is on the wire."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _work(self, number: int) -> None:
        while True:
            has_work = self._post.has_mail or (number == 0 and self._post.is_wanted)
            is_early = not has_work and number < self._post.expected
            if self._may_take(number) and (has_work or is_early):
                self._at_work.add(number)
                try:
                    await self._connect_and_send(number)
                except Exception:
                    # A connection that died of a bug of ours must not take a share of the morning with it
                    log.exception("connection_failed", relay=self.relay.name)
                    await asyncio.sleep(1)
                finally:
                    self._at_work.discard(number)
                if is_early:
                    await self._post.changed(LINGER)  # who closes at once is not asked again and again
            else:
                await self._post.changed(LINGER)

    async def _connect_and_send(self, number: int) -> None:
        session = await self._connect()
        if session is None:
            return
        self._open += 1
        self._opened.set()
        try:
            await self._send_all(session, number)
        finally:
            self._open -= 1
            if not self.is_open:
                self._opened.clear()
            self._post.stir()  # a lane may have room again
            await session.close()

    async def _connect(self) -> Session | None:
        try:
            session = await open_session(self.relay, timeouts=self._timeouts)
        except NotOpened as error:
            if not self.is_open:
                self.trouble = error
            self.failures += 1
            await self._pause(min(LONGEST_PAUSE, 2.0 ** min(self.failures // self.relay.connections, 6)))
            return None
        self.trouble, self.failures = None, 0
        return session

    async def _pause(self, seconds: float) -> None:
        """Until it is time to try again, or the pool is called anew."""
        self._called_anew.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._called_anew.wait(), seconds)

    def _next(self, number: int, in_hand: Counter[str]) -> Mail | None:
        return self._post.next(in_hand) if self._may_take(number) else None

    async def _send_all(self, session: Session, number: int) -> None:
        """Send mail after mail until the connection is used up, broken, or idle for long."""
        hand = _Hand(partial(self._next, number), self._post, self.relay)
        while session.usable and hand.left:
            before = hand.left
            await session.carry(hand.take)
            idle = hand.left == before
            if idle and not (self._may_take(number) and await self._is_wanted_again()):
                return

    async def _is_wanted_again(self) -> bool:
        """Whether anything happens while an idle connection is kept, or will within seconds."""
        return await self._post.changed(LINGER) or self._post.expected > 0


class _Hand:
    """What one connection takes from the counter, as often as the relay allows, and answers for."""

    def __init__(self, next_mail: Callable[[Counter[str]], Mail | None], post: Post, relay: Relay) -> None:
        self._next = next_mail
        self._post = post
        self._relay = relay
        self._has_served = False
        self._in_hand: Counter[str] = Counter()  # mails by lane
        self._carried: Counter[str] = Counter()
        self.left = relay.messages_per_connection

    def take(self) -> Envelope | None:
        while self.left and (mail := self._next(self._in_hand)) is not None:
            sender, recipient = mail
            try:
                return_path, content = sender.message(recipient)
            except Misuse as error:
                # One reader whose address no header may hold: nobody else waits for that
                outcome = Outcome(Fate.REFUSED, Phase.MAIL, text=error.sentence, relay=self._relay.name)
                self._post.give_up(self._in_hand, sender.lane)
                sender.answer(recipient, outcome)
            else:
                self._count(sender.lane)
                return Envelope(
                    return_path, recipient.address, content, partial(self._answer, sender, recipient)
                )
        return None

    def _count(self, lane: str) -> None:
        self.left -= 1
        self._carried[lane] += 1
        if self._carried[lane] == self._post.messages_over_one(lane):
            self.left = 0  # what is in hand still goes

    def _answer(self, sender: Sender, recipient: Recipient, outcome: Outcome) -> None:
        self._post.give_up(self._in_hand, sender.lane)
        if self._has_served and outcome.fate is Fate.LOST and outcome.phase is Phase.MAIL:
            # A connection that has served others has come to its end; that is not this mail's doing
            self._post.put_back(sender, recipient)
            return
        self._has_served = True
        sender.answer(recipient, outcome)
