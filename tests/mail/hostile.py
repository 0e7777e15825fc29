"""Relays that say whatever a test puts into their mouth."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

from newsletter.config import Relay
from newsletter.mail.smtp import Timeouts

CLOSE = b"\0close"  # in place of an answer: close without a word
DEAF = b"\0deaf"  # in place of an answer: say nothing more, and read nothing more
QUICK = Timeouts(connect=5, greeting=0.3, command=0.3, data=0.3, block=0.3, dot=0.3, quit=0.3)
HELLO = (b"220 hi\r\n", b"250 hi\r\n")
PIPELINING = b"250-hi\r\n250 PIPELINING\r\n"
GO_ON = (*HELLO, b"250 mail\r\n", b"250 rcpt\r\n", b"354 go\r\n")
CONTENT = 0  # in a script for `relay_doing`: hear a whole content


@dataclass
class Heard:
    """What the relay heard: the lines of commands, and whatever came as content."""

    relay: Relay
    lines: list[bytes] = field(default_factory=list)
    contents: list[bytes] = field(default_factory=list)
    rest: bytes = b""  # what came after the script's end


def relay_saying(*answers: bytes) -> AbstractAsyncContextManager[Heard]:
    """The first answer greets; each command line, and each content after a 354, is given the next."""
    return _relay(partial(_talk, answers))


def relay_doing(*script: bytes | float) -> AbstractAsyncContextManager[Heard]:
    """Says what is bytes, and hears what is a whole number: so many lines, or CONTENT, before it goes on.
    So a script proves what was written without waiting for an answer. A fraction is a pause, in seconds.
    """
    return _relay(partial(_do, script))


@asynccontextmanager
async def _relay(
    talk: Callable[[Heard, asyncio.StreamReader, asyncio.StreamWriter], Coroutine[None, None, None]],
) -> AsyncIterator[Heard]:
    talks: set[asyncio.Task[None]] = set()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.add(asyncio.create_task(talk(heard, reader, writer)))

    server = await asyncio.start_server(begin, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    heard = Heard(Relay(name="odd", host="127.0.0.1", port=port, tls="none"))
    try:
        yield heard
    finally:
        server.close()
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


async def _talk(
    answers: Sequence[bytes], heard: Heard, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    try:
        for answer in answers:
            if answer == CLOSE:
                return
            if answer == DEAF:
                await asyncio.Event().wait()
            writer.write(answer)
            await writer.drain()
            if answer.startswith(b"354") and DEAF not in answers:
                heard.contents.append(await reader.readuntil(b"\r\n.\r\n"))
            elif not answer.startswith(b"354"):
                heard.lines += (await reader.readline()).splitlines()
        while await reader.read(65_536):
            pass
    except (ConnectionError, asyncio.IncompleteReadError):
        return
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)


async def _do(
    script: Sequence[bytes | float], heard: Heard, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    try:
        for step in script:
            if step == CLOSE:
                return
            if step == DEAF:
                await asyncio.Event().wait()
            if isinstance(step, bytes):
                writer.write(step)
                await writer.drain()
                await asyncio.sleep(0)  # so that what is cut into steps also arrives so, mostly
            elif isinstance(step, float):
                await asyncio.sleep(step)
            elif step == CONTENT:
                heard.contents.append(await reader.readuntil(b".\r\n"))
            else:
                heard.lines += [(await reader.readuntil(b"\r\n")).strip() for _ in range(step)]
        while more := await reader.read(65_536):
            heard.rest += more
    except (ConnectionError, asyncio.IncompleteReadError):
        return
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)
