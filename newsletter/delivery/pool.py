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
from newsletter.delivery.post import Post
from newsletter.errors import Misuse
from newsletter.mail.envelope import Letter
from newsletter.mail.smtp import NotOpened, Session, Timeouts, open_session
from newsletter.values import Fate, Outcome, Phase

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
        left = self.relay.messages_per_connection

        def take() -> Letter | None:
            nonlocal left
            letter = self._letter() if left else None
            left -= letter is not None
            return letter

        while session.usable and left:
            before = left
            await session.carry(take)
            if left == before and not await self._post.changed(LINGER):
                return

    def _letter(self) -> Letter | None:
        """The next mail in its envelope, and its batch to be told what came of it."""
        while (mail := self._post.next()) is not None:
            sender, recipient = mail
            try:
                envelope, content = sender.letter(recipient)
            except Misuse as error:
                # One reader whose address no header may hold: nobody else waits for that
                outcome = Outcome(Fate.REFUSED, Phase.MAIL, text=error.sentence, relay=self.relay.name)
                sender.answer(recipient, outcome)
            else:
                return Letter(envelope, recipient.address, content, partial(sender.answer, recipient))
        return None
