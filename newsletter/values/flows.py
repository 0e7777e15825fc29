"""How fast mail may go to a relay or a lane, and over how many connections."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Flow:
    """At `at` so many mails (`level`) may go at once; more flow in by the second.

    `slowed_to` is the speed, in mails a second, to which it was slowed down at `slowed_at`, from `usual`.
    """

    level: float
    at: datetime
    slowed_to: float = 0.0
    usual: float = 0.0
    slowed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """What a worker asks of the connections to a relay or a lane.

    It could use `wanted` of them, and nobody else may count on the `held` ones. Busy is who has mail in
    hand, or will have within seconds.
    """

    name: str
    worker: str
    wanted: int
    held: int = 0
    is_busy: bool = False
