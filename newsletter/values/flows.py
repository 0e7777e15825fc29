"""How fast mail may go to a relay or a lane."""

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
