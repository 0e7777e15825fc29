"""A fast sink in a process of its own: says yes to everything and throws every mail away.

It checks nothing and keeps nothing but two counts, so that the sender is what is measured. It offers
PIPELINING and nothing else, and answers all that came at once with one write, as servers do that offer it.
Prints its port, then at SIGTERM what it took:  python -m bench.sink
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time

END = b"\r\n.\r\n"
ROOM = 262_144  # bytes taken from a socket at once
ANSWERS = {
    b"EHLO": b"250-sink\r\n250 PIPELINING\r\n",
    b"HELO": b"250 sink\r\n",
    b"DATA": b"354 go ahead\r\n",
    b"QUIT": b"221 bye\r\n",
}


class Sink:
    def __init__(self) -> None:
        self.mails = 0
        self.bytes = 0


class Connection(asyncio.BufferedProtocol):
    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._buffer = bytearray(ROOM)
        self._view = memoryview(self._buffer)
        self._held = 0  # bytes at the buffer's beginning that are no whole line yet
        self._in_content = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(b"220 sink ESMTP\r\n")

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's name
        return self._view[self._held :]

    def buffer_updated(self, nbytes: int) -> None:
        self._sink.bytes += nbytes
        start, end = 0, self._held + nbytes
        answers = []
        while True:
            mark = END if self._in_content else END[:2]
            at = self._buffer.find(mark, start, end)
            if at < 0:
                break
            answers.append(self._content() if self._in_content else self._command(start))
            # What follows DATA is looked at with the line end before it, so that a mail may be a mere dot
            start = at if self._in_content else at + len(mark)
        if self._in_content:
            start = max(start, end + 1 - len(END))
        self._held = end - start
        self._buffer[: self._held] = self._buffer[start:end]
        if answers:
            self._transport.write(b"".join(answers))
            if answers[-1] == ANSWERS[b"QUIT"]:
                self._transport.close()

    def _command(self, start: int) -> bytes:
        verb = bytes(self._buffer[start : start + 4]).upper()
        self._in_content = verb == b"DATA"
        return ANSWERS.get(verb, b"250 ok\r\n")

    def _content(self) -> bytes:
        self._in_content = False
        self._sink.mails += 1
        return b"250 2.0.0 ok\r\n"


async def main() -> None:
    started, sink, loop, stop = time.process_time(), Sink(), asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    server = await loop.create_server(lambda: Connection(sink), "127.0.0.1", 0)
    _say({"port": server.sockets[0].getsockname()[1]})
    await stop.wait()
    server.close()
    _say({"mails": sink.mails, "bytes": sink.bytes, "cpu": time.process_time() - started})


def _say(words: dict[str, float]) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
