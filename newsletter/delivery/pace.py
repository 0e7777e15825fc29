"""Pace: how fast mail may go, to each relay and to each lane, whoever carries it.

Limits come from the configuration; besides, a lane slows down by itself when its provider answers
"later" in a burst. Whoever wants to begin rows asks first for as many mails, and begins no more than it
was given, so that no row waits on the wrong side of the watermark. On PostgreSQL all workers take from
the same rows; on SQLite there is one worker, and it remembers. A lane that nothing holds back costs nothing.
"""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from newsletter import logs
from newsletter.clock import machine_now, monotonic
from newsletter.config import Lane, Relay
from newsletter.delivery import flow
from newsletter.errors import StoreFailed
from newsletter.store import rates
from newsletter.store.database import Database
from newsletter.values import Fate, Flow, Outcome

T = TypeVar("T")

log = logs.get(__name__)

LATEST = 20  # answers in which a burst shows itself
BURST = 5  # of them, and half of all, say "later"
FORGOTTEN = 60.0  # seconds after which an answer says nothing any more of the provider's mood
MEASURED = 1_000  # answers by which a speed is measured
SHORTEST = 0.1  # seconds in which it can be measured
SOONEST = 0.05  # seconds between two requests for mails that may go
LONGEST = 0.5  # seconds until it is asked again, whatever was foretold: others may have made room
MAILBOX = "4.2."  # RFC 3463 §3.3: about one mailbox, such as a full one


class Pace:
    def __init__(self, database: Database, lineup: Sequence[Relay], lanes: Sequence[Lane]) -> None:
        self._limits = {of_relay(relay.name): relay.rate for relay in lineup if relay.rate}
        self._limits |= {of_lane(lane.name): lane.rate for lane in lanes if lane.rate}
        self._book: _Book = _Memory() if database.is_sqlite else _Shared(database)
        self._slowed: frozenset[str] = frozenset()
        self._heard: dict[str, _Heard] = defaultdict(_Heard)
        self._bursts: dict[str, float] = {}
        self._owed: dict[str, int] = {}
        self._again: dict[tuple[str, ...], float] = {}
        self.shut: frozenset[str] = frozenset()  # lanes to which other workers have all connections

    async def take(self, lane: str, relay: str, wanted: int) -> int:
        """How many of `wanted` mails of this lane may begin now over this relay. While the store does not
        answer nobody knows, and none may."""
        if lane in self.shut:
            return 0
        names = self._holding_back(lane, relay)
        if not names or wanted <= 0:
            return wanted
        if monotonic() < self._again.get(names, 0.0):
            return 0
        owed = self._owed.pop(of_lane(lane), 0)
        try:
            granted, seconds = await asyncio.to_thread(self._ask, names, wanted, owed)
        except StoreFailed:
            granted, seconds = 0, LONGEST
        self._again[names] = monotonic() + min(LONGEST, max(SOONEST, seconds))
        return granted

    def pause(self, lane: str, relay: str) -> float:
        """Seconds until it is worth asking again; never so long that an order would be obeyed late."""
        if lane in self.shut:
            return LONGEST
        return max(0.0, self._again.get(self._holding_back(lane, relay), 0.0) - monotonic())

    def tell(self, lane: str, outcome: Outcome) -> None:
        """What a server said to a mail of this lane."""
        if outcome.fate is Fate.LOST:
            self._owed[of_lane(lane)] = self._owed.get(of_lane(lane), 0) + 1  # it goes again without asking
        is_later = 400 <= outcome.code < 500 and not outcome.enhanced.startswith(MAILBOX)
        if is_later or outcome.fate is Fate.ACCEPTED:
            measured = self._heard[lane].note(monotonic(), is_later=is_later)
            if measured:
                self._bursts[lane] = measured

    def look(self) -> None:
        """Slow down where there was a burst, and learn where other workers did. Asks the store."""
        while self._bursts:
            lane, measured = self._bursts.popitem()
            self._slow_down(of_lane(lane), measured)
        self._slowed = frozenset(self._book.slowed(self._limits))

    def _holding_back(self, lane: str, relay: str) -> tuple[str, ...]:
        names = (of_lane(lane), of_relay(relay))
        return tuple(name for name in names if name in self._limits or name in self._slowed)

    def _limits_of(self, names: Sequence[str]) -> dict[str, float]:
        return {name: self._limits.get(name, 0.0) for name in names}

    def _ask(self, names: Sequence[str], wanted: int, owed: int) -> tuple[int, float]:
        limits = self._limits_of(names)

        def act(flows: Mapping[str, Flow], now: datetime) -> tuple[tuple[int, float], Mapping[str, Flow]]:
            granted, left = flow.take(flows, limits, wanted, now, owed=owed)
            return (granted, flow.seconds_to_next(left, limits, now)), left

        return self._book.change(names, act)

    def _slow_down(self, name: str, measured: float) -> None:
        limit = self._limits.get(name, 0.0)

        def act(flows: Mapping[str, Flow], now: datetime) -> tuple[float, Mapping[str, Flow]]:
            slower = flow.slowed(flows[name], limit, measured, now)
            return (slower.slowed_to if slower.slowed_at == now else 0.0), {name: slower}

        to = self._book.change([name], act)
        if to:
            log.warning("slowed_down", what=name, per_second=round(to, 1))


