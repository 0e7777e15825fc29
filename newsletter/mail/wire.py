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
from newsletter.mail.headers import is_clean
from newsletter.mail.replies import SERVICE_CLOSING, BadReply, Reply, ReplyReader

BLOCK = 65_536  # bytes of content between two looks at whether the relay still takes them


class WireFailed(RelayFailed):
    """The connection is of no more use; the sentence says why."""


def command(text: str) -> bytes:
    """The only way to a command line. Raises Misuse for anything that could end the line early."""
    if not is_clean(text):
        raise Misuse("An SMTP command would hold a control character.", next_step="remove it from the value")
    return f"{text}\r\n".encode()


def is_wire_ready(content: bytes) -> bool:
    """True when every line ends with CRLF: a lone CR or LF lets some server see another end of mail."""
    return content.count(b"\r\n") == content.count(b"\n") == content.count(b"\r")


def dot_stuffed(content: bytes) -> bytes:
    """The content as it goes over the wire, with its end (RFC 5321 §4.5.2)."""
    if content.startswith(b".") or b"\r\n." in content:
        content = (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:]
    return content + (b".\r\n" if content.endswith(b"\r\n") else b"\r\n.\r\n")


class Wire(asyncio.Protocol):
    def __init__(self) -> None:
        self._reader = ReplyReader()
        self._replies: deque[Reply] = deque()
        self._owed = 1  # replies still to come: the greeting
        self._failure = ""
        self._news: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None
        self._is_full = False
        self.transport: asyncio.Transport
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def usable(self) -> bool:
        return not self._failure

    # ── what the event loop tells ──

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            for reply in self._reader.feed(data):
                self._take(reply)
        except BadReply as error:
            self.fail(error.sentence)
        if not self._reader.is_between and self._owed == len(self._replies):
            self.fail("The relay spoke out of turn.")
        _finish(self._news)

    def eof_received(self) -> None:
        self.fail("The relay closed the connection.")

    def connection_lost(self, exc: Exception | None) -> None:
        self.fail(f"The connection was lost: {exc}." if exc else "The relay closed the connection.")
        _finish(self.gone)

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False
        _finish(self._room)

    # ── what a session asks ──

    def write(self, data: bytes | memoryview, *, replies: int) -> None:
        """Write; `replies` more are owed then. Raises WireFailed when the connection is of no more use."""
        self._check()
        self._owed += replies
        self.transport.write(data)

    async def write_content(self, content: bytes, seconds: float) -> None:
        """Write block by block, each within `seconds`; only with the last, one reply is owed.

        Raises WireFailed when the last block was not written: nothing can have been accepted then.
        """
        view = memoryview(content)
        for start in range(0, len(view), BLOCK):
            await self._until_room(seconds)
            self.write(view[start : start + BLOCK], replies=int(start + BLOCK >= len(view)))

    async def read(self, seconds: float) -> Reply:
        """The next reply that is owed. Raises WireFailed when none comes within `seconds`."""
        while not self._replies:
            self._check()
            self._news = asyncio.get_running_loop().create_future()
            await self._within(seconds, self._news, f"The relay was silent for {seconds:g} seconds.")
        self._owed -= 1
        return self._replies.popleft()

    async def start_tls(self, context: ssl.SSLContext, host: str, seconds: float) -> None:
        """RFC 3207 §4. Raises WireFailed, also when the relay said anything before the handshake: every
        byte that nobody asked for has ended the connection by then."""
        self._check()
        try:
            secured = await asyncio.get_running_loop().start_tls(
                self.transport, self, context, server_hostname=host, ssl_handshake_timeout=seconds
            )
        except OSError as error:  # TLS errors and time-outs are of this kind
            _finish(self.gone)  # asyncio does not tell a protocol whose handshake failed
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
        _finish(self._news)
        _finish(self._room)
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
        if self._is_full:
            self._room = asyncio.get_running_loop().create_future()
            await self._within(seconds, self._room, f"The relay took nothing for {seconds:g} seconds.")

    async def _within(self, seconds: float, future: asyncio.Future[None], sentence: str) -> None:
        try:
            async with asyncio.timeout(seconds):
                await future
        except TimeoutError:
            raise self.fail(sentence) from None


def _finish(future: asyncio.Future[None] | None) -> None:
    if future is not None and not future.done():
        future.set_result(None)
