"""Who of the workers of many machines has how many connections: a row for each worker and relay or lane.

One worker at a time looks and says what it takes, so that no two take the same connection. Time is the
database's, so that machines whose clocks differ agree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from sqlalchemy import delete, func, insert, select
from sqlmodel import Session, col

from newsletter.models import Share
from newsletter.values import Claim

_TURN = 0x6E6C7368  # nobody else's number of a lock in this database
_COLUMNS = (col(Share.name), col(Share.worker), col(Share.wanted), col(Share.held), col(Share.is_busy))


def exchange(
    session: Session, worker: str, lapse: timedelta, act: Callable[[Sequence[Claim]], Sequence[Claim]]
) -> None:
    """Give `act` the claims of all others that have beaten within `lapse`, and keep what it claims for
    `worker` in place of its earlier ones."""
    session.execute(select(func.pg_advisory_xact_lock(_TURN)))
    now: datetime = session.execute(select(func.clock_timestamp())).scalar_one()
    session.execute(delete(Share).where((col(Share.worker) == worker) | (col(Share.beat_at) < now - lapse)))
    mine = act([Claim(*row) for row in session.execute(select(*_COLUMNS))])
    if mine:
        session.execute(insert(Share), [asdict(claim) | {"beat_at": now} for claim in mine])


def leave(session: Session, worker: str) -> None:
    """Let others have what was this worker's."""
    session.execute(delete(Share).where(col(Share.worker) == worker))
