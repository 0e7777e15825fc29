"""Orders that hold for the whole program: stop-all, and the relay that a person chose.

Every worker looks at them before it begins rows and at least each second, so an order needs no other
way to whoever it is for. The rows are always there; an empty value is the usual course.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, select, update
from sqlmodel import Session, col

from newsletter.models import Control

EDITIONS = "editions"
LETTERS = "letters"
RELAY = "relay"
SIGN_UP = "sign-up"
STOPPED = "stopped"
FLOODED = "flooded"


@dataclass(frozen=True, slots=True)
class Order:
    """What was ordered, by whom and when; falsy while nothing is."""

    value: str = ""
    who: str = ""
    at: datetime | None = None

    def __bool__(self) -> bool:
        return bool(self.value)


def order(session: Session, name: str) -> Order:
    row = session.execute(
        select(Control.value, Control.who, Control.at).where(col(Control.name) == name)  # type: ignore[call-overload]
    ).one()
    return Order(*row)


def standing_stop(session: Session) -> Order:
    """The stop-all in force, if any; it can neither come nor go until the transaction ends."""
    session.execute(select(Control.name).where(col(Control.name) == EDITIONS).with_for_update(read=True))  # type: ignore[call-overload]
    return order(session, EDITIONS)


def alone(session: Session, name: str) -> Order:
    """The order, read by one at a time: whoever else asks here waits until the transaction ends."""
    session.execute(select(Control.name).where(col(Control.name) == name).with_for_update())  # type: ignore[call-overload]
    return order(session, name)


def give(session: Session, name: str, value: str, now: datetime, *, who: str) -> bool:
    """Change an order; False when it was given already."""
    given = session.execute(
        update(Control)
        .where(col(Control.name) == name, col(Control.value) != value)
        .values(value=value, who=who, at=now)
    )
    return bool(given.rowcount == 1)  # type: ignore[attr-defined]


def goes_on() -> Any:
    """Whether editions may be sent, as a condition within other statements."""
    return ~exists().where(col(Control.name) == EDITIONS, col(Control.value) != "")
