"""Writing outcomes: the hottest statement of the program, spelled for each store as it likes best.

All rows go over as one text, however many they are. A statement for each row would cost twice as much, and
on SQLite give up the interpreter lock for each, to wait for it behind the threads that send.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlmodel import Session

from newsletter.store.dialect import is_postgresql
from newsletter.values import BatchKey, Fate, Settled

# What a relay says when it says nothing of its own; the state tells as much
BARE = frozenset({(250, "", ""), (250, "", "ok"), (250, "2.0.0", "ok"), (250, "2.0.0", "")})

# The whole key comes out of the rows, or SQLite walks the edition for each of them
_SQLITE = text(
    "UPDATE delivery SET state = o.value ->> 3, fate = o.value ->> 4, settled_at = o.value ->> 5,"
    " next_at = o.value ->> 6, relay = o.value ->> 7, reply = o.value ->> 8"
    " FROM json_each(:rows) AS o"
    " WHERE edition_id = o.value ->> 9 AND batch_no = o.value ->> 10 AND pos = o.value ->> 0"
    " AND subscriber_id = o.value ->> 1 AND attempt = o.value ->> 2 AND state = 'queued'"
)
_POSTGRESQL = text(
    "UPDATE delivery SET state = o.value ->> 3, fate = o.value ->> 4,"
    " settled_at = CAST((o.value ->> 5) || 'Z' AS timestamptz),"
    " next_at = CAST((o.value ->> 6) || 'Z' AS timestamptz),"
    " relay = o.value ->> 7, reply = o.value ->> 8"
    " FROM json_array_elements(CAST(:rows AS json)) AS o"
    " WHERE edition_id = CAST(o.value ->> 9 AS bigint) AND batch_no = CAST(o.value ->> 10 AS integer)"
    " AND pos = CAST(o.value ->> 0 AS integer) AND subscriber_id = CAST(o.value ->> 1 AS bigint)"
    " AND attempt = CAST(o.value ->> 2 AS integer) AND state = 'queued'"
)


def settle_rows(session: Session, key: BatchKey, settled: Sequence[Settled]) -> None:
    """Write outcomes of rows of one batch whose token the caller holds.

    Every row must still be `queued` under the attempt that was made; RuntimeError otherwise, for
    then two workers believe that they own it, and the transaction must not stand.
    """
    if not settled:
        return
    statement = _POSTGRESQL if is_postgresql(session) else _SQLITE
    rows = json.dumps([_row(key, item) for item in settled])
    changed = session.connection().execute(statement, {"rows": rows}).rowcount
    if changed != len(settled):
        raise RuntimeError(f"{len(settled) - changed} outcomes of batch {key} found no queued row")


def _row(key: BatchKey, item: Settled) -> tuple[int | str | None, ...]:
    recipient, outcome = item.recipient, item.outcome
    is_bare = outcome.fate is Fate.ACCEPTED and (outcome.code, outcome.enhanced, outcome.text.lower()) in BARE
    return (
        recipient.pos, recipient.subscriber_id, recipient.attempt,
        item.state, outcome.fate, _instant(item.at), _instant(item.next_at) if item.next_at else None,
        outcome.relay, "" if is_bare else outcome.reply[:500],
        key.edition_id, key.no,
    )  # fmt: skip


def _instant(at: datetime) -> str:
    """Instants are in UTC; as SQLite has them they do not say so."""
    return at.isoformat(" ", "microseconds").removesuffix("+00:00")
