"""Shares: over how many connections this process may send, so that all workers together keep to the limits.

What a relay and a lane allow is divided among the workers that could use it, and each divides it for
itself, alike, from what all of them claim. One that has more than its part lets go of the rest as
mails are answered, and only then somebody else counts on it: so the sum never exceeds the limit, and a
worker that joins has its part within some seconds. Claims are renewed at each look; those of a worker
that died lapse. Where one process alone delivers, everything is its own.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from newsletter.clock import monotonic
from newsletter.config import Lane
from newsletter.delivery.pace import Pace, of_lane, of_relay
from newsletter.delivery.post import Post
from newsletter.delivery.relays import Relays
from newsletter.errors import StoreFailed
from newsletter.store import shares
from newsletter.store.database import Database
from newsletter.values import Claim

LAPSE = 10.0  # seconds without a look, after which a worker's connections are others'


def divide(limit: int, claims: Sequence[Claim]) -> Counter[str]:
    """How many of `limit` connections are each worker's, by its name.

    Everybody gets one, then another, as long as they could use it; who has mail in hand comes first, and
    then who has a connection already. More than one is for who has nothing to send only if it is left.
    """
    units = [(claim, number) for claim in claims for number in range(claim.wanted)]
    units.sort(key=lambda unit: (unit[1] > 0 and not unit[0].is_busy, unit[1], *_turn(unit[0])))
    return Counter(claim.worker for claim, _ in units[:limit])


def _turn(claim: Claim) -> tuple[bool, bool, str]:
    return not claim.is_busy, not claim.held, claim.worker


class Shares:
    """`among_workers` says whether other processes send over the same relays."""

    def __init__(
        self, database: Database, relays: Relays, post: Post, pace: Pace, lanes: Sequence[Lane], *,
        among_workers: bool,
    ) -> None:  # fmt: skip
        self._database = database
        self._relays = relays
        self._post = post
        self._pace = pace
        self._among_workers = among_workers
        self._lanes = {of_lane(lane.name): lane for lane in lanes if lane.connections}
        self._limits = {of_relay(pool.relay.name): pool.relay.connections for pool in relays.pools}
        self._limits |= {name: lane.connections for name, lane in self._lanes.items()}
        self._worker = uuid.uuid4().hex
        self._renewed_at = monotonic()
        self._claimed = False
        self._wanted: set[str] = set()
        self._mine: dict[str, int] = {} if among_workers else dict(self._limits)
        self._allow()

    @property
    def is_left_out(self) -> bool:
        """Whether others have every connection that we could use: a batch taken now would only wait."""
        name = of_relay(self._relays.carrier)
        return name in self._wanted and not self._mine.get(name)

    async def look(self, *, is_due: bool) -> None:
        """Divide the connections anew; `is_due` while there is mail that anybody may take in hand.

        Raises StoreFailed; then nothing changes, until what was ours is others'.
        """
        if not self._among_workers:
            return
        claims = self._claims(is_due=is_due)
        if claims or self._claimed:
            try:
                self._mine = await asyncio.to_thread(self._exchange, claims)
            except StoreFailed:
                if monotonic() - self._renewed_at >= LAPSE:
                    self._mine = {}
                    self._allow()
                raise
        self._renewed_at, self._claimed = monotonic(), bool(claims)
        self._wanted = {claim.name for claim in claims if claim.wanted}
        self._allow()

    async def leave(self) -> None:
        """Let others have what was ours. Raises StoreFailed."""
        if self._claimed:
            await asyncio.to_thread(self._leave)

    def _claims(self, *, is_due: bool) -> list[Claim]:
        """What we could use now, and what we hold, of each relay and lane."""
        is_busy = bool(self._post.is_wanted or self._post.expected)
        claims = []
        for pool in self._relays.pools:
            name, carries = of_relay(pool.relay.name), pool.relay.name == self._relays.carrier
            wanted = pool.relay.connections if carries and (is_busy or is_due) else 0
            held = self._mine.get(name, 0) + pool.surplus
            claims.append(Claim(name, self._worker, wanted, held, is_busy))
        for name, lane in self._lanes.items():
            wanted = lane.connections if lane.name in self._post.lanes else 0
            mine = self._mine.get(name, 0)
            held = max(mine, self._post.connections_with(lane.name))
            claims.append(Claim(name, self._worker, wanted, held, is_busy=True))
        return [claim for claim in claims if claim.wanted or claim.held]

    def _exchange(self, claims: Sequence[Claim]) -> dict[str, int]:
        mine: dict[str, int] = {}

        def act(others: Sequence[Claim]) -> Sequence[Claim]:
            for claim in claims:
                limit = self._limits[claim.name]
                rivals = [other for other in others if other.name == claim.name]
                free = max(0, limit - sum(other.held for other in rivals))
                mine[claim.name] = min(free, divide(limit, [claim, *rivals])[self._worker])
            # What was ours until now may be in use until the next look, where it is less from here on
            return [replace(claim, held=max(claim.held, mine[claim.name])) for claim in claims]

        with self._database.writing() as session:
            shares.exchange(session, self._worker, timedelta(seconds=LAPSE), act)
        return mine

    def _allow(self) -> None:
        for pool in self._relays.pools:
            pool.allow(self._mine.get(of_relay(pool.relay.name), 0))
        for name, lane in self._lanes.items():
            self._post.allow(lane.name, self._mine.get(name, 0))
        shut = (lane.name for name, lane in self._lanes.items() if not self._mine.get(name))
        self._pace.shut = frozenset(shut)

    def _leave(self) -> None:
        with self._database.writing() as session:
            shares.leave(session, self._worker)
