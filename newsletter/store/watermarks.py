"""Watermarks: how far each batch has begun, moved by whoever holds its token, with its sums and its end.

One statement for all batches that speak up at once, because it is the statements that cost.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlmodel import Session

from newsletter.models import BatchState, DeliveryState
from newsletter.store.dialect import is_postgresql
from newsletter.values import BatchKey, Settled

# In this order they stand in the statements below, too
COUNTED = tuple(state for state in DeliveryState if state is not DeliveryState.QUEUED)


@dataclass(frozen=True, slots=True)
class Taken:
    """A batch in hand. Positions below `begun` are history; `size` is where it ends."""

    key: BatchKey
    token: int
    begun: int
    size: int
    lane: str
    deadline: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """What the owner of a batch has to say: outcomes known by now, and how far the watermark is to move.

    `then` lets go of the batch: DONE when its last row has begun and is settled, READY for another worker.
    """

    taken: Taken
    settled: Sequence[Settled]
    begun: int
    upto: int
    then: BatchState = BatchState.RUNNING


_SQLITE = text(
    "UPDATE batch SET begun = o.value ->> 3, state = o.value ->> 4, sent = sent + (o.value ->> 5),"
    " deferred = deferred + (o.value ->> 6), failed = failed + (o.value ->> 7),"
    " unknown = unknown + (o.value ->> 8), expired = expired + (o.value ->> 9),"
    " cancelled = cancelled + (o.value ->> 10)"
    " FROM json_each(:said) AS o"
    " WHERE edition_id = o.value ->> 0 AND no = o.value ->> 1 AND token = o.value ->> 2"
    " AND +batch.state = 'running'"  # not by the index of states, or it walks the list for each that runs
    " RETURNING edition_id, no, token"
)
# Locked in one order everywhere: workers that lost a batch to each other must not wait for each other
_POSTGRESQL = text(
    "WITH mine AS MATERIALIZED (SELECT b.edition_id, b.no, o.value AS said FROM batch AS b"
    " JOIN json_array_elements(CAST(:said AS json)) AS o"
    " ON b.edition_id = CAST(o.value ->> 0 AS integer) AND b.no = CAST(o.value ->> 1 AS integer)"
    " AND b.token = CAST(o.value ->> 2 AS integer)"
    " WHERE b.state = 'running' ORDER BY b.edition_id, b.no FOR UPDATE OF b)"
    " UPDATE batch SET begun = CAST(said ->> 3 AS integer), state = said ->> 4,"
    " sent = sent + CAST(said ->> 5 AS integer), deferred = batch.deferred + CAST(said ->> 6 AS integer),"
    " failed = failed + CAST(said ->> 7 AS integer), unknown = unknown + CAST(said ->> 8 AS integer),"
    " expired = expired + CAST(said ->> 9 AS integer), cancelled = cancelled + CAST(said ->> 10 AS integer)"
    " FROM mine WHERE batch.edition_id = mine.edition_id AND batch.no = mine.no"
    " RETURNING batch.edition_id, batch.no, batch.token"
)


def move_on(session: Session, entries: Sequence[Entry]) -> set[Taken]:
    """Move watermarks, add outcomes to the sums, and let go; gives those whose token still counts."""
    statement = _POSTGRESQL if is_postgresql(session) else _SQLITE
    said = json.dumps([_said(entry) for entry in entries])
    owned = {tuple(row) for row in session.connection().execute(statement, {"said": said})}
    return {entry.taken for entry in entries if _owner(entry.taken) in owned}


def _said(entry: Entry) -> list[int | str]:
    sums = Counter(item.state for item in entry.settled)
    return [*_owner(entry.taken), entry.upto, entry.then, *(sums[state] for state in COUNTED)]


def _owner(taken: Taken) -> tuple[int, int, int]:
    return taken.key.edition_id, taken.key.no, taken.token
