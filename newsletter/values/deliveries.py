"""A mail on its way to one reader: to whom, what a server answered, and what that adds up to.

What there is of each for every mail is a named tuple, for those are made three times as quickly.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from newsletter.models import DeliveryState


class Recipient(NamedTuple):
    """A ledger row that has begun: to whom, and where its outcome is to be written.

    `sections` are those that the reader chose; who chose none gets all.
    """

    subscriber_id: int
    address: str
    name: str
    attempt: int
    pos: int
    sections: tuple[str, ...] = ()


class Phase(StrEnum):
    """Where an SMTP transaction stood when its fate was decided."""

    CONNECT = "connect"
    GREETING = "greeting"
    EHLO = "ehlo"
    STARTTLS = "starttls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    CONTENT = "content"


class Fate(StrEnum):
    """What an attempt came to; each has exactly one consequence for its row."""

    ACCEPTED = "accepted"  # 250 after the final dot
    BUSY = "busy"  # 4xx: later
    LOST = "lost"  # the connection failed before content left: nothing happened
    DEAD = "dead"  # the address does not exist
    REFUSED = "refused"  # 5xx for this message or address; may pass another day
    STOP = "stop"  # refused because of us, before any recipient was named
    DOUBT = "doubt"  # content left and no answer came


class Outcome(NamedTuple):
    fate: Fate
    phase: Phase
    code: int = 0
    enhanced: str = ""
    text: str = ""
    relay: str = ""

    @property
    def reply(self) -> str:
        """The server's words on one line, or empty when it said nothing."""
        return " ".join(part for part in (str(self.code or ""), self.enhanced, self.text) if part)


class Settled(NamedTuple):
    """An outcome on its way into the ledger."""

    recipient: Recipient
    state: DeliveryState
    outcome: Outcome
    at: datetime
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True, order=True)
class BatchKey:
    edition_id: int
    no: int


@dataclass(frozen=True, slots=True)
class Sums:
    """How an edition's deliveries stand, counted from its batches."""

    queued: int = 0
    sent: int = 0
    deferred: int = 0
    failed: int = 0
    unknown: int = 0
    expired: int = 0
    cancelled: int = 0

    @property
    def total(self) -> int:
        return (
            self.queued + self.sent + self.deferred + self.failed
            + self.unknown + self.expired + self.cancelled
        )  # fmt: skip
