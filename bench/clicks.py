"""Mail clients that leave: one-click POSTs (RFC 8058) over connections that stay open, each timed.

At a rate, a click that is late because the one before it was slow counts from when it was due: whoever
waits in a queue waits too.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median, quantiles
from threading import Event, Thread

from bench.meter import Figure

BODY = b"List-Unsubscribe=One-Click"
SAID = b"You have left"


@dataclass
class Taken:
    """Seconds of each click that was answered with the page it asked for, and how others were answered."""

    seconds: list[float] = field(default_factory=list)
    refused: list[bytes] = field(default_factory=list)
    wall: float = 0.0

    def figures(self) -> dict[str, Figure]:
        return {
            "clicks": len(self.seconds),
            "refused": len(self.refused),
            "clicks/s": round(len(self.seconds) / self.wall, 1),
            "median ms": round(1e3 * median(self.seconds), 1),
            "99 % ms": round(1e3 * quantiles(self.seconds, n=100)[-1], 1),
            "slowest ms": round(1e3 * max(self.seconds), 1),
        }


class Clicks:
    """Clicks through `paths`, one after the other, from `with` to its end or until there are none left.

    `rate` is clicks a second altogether; 0 is as many as are answered.
    """

    def __init__(self, port: int, paths: Iterator[str], *, connections: int, rate: float = 0) -> None:
        self.taken = Taken()
        self._port, self._paths, self._connections, self._rate = port, paths, connections, rate
        self._stop = Event()
        self._clicked = 0
        self._thread = Thread(target=lambda: asyncio.run(self._run()))

    def __enter__(self) -> Clicks:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def for_seconds(self, seconds: float) -> Taken:
        with self:
            self._stop.wait(seconds)
        return self.taken

    async def _run(self) -> None:
        self._started = time.perf_counter()
        await asyncio.gather(*(self._client() for _ in range(self._connections)))
        self.taken.wall = time.perf_counter() - self._started

    async def _client(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        while not self._stop.is_set():
            path = next(self._paths, None)
            if path is None:
                break
            due = await self._turn()
            writer.write(_request(path))
            head = await reader.readuntil(b"\r\n\r\n")
            page = await reader.readexactly(_length(head))
            if head.startswith(b"HTTP/1.1 200 ") and SAID in page:
                self.taken.seconds.append(time.perf_counter() - due)
            else:
                self.taken.refused.append(head.partition(b"\r\n")[0])
        writer.close()

    async def _turn(self) -> float:
        """Wait for the next click's moment, and give it."""
        if not self._rate:
            return time.perf_counter()
        due = self._started + self._clicked / self._rate
        self._clicked += 1
        await asyncio.sleep(due - time.perf_counter())
        return due


def _request(path: str) -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(BODY)}\r\n\r\n"
    ).encode() + BODY


def _length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
