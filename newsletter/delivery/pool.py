"""The connections to a relay: as many as it allows, each taking the next mail when it is free.

The first connection opens as soon as a batch is being delivered; the others when there is mail for
them. While none can be opened the relay counts as down: nobody begins a row then, so that nothing
is in doubt on its account.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from functools import partial

from newsletter.config import Relay
from newsletter.delivery.post import Post, Sender
from newsletter.errors import Misuse
from newsletter.mail.envelope import Letter
from newsletter.mail.smtp import NotOpened, Session, Timeouts, open_session
from newsletter.values import Fate, Outcome, Phase, Recipient

log = logging.getLogger(__name__)

LINGER = 5.0  # seconds that an idle connection is kept for the next batch
LONGEST_PAUSE = 60.0  # seconds between two tries to open a connection


class Pool:
    def __init__(self, relay: Relay, post: Post, timeouts: Timeouts) -> None:
        self.relay = relay
        self._post = post
        self._timeouts = timeouts
        self._open = 0
        self._opened = asyncio.Event()
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

    async def close(self) -> None:
        """End every connection; call it when no mail is on the wire."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _work(self, number: int) -> None:
        while True:
            if self._post.has_mail or (number == 0 and self._post.is_wanted):
                try:
                    await self._connect_and_send()
                except Exception:
                    # A connection that died of a bug of ours must not take a share of the morning with it
                    log.exception("a connection to %s failed and is opened again", self.relay.name)
                    await asyncio.sleep(1)
            else:
                await self._post.changed(LINGER)

    async def _connect_and_send(self) -> None:
        session = await self._connect()
        if session is None:
            return
        self._open += 1
        self._opened.set()
        try:
            await self._send_all(session)
        finally:
            self._open -= 1
            if not self.is_open:
                self._opened.clear()
            await session.close()

    async def _connect(self) -> Session | None:
        try:
            session = await open_session(self.relay, timeouts=self._timeouts)
        except NotOpened as error:
            if not self.is_open:
                self.trouble = error
            self.failures += 1
            await asyncio.sleep(min(LONGEST_PAUSE, 2.0 ** min(self.failures // self.relay.connections, 6)))
            return None
        self.trouble, self.failures = None, 0
        return session

    async def _send_all(self, session: Session) -> None:
        """Send mail after mail until the connection is used up, broken, or idle for long."""
        hand = _Hand(self._post, self.relay)
        while session.usable and hand.left:
            before = hand.left
            await session.carry(hand.take)
            if hand.left == before and not await self._post.changed(LINGER):
                return


class _Hand:
    """What one connection takes from the counter, as often as the relay allows, and answers for."""

    def __init__(self, post: Post, relay: Relay) -> None:
        self._post = post
        self._relay = relay
        self._has_served = False
        self.left = relay.messages_per_connection

    def take(self) -> Letter | None:
        while self.left and (mail := self._post.next()) is not None:
            sender, recipient = mail
            try:
                envelope, content = sender.letter(recipient)
            except Misuse as error:
                # One reader whose address no header may hold: nobody else waits for that
                outcome = Outcome(Fate.REFUSED, Phase.MAIL, text=error.sentence, relay=self._relay.name)
                sender.answer(recipient, outcome)
            else:
                self.left -= 1
                return Letter(envelope, recipient.address, content, partial(self._answer, sender, recipient))
        return None

    def _answer(self, sender: Sender, recipient: Recipient, outcome: Outcome) -> None:
        if self._has_served and outcome.fate is Fate.LOST and outcome.phase is Phase.MAIL:
            # A connection that has served others has come to its end; that is not this mail's doing
            self._post.put_back(sender, recipient)
            return
        self._has_served = True
        sender.answer(recipient, outcome)
