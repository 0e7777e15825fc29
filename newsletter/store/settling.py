"""Writing outcomes: the hottest statement of the program, spelled for each store as it likes best.

All rows go over as one text, however many they are. A statement for each row would cost twice as much, and
on SQLite give up the interpreter lock for each, to wait for it behind the threads that send.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from sqlalchemy import text
from sqlmodel import Session

from newsletter.models import DeliveryState
from newsletter.store.dialect import is_postgresql
from newsletter.store.watermarks import Entry
from newsletter.values import BatchKey, Fate, Settled

_Common = tuple[DeliveryState, Fate, str]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# What a relay says when it says nothing of its own; the state tells as much
BARE = frozenset({(250, "", ""), (250, "", "ok"), (250, "2.0.0", "ok"), (250, "2.0.0", "")})

_SQLITE = text(
    "UPDATE delivery SET state = :state, fate = :fate, relay = :relay,"
    " settled_at = o.value ->> 5, next_at = o.value ->> 6, reply = coalesce(o.value ->> 7, '')"
    " FROM json_each(:rows) AS o"
    " WHERE edition_id = o.value ->> 0 AND batch_no = o.value ->> 1 AND pos = o.value ->> 2"
    " AND subscriber_id = o.value ->> 3 AND attempt = o.value ->> 4 AND delivery.state = 'queued'"
)
_POSTGRESQL = text(
    "UPDATE delivery SET state = :state, fate = :fate, relay = :relay, reply = coalesce(o.value ->> 7, ''),"
    " settled_at = CAST((o.value ->> 5) || 'Z' AS timestamptz),"
    " next_at = CAST((o.value ->> 6) || 'Z' AS timestamptz)"
    " FROM json_array_elements(CAST(:rows AS json)) AS o"
    " WHERE edition_id = CAST(o.value ->> 0 AS integer) AND batch_no = CAST(o.value ->> 1 AS integer)"
    " AND pos = CAST(o.value ->> 2 AS integer) AND subscriber_id = CAST(o.value ->> 3 AS integer)"
    " AND attempt = CAST(o.value ->> 4 AS integer) AND delivery.state = 'queued'"
)


def settle_rows(session: Session, entries: Sequence[Entry]) -> None:
    """Write outcomes of rows of batches whose tokens the caller holds.

    Every row must still be `queued` under the attempt that was made; RuntimeError otherwise, for
    then two workers believe that they own it, and the transaction must not stand.
    """
    statement = _POSTGRESQL if is_postgresql(session) else _SQLITE
    alike: dict[_Common, list[str]] = defaultdict(list)
    for entry in entries:
        for item in entry.settled:
            alike[item.state, item.outcome.fate, item.outcome.relay].append(_own(entry.taken.key, item))
    for (state, fate, relay), rows in alike.items():
        values = {"state": state, "fate": fate, "relay": relay, "rows": f"[{','.join(rows)}]"}
        changed = session.connection().execute(statement, values).rowcount
        if changed != len(rows):
            raise RuntimeError(f"{len(rows) - changed} outcomes found no queued row")


def _own(key: BatchKey, item: Settled) -> str:
    """What differs from row to row, as JSON: its place, whose it is, when it was settled, and, where that is
    more than a yes, when it is tried again and what the server said."""
    (subscriber_id, _, _, attempt, pos, _), _, outcome, at, next_at = item
    row = f'{key.edition_id},{key.no},{pos},{subscriber_id},{attempt},"{_instant(at)}"'
    if outcome.fate is Fate.ACCEPTED and (outcome.code, outcome.enhanced, outcome.text.lower()) in BARE:
        return f"[{row}]"
    again = f'"{_instant(next_at)}"' if next_at else "null"
    return f"[{row},{again},{json.dumps(outcome.reply[:500])}]"


def _instant(at: datetime) -> str:
    """Instants are in UTC; as SQLite has them they do not say so."""
    since = at - EPOCH
    return f"{_second(since.days, since.seconds)}.{since.microseconds:06}"


@lru_cache(maxsize=16)
def _second(day: int, second: int) -> str:
    """Thousands of answers come in one second, and are spelled alike but for its fraction."""
    return (EPOCH + timedelta(day, second)).strftime("%Y-%m-%d %H:%M:%S")
