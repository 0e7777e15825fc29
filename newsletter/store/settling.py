"""Writing outcomes: the hottest statement of the program, spelled for each store as it likes best."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import BigInteger, Integer, String, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Session
from sqlmodel.sql.sqltypes import UTCDateTime

from newsletter.store.dialect import is_postgresql
from newsletter.values import BatchKey, Fate, Settled

# What a relay says when it says nothing of its own; the state tells as much
BARE_REPLIES = frozenset({"250", "250 ok", "250 2.0.0 ok", "250 2.0.0"})

_SQLITE = text(
    "UPDATE delivery SET state = :state, fate = :fate, settled_at = :at, next_at = :next_at,"
    " relay = :relay, reply = :reply"
    " WHERE edition_id = :edition AND batch_no = :no AND pos = :pos"
    " AND subscriber_id = :subscriber AND attempt = :attempt AND state = 'queued'"
).bindparams(bindparam("at", type_=UTCDateTime()), bindparam("next_at", type_=UTCDateTime()))

# One statement however many rows: 10 µs a row, against 54 for as many statements
_POSTGRESQL = text(
    "UPDATE delivery AS d SET state = o.state, fate = o.fate, settled_at = o.at, next_at = o.next_at,"
    " relay = o.relay, reply = o.reply"
    " FROM unnest(:pos, :subscriber, :attempt, :state, :fate, :at, :next_at, :relay, :reply)"
    " AS o(pos, subscriber, attempt, state, fate, at, next_at, relay, reply)"
    " WHERE d.edition_id = :edition AND d.batch_no = :no AND d.pos = o.pos"
    " AND d.subscriber_id = o.subscriber AND d.attempt = o.attempt AND d.state = 'queued'"
).bindparams(
    bindparam("pos", type_=ARRAY(Integer)),
    bindparam("subscriber", type_=ARRAY(BigInteger)),
    bindparam("attempt", type_=ARRAY(Integer)),
    bindparam("state", type_=ARRAY(String)),
    bindparam("fate", type_=ARRAY(String)),
    bindparam("at", type_=ARRAY(UTCDateTime())),
    bindparam("next_at", type_=ARRAY(UTCDateTime())),
    bindparam("relay", type_=ARRAY(String)),
    bindparam("reply", type_=ARRAY(String)),
)


def settle_rows(session: Session, key: BatchKey, settled: Sequence[Settled]) -> None:
    """Write outcomes of rows of one batch whose token the caller holds.

    Every row must still be `queued` under the attempt that was made; RuntimeError otherwise, for
    then two workers believe that they own it, and the transaction must not stand.
    """
    if not settled:
        return
    rows = [_values(item) for item in settled]
    place = {"edition": key.edition_id, "no": key.no}
    if is_postgresql(session):
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        changed = session.execute(_POSTGRESQL, columns | place).rowcount  # type: ignore[attr-defined]
    else:
        changed = session.execute(_SQLITE, [row | place for row in rows]).rowcount  # type: ignore[attr-defined]
    if changed != len(settled):
        raise RuntimeError(f"{len(settled) - changed} outcomes of batch {key} found no queued row")


def _values(item: Settled) -> dict[str, object]:
    outcome = item.outcome
    bare = outcome.fate is Fate.ACCEPTED and outcome.reply.lower() in BARE_REPLIES
    return {
        "pos": item.recipient.pos,
        "subscriber": item.recipient.subscriber_id,
        "attempt": item.recipient.attempt,
        "state": item.state.value,
        "fate": outcome.fate.value,
        "at": item.at,
        "next_at": item.next_at,
        "relay": outcome.relay,
        "reply": "" if bare else outcome.reply[:500],
    }
