"""Who is next: the rows that a watermark passes, read once more before anything of them goes on the wire."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    JSON,
    Integer,
    Select,
    TableValuedAlias,
    Text,
    bindparam,
    cast,
    func,
    select,
    type_coerce,
    update,
)
from sqlmodel import Session, col

from newsletter.models import Delivery, DeliveryState, Edition, Subscriber, Subscription
from newsletter.models.people import in_lines
from newsletter.store.audience import may_be_mailed
from newsletter.store.dialect import is_postgresql
from newsletter.store.watermarks import Entry, Taken
from newsletter.values import BatchKey, Recipient

_position = itemgetter(2)


def _to_begin(stretches: TableValuedAlias) -> Select[Any]:
    """`stretches` are those that watermarks passed: edition, batch, and two positions."""
    edition, number, low, high = (cast(stretches.c.value.op("->>")(place), Integer) for place in range(4))
    found: Select[Any] = (
        select(
            Delivery.edition_id, Delivery.batch_no, Delivery.pos, may_be_mailed().label("stays"),
            Delivery.subscriber_id, Subscriber.address, Subscriber.name, Delivery.attempt,
            type_coerce(col(Subscription.sections), Text),
        )  # type: ignore[call-overload]
        .select_from(stretches)
        .join(Delivery, (col(Delivery.edition_id) == edition) & (col(Delivery.batch_no) == number))
        .join(Edition, col(Edition.id) == edition)
        .join(Subscriber, col(Subscriber.id) == col(Delivery.subscriber_id))
        .outerjoin(
            Subscription,
            (col(Subscription.subscriber_id) == col(Delivery.subscriber_id))
            & (col(Subscription.newsletter_id) == col(Edition.newsletter_id)),
        )
        .where(
            col(Delivery.pos) >= low, col(Delivery.pos) < high, col(Delivery.state) == DeliveryState.QUEUED
        )
    )  # fmt: skip
    return found


_POSTGRESQL = _to_begin(
    func.json_array_elements(cast(bindparam("stretches", type_=Text), JSON)).table_valued("value", name="o")
)
_ROWS = _to_begin(func.json_each(bindparam("stretches", type_=Text)).table_valued("value", name="o"))
# SQLite's driver gives up the interpreter lock for each row, and waits for it behind the threads that send
_SQLITE = select(func.json_group_array(func.json_array(*_ROWS.subquery().columns)))
_CANCEL = (
    update(Delivery)
    .where(
        col(Delivery.edition_id) == bindparam("edition"),
        col(Delivery.batch_no) == bindparam("number"),
        col(Delivery.pos).in_(bindparam("leavers", expanding=True)),
        col(Delivery.state) == DeliveryState.QUEUED,
    )
    .values(state=DeliveryState.CANCELLED, fate="left")
)


@dataclass(frozen=True, slots=True)
class Passed:
    """What a watermark passed: the rows to send, and how many were cancelled, for their reader has left."""

    recipients: tuple[Recipient, ...] = ()
    leavers: int = 0


def begin_rows(session: Session, entries: Sequence[Entry]) -> dict[Taken, Passed]:
    """The rows that each watermark has passed and that are still queued, in order."""
    moved = [entry for entry in entries if entry.upto > entry.begun]
    stretches = [(entry.taken.key.edition_id, entry.taken.key.no, entry.begun, entry.upto) for entry in moved]
    rows: dict[tuple[int, int], list[Any]] = defaultdict(list)
    for row in _read(session, json.dumps(stretches)) if stretches else ():
        rows[row[0], row[1]].append(row)
    passed = dict.fromkeys((entry.taken for entry in entries), Passed())
    for entry, (edition, number, _, _) in zip(moved, stretches, strict=True):
        passed[entry.taken] = _passed(session, entry.taken.key, sorted(rows[edition, number], key=_position))
    return passed


def _read(session: Session, stretches: str) -> Sequence[Sequence[Any]]:
    connection = session.connection()
    if is_postgresql(session):
        return connection.execute(_POSTGRESQL, {"stretches": stretches}).all()
    rows: list[list[Any]] = json.loads(connection.execute(_SQLITE, {"stretches": stretches}).scalar_one())
    return rows


def _passed(session: Session, key: BatchKey, rows: Sequence[Any]) -> Passed:
    leavers = [pos for _, _, pos, stays, *_ in rows if not stays]
    if leavers:
        place = {"edition": key.edition_id, "number": key.no}
        session.connection().execute(_CANCEL, place | {"leavers": leavers})
    recipients = tuple(
        Recipient(subscriber_id, address, name, attempt, pos, in_lines(sections))
        for _, _, pos, stays, subscriber_id, address, name, attempt, sections in rows
        if stays
    )
    return Passed(recipients, len(leavers))
