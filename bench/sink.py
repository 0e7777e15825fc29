"""A fast sink in a process of its own: says yes to everything and throws every mail away.

It checks nothing and keeps nothing but two counts, so that the sender is what is measured. It offers
no extensions. Prints its port, then at SIGTERM what it took:  python -m bench.sink
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time

END = b"\r\n.\r\n"
ANSWERS = {b"EHLO": b"250 sink\r\n", b"DATA": b"354 go ahead\r\n", b"QUIT": b"221 bye\r\n"}


class Sink:
    def __init__(self) -> None:
        self.mails = 0
        self.bytes = 0


class Connection(asyncio.Protocol):
    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._rest = b""
        self._in_content = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        self._sink.bytes += len(data)
        self._rest += data
        while self._content() if self._in_content else self._command():
            pass

    def _command(self) -> bool:
        line, end, rest = self._rest.partition(b"\r\n")
        if not end:
            return False
        verb = line[:4].upper()
        self._in_content = verb == b"DATA"
        # What follows DATA is looked at with the line end before it, so that a mail may be a mere dot
        self._rest = end + rest if self._in_content else rest
        self._transport.write(ANSWERS.get(verb, b"250 ok\r\n"))
        if verb == b"QUIT":
            self._transport.close()
        return True

    def _content(self) -> bool:
        end = self._rest.find(END)
        if end < 0:
            self._rest = self._rest[1 - len(END) :]
            return False
        self._rest = self._rest[end + len(END) :]
        self._in_content = False
        self._sink.mails += 1
        self._transport.write(b"250 2.0.0 ok\r\n")
        return True


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
