"""Patience with the store: of a mail that was handed over nobody knows but this process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import ParamSpec, TypeVar

from newsletter.errors import StoreFailed

P = ParamSpec("P")
T = TypeVar("T")

TRIES = 5
PAUSE = 2.0  # seconds between them


async def patiently(write: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Write in a thread, and again while a full disk or a restarting database stands in the way.

    Raises StoreFailed when it still does after `TRIES`.
    """
    for _ in range(TRIES):
        with suppress(StoreFailed):
            return await asyncio.to_thread(write, *args, **kwargs)
        await asyncio.sleep(PAUSE)
    return await asyncio.to_thread(write, *args, **kwargs)