class _Heard:
    """A lane's latest answers: whether they say "later", and how fast they came."""

    def __init__(self) -> None:
        self._latest: deque[tuple[float, bool]] = deque(maxlen=LATEST)
        self._times: deque[float] = deque(maxlen=MEASURED)

    def note(self, at: float, *, is_later: bool) -> float:
        """Answers a second, once they amount to a burst; else 0."""
        self._latest.append((at, is_later))
        self._times.append(at)
        if not is_later:
            return 0.0
        fresh = [said_later for when, said_later in self._latest if at - when < FORGOTTEN]
        if sum(fresh) < BURST or 2 * sum(fresh) < len(fresh):
            return 0.0
        times = [when for when in self._times if at - when < FORGOTTEN]
        self._latest.clear()  # the next burst is another one
        return len(times) / max(SHORTEST, at - times[0])


def of_lane(name: str) -> str:
    return f"lane/{name}"


def of_relay(name: str) -> str:
    return f"relay/{name}"


# ── where the flows are ─────────────────────────────────────────────────────────────────────────


class _Book(Protocol):
    def change(self, names: Sequence[str], act: rates.Change[T]) -> T:
        """Give `act` the flows of these names and the time, and keep what it makes of them."""
        ...

    def slowed(self, limits: Mapping[str, float]) -> Sequence[str]:
        """Names of the flows that are slowed down, and not as fast again as ever."""
        ...


class _Memory:
    """The one worker's own: threads of it may ask at once."""

    def __init__(self) -> None:
        self._flows: dict[str, Flow] = {}
        self._alone = threading.Lock()

    def change(self, names: Sequence[str], act: rates.Change[T]) -> T:
        with self._alone:
            now = machine_now()
            flows = {name: self._flows.get(name) or flow.new_flow(now) for name in names}
            result, changed = act(flows, now)
            self._flows.update(changed)
            return result

    def slowed(self, limits: Mapping[str, float]) -> Sequence[str]:
        with self._alone:
            return _slow_ones(self._flows, limits, machine_now())


class _Shared:
    """Rows that every worker takes from."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def change(self, names: Sequence[str], act: rates.Change[T]) -> T:
        with self._database.writing() as session:
            return rates.change(session, names, flow.new_flow, act)

    def slowed(self, limits: Mapping[str, float]) -> Sequence[str]:
        with self._database.reading() as session:
            flows, now = rates.slowed(session)
        return _slow_ones(flows, limits, now)


def _slow_ones(flows: Mapping[str, Flow], limits: Mapping[str, float], now: datetime) -> list[str]:
    return [
        name
        for name, one in flows.items()
        if one.slowed_at is not None and flow.speed(one, limits.get(name, 0.0), now) != limits.get(name, 0.0)
    ]
