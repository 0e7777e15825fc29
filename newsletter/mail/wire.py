"""One TCP connection to a relay: one function writes, one reads a reply, and each has its time.

Whatever is out of step ends the connection: an answer nobody asked for, bytes that are no reply,
silence for too long. An answer can then never be taken for that of another command.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from typing import cast

from newsletter.errors import Misuse, RelayFailed
from newsletter.mail.content import Content
from newsletter.mail.headers import is_clean
from newsletter.mail.replies import SERVICE_CLOSING, BadReply, Reply, ReplyReader

BLOCK = 262_144  # bytes of content between two looks at whether the relay still takes them
READ = 16_384  # bytes taken from the socket at once


class WireFailed(RelayFailed):
    """The connection is of no more use; the sentence says why."""


def command(text: str) -> bytes:
    """The only way to a command line. Raises Misuse for anything that could end the line early."""
    if not is_clean(text):
        raise Misuse("An SMTP command would hold a control character.", next_step="remove it from the value")
    return f"{text}\r\n".encode()


class Wire(asyncio.BufferedProtocol):
    """Buffered, for asyncio otherwise makes a quarter of a megabyte of room for each reply."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._space = memoryview(bytearray(READ))
        self._reader = ReplyReader()
        self._replies: deque[Reply] = deque()
        self._owed = 1  # replies still to come: the greeting
        self._failure = ""
        self._is_full = False
        self._waiter: asyncio.Future[bool] | None = None
        self._deadline = 0.0
        self._alarm: asyncio.TimerHandle | None = None
        self.transport: asyncio.Transport
        self.gone: asyncio.Future[None] = self._loop.create_future()

    @property
    def usable(self) -> bool:
        return not self._failure

    # ── what the event loop tells ──

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's name
        return self._space

    def buffer_updated(self, nbytes: int) -> None:
        try:
            for reply in self._reader.feed(bytes(self._space[:nbytes])):
                self._take(reply)
        except BadReply as error:
            self.fail(error.sentence)
        if not self._reader.is_between and self._owed == len(self._replies):
            self.fail("The relay spoke out of turn.")
        self._wake()

    def eof_received(self) -> None:
        self.fail("The relay closed the connection.")

    def connection_lost(self, exc: Exception | None) -> None:
        self.fail(f"The connection was lost: {exc}." if exc else "The relay closed the connection.")
        self._close()

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False
        self._wake()

    # ── what a session asks ──

    def write(self, data: bytes | memoryview, *, replies: int) -> None:
        """Write; `replies` more are owed then. Raises WireFailed when the connection is of no more use."""
        self._check()
        self._owed += replies
        self.transport.write(data)

    async def write_content(self, content: Content, tail: bytes, seconds: float, *, replies: int) -> None:
        """Write a message and its `tail`, a large one block by block, each within `seconds`; only with
        the last, which holds the final dot, `replies` more are owed.

        Raises WireFailed when the last block was not written: nothing can have been accepted then.
        """
        last = content.segments
        if content.size > BLOCK:
            whole = memoryview(b"".join(content.segments))
            *blocks, last_block = [whole[start : start + BLOCK] for start in range(0, len(whole), BLOCK)]
            last = [bytes(last_block)]
            for block in blocks:
                await self._until_room(seconds)
                self.write(block, replies=0)
        await self._until_room(seconds)
        self._check()
        self._owed += replies
        self.transport.writelines([*last, tail])

    async def read(self, seconds: float, *, waited: float = 0.0) -> Reply:
        """The next reply that is owed. Raises WireFailed when none comes within `seconds`, of which so
        many were `waited` already."""
        if not await self.answers_within(seconds - waited):
            raise self.fail(f"The relay was silent for {seconds:g} seconds.")
        if not self._replies:
            self._check()
        self._owed -= 1
        return self._replies.popleft()

    async def answers_within(self, seconds: float) -> bool:
        """Wait for the next reply, or the end; False when neither has come within `seconds`."""
        if self._replies or self._failure:
            return True
        deadline = self._loop.time() + seconds
        while not self._replies and not self._failure:
            if not await self._news(deadline):
                return False
        return True

    async def start_tls(self, context: ssl.SSLContext, host: str, seconds: float) -> None:
        """RFC 3207 §4. Raises WireFailed, also when the relay said anything before the handshake: every
        byte that nobody asked for has ended the connection by then."""
        self._check()
        try:
            secured = await self._loop.start_tls(
                self.transport, self, context, server_hostname=host, ssl_handshake_timeout=seconds
            )
        except OSError as error:  # TLS errors and time-outs are of this kind
            self._close()  # asyncio does not tell a protocol whose handshake failed
            raise self.fail(f"The TLS handshake failed: {error}.") from error
        if secured is None:
            raise self.fail("The connection was lost during the TLS handshake.")
        self.transport = secured

    async def end(self) -> None:
        """Close at once, and wait until the socket is gone."""
        self.fail("The connection was closed by us.")
        await self.gone

    def fail(self, sentence: str) -> WireFailed:
        """End the connection; the first reason stays the reason."""
        if not self._failure:
            self._failure = sentence
            self.transport.abort()
        self._wake()
        return WireFailed(self._failure)

    # ── inside ──

    def _take(self, reply: Reply) -> None:
        if len(self._replies) < self._owed:
            self._replies.append(reply)
        elif reply.code == SERVICE_CLOSING:
            self.fail(f"The relay said goodbye: {reply.code} {reply.text}")
        else:
            self.fail("The relay spoke out of turn.")

    def _check(self) -> None:
        if self._failure:
            raise WireFailed(self._failure)

    async def _until_room(self, seconds: float) -> None:
        deadline = self._loop.time() + seconds
        while self._is_full and not self._failure:
            if not await self._news(deadline):
                raise self.fail(f"The relay took nothing for {seconds:g} seconds.")

    async def _news(self, deadline: float) -> bool:
        """Wait until something happens; False when the deadline comes first.

        Deadlines mostly move on before they come, so one alarm serves many: it rings at the earliest
        and looks again.
        """
        self._waiter, self._deadline = self._loop.create_future(), deadline
        if self._alarm is None or self._alarm.when() > deadline:
            self._set_alarm(deadline)
        return await self._waiter

    def _set_alarm(self, at: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = self._loop.call_at(at, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        if self._waiter is None or self._waiter.done():
            return
        if self._loop.time() < self._deadline:
            self._set_alarm(self._deadline)
        else:
            self._waiter.set_result(False)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(True)

    def _close(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        if not self.gone.done():
            self.gone.set_result(None)
