"""Writing outcomes: the hottest statement of the program, spelled for each store as it likes best.

All rows go over as one text, however many they are. A statement for each row would cost twice as much, and
on SQLite give up the interpreter lock for each, to wait for it behind the threads that send.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlmodel import Session

from newsletter.models import DeliveryState
from newsletter.store.dialect import is_postgresql
from newsletter.values import BatchKey, Fate, Settled

_Common = tuple[DeliveryState, Fate, str]
_Own = tuple[int, int, int, str, str | None, str]

# What a relay says when it says nothing of its own; the state tells as much
BARE = frozenset({(250, "", ""), (250, "", "ok"), (250, "2.0.0", "ok"), (250, "2.0.0", "")})

# Each part of the key depends on the row of the list, or SQLite walks the batch for each of them
_SQLITE = text(
    "UPDATE delivery SET state = :state, fate = :fate, relay = :relay,"
    " settled_at = o.value ->> 3, next_at = o.value ->> 4, reply = o.value ->> 5"
    " FROM json_each(:rows) AS o"
    " WHERE edition_id = :edition + 0 * o.key AND batch_no = :number + 0 * o.key AND pos = o.value ->> 0"
    " AND subscriber_id = o.value ->> 1 AND attempt = o.value ->> 2 AND delivery.state = 'queued'"
)
_POSTGRESQL = text(
    "UPDATE delivery SET state = :state, fate = :fate, relay = :relay, reply = o.value ->> 5,"
    " settled_at = CAST((o.value ->> 3) || 'Z' AS timestamptz),"
    " next_at = CAST((o.value ->> 4) || 'Z' AS timestamptz)"
    " FROM json_array_elements(CAST(:rows AS json)) AS o"
    " WHERE edition_id = :edition AND batch_no = :number AND pos = CAST(o.value ->> 0 AS integer)"
    " AND subscriber_id = CAST(o.value ->> 1 AS bigint) AND attempt = CAST(o.value ->> 2 AS integer)"
    " AND delivery.state = 'queued'"
)


def settle_rows(session: Session, key: BatchKey, settled: Sequence[Settled]) -> None:
    """Write outcomes of rows of one batch whose token the caller holds.

    Every row must still be `queued` under the attempt that was made; RuntimeError otherwise, for
    then two workers believe that they own it, and the transaction must not stand.
    """
    statement = _POSTGRESQL if is_postgresql(session) else _SQLITE
    alike: dict[_Common, list[_Own]] = defaultdict(list)
    for item in settled:
        alike[item.state, item.outcome.fate, item.outcome.relay].append(_own(item))
    for (state, fate, relay), rows in alike.items():
        values = {"state": state, "fate": fate, "relay": relay, "rows": json.dumps(rows)}
        place = {"edition": key.edition_id, "number": key.no}
        changed = session.connection().execute(statement, values | place).rowcount
        if changed != len(rows):
            raise RuntimeError(f"{len(rows) - changed} outcomes of batch {key} found no queued row")


def _own(item: Settled) -> _Own:
    """What differs from row to row: its place, whose it is, when it was settled, what the server said."""
    recipient, outcome = item.recipient, item.outcome
    is_bare = outcome.fate is Fate.ACCEPTED and (outcome.code, outcome.enhanced, outcome.text.lower()) in BARE
    next_at = _instant(item.next_at) if item.next_at else None
    reply = "" if is_bare else outcome.reply[:500]
    return recipient.pos, recipient.subscriber_id, recipient.attempt, _instant(item.at), next_at, reply


def _instant(at: datetime) -> str:
    """Instants are in UTC; as SQLite has them they do not say so."""
    return at.isoformat(" ", "microseconds").removesuffix("+00:00")
