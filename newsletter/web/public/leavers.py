"""Those who leave at the same moment go to the store together.

After an edition has gone out many leave within the same minute, and a commit each would be most of what
that costs. While one round is on its way the next gathers; nobody waits longer than for the round that
is under way and for their own, and each is answered only once theirs is committed.
"""

from __future__ import annotations

import asyncio

from anyio.to_thread import run_sync

from newsletter.runtime import Runtime
from newsletter.services.subscribing import leave_together

Place = tuple[int, int]  # a subscriber's on a newsletter

AT_ONCE = 500


class Leavers:
    """Made for the one event loop that answers them."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._waiting: dict[Place, asyncio.Future[bool]] = {}
        self._rounds: asyncio.Task[None] | None = None

    async def leave(self, place: Place) -> bool:
        """Whether the place was ended just now. Raises what the store raised for the whole round."""
        answer = self._waiting.setdefault(place, asyncio.get_running_loop().create_future())
        if self._rounds is None:
            self._rounds = asyncio.create_task(self._go())
        return await asyncio.shield(answer)

    async def _go(self) -> None:
        while self._waiting:
            asked = {place: self._waiting.pop(place) for place in list(self._waiting)[:AT_ONCE]}
            try:
                now = self._runtime.clock.now()
                ended = await run_sync(leave_together, self._runtime, list(asked), now)
            except Exception as error:
                for answer in asked.values():
                    answer.set_exception(error)
            else:
                for place, answer in asked.items():
                    answer.set_result(place in ended)
        self._rounds = None
