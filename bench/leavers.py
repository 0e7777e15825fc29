"""Readers who leave by their mail client's one click, from a process of its own: POSTs as RFC 8058 has them.

Reads from standard input where to, how many at once, how many a second (0: as many as go) and the paths;
prints what came of it as JSON:  python -m bench.leavers < FILE
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Iterator
from typing import Any

BODY = b"List-Unsubscribe=One-Click"


def main() -> None:
    asked = json.load(sys.stdin)
    sys.stdout.write(json.dumps(asyncio.run(_leave(asked))) + "\n")


async def _leave(asked: dict[str, Any]) -> dict[str, float]:
    paths, taken = iter(asked["paths"]), list[float]()
    pause = asked["at_once"] / asked["per_second"] if asked["per_second"] else 0.0
    started = time.perf_counter()
    refused = sum(
        await asyncio.gather(*(_client(asked["port"], paths, taken, pause) for _ in range(asked["at_once"])))
    )
    return {
        "a second": len(taken) / (time.perf_counter() - started),
        "median ms": 1e3 * statistics.median(taken),
        "99 of 100 within ms": 1e3 * statistics.quantiles(taken, n=100)[98],
        "slowest ms": 1e3 * max(taken),
        "refused": refused,
    }


async def _client(port: int, paths: Iterator[str], taken: list[float], pause: float) -> int:
    """One connection's POSTs, one after another; gives how many were not answered by 200."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    refused = 0
    for path in paths:
        started = time.perf_counter()
        writer.write(
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(BODY)}\r\n\r\n".encode()
            + BODY
        )
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        await reader.readexactly(length)
        taken.append(time.perf_counter() - started)
        refused += not head.startswith(b"HTTP/1.1 200")
        await asyncio.sleep(max(0.0, pause - taken[-1]))
    writer.close()
    return refused


if __name__ == "__main__":
    main()
