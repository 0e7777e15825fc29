"""The freeze: one transaction writes an edition's whole ledger by INSERT … SELECT over its audience.

Batches hold neighbours by lane and by the instant at which they are due, and never mix either, so that
a batch is one receiving provider's. They are numbered by that instant, and lanes take turns: whoever
walks them in order is at every provider from the first minute.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from sqlalchemy import Select, String, case, cast, delete, func, insert, literal, null, select
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import Session, col
from sqlmodel.sql.sqltypes import UTCDateTime

from newsletter.models import Batch, BatchState, Delivery, DeliveryState, Subscriber, Subscription, Table
from newsletter.store.ledger import lock_edition

SUMS = ("sent", "deferred", "failed", "unknown", "expired", "cancelled", "moved")
NONE: Mapping[str, Any] = MappingProxyType({})


def plan(
    session: Session, edition_id: int, people: Select[Any], *, due_at: datetime, deadline: datetime,
    size: int, later: Mapping[str, datetime] = NONE, lanes: Mapping[str, str] = NONE,
) -> int:  # fmt: skip
    """Write a queued delivery for everybody in `people` who has none in this edition; returns how many.

    `people` selects (subscriber_id, lane, address, zone). Batches are numbered on from those that the
    edition has. In zones that `later` names they are due later than `due_at`, and their deadline is as
    much later. `lanes` puts domains into other lanes than those that their readers were taken in with.
    """
    lock_edition(session, edition_id)
    first = _next_batch_no(session, edition_id)
    rows = _ranked(people.subquery(), later, lanes)
    turn = [rows.c.due_at.nulls_first(), rows.c.rank // size, rows.c.lane]
    no = func.dense_rank().over(order_by=turn) - 1 + first
    queued = select(
        literal(edition_id), no, rows.c.rank % size, rows.c.subscriber_id,
        literal(1), _text(DeliveryState.QUEUED), _text(""), rows.c.due_at, _text(""), _text(""),
    )  # fmt: skip
    columns = [
        "edition_id", "batch_no", "pos", "subscriber_id", "attempt", "state", "fate", "next_at", "relay",
        "reply",
    ]  # fmt: skip
    session.execute(insert(_table(Delivery)).from_select(columns, queued))
    return _plan_batches(session, edition_id, first, lanes, due_at, deadline - due_at)


def zones(session: Session, newsletter_id: int) -> list[str]:
    """The zones that a newsletter's readers say they live in; those that say none are left out."""
    found = (
        select(col(Subscription.zone))
        .where(col(Subscription.newsletter_id) == newsletter_id, col(Subscription.zone) != "")
        .distinct()
    )
    return list(session.execute(found).scalars())


def _ranked(people: Any, later: Mapping[str, datetime], lanes: Mapping[str, str]) -> Any:
    """Everybody's lane, own instant (NULL: the edition's), and place among those who share both."""
    wanted = select(
        people.c.subscriber_id, _lane(people.c, lanes).label("lane"), _due(people.c, later).label("due_at")
    ).subquery()
    together = [wanted.c.due_at, wanted.c.lane] if later else [wanted.c.lane]
    rank = func.row_number().over(partition_by=together, order_by=wanted.c.subscriber_id) - 1
    return select(wanted.c.subscriber_id, wanted.c.lane, wanted.c.due_at, rank.label("rank")).subquery()


def _due(person: Any, later: Mapping[str, datetime]) -> ColumnElement[Any]:
    zones_of: dict[datetime, list[str]] = defaultdict(list)
    for zone, due_at in later.items():
        zones_of[due_at].append(zone)
    whens = [(person.zone.in_(names), _instant(due_at)) for due_at, names in zones_of.items()]
    return case(*whens, else_=null()) if whens else cast(null(), UTCDateTime())


def _lane(person: Any, lanes: Mapping[str, str]) -> ColumnElement[str]:
    whens = [
        (person.address.endswith(f"@{domain}", autoescape=True), _text(lane))
        for domain, lane in lanes.items()
    ]
    return case(*whens, else_=person.lane) if whens else person.lane


def _plan_batches(
    session: Session, edition_id: int, first: int, lanes: Mapping[str, str], due_at: datetime,
    patience: timedelta,
) -> int:  # fmt: skip
    """One row for each batch, from its deliveries; its lane is that of its first reader."""
    found = session.execute(
        select(col(Delivery.batch_no), func.count(), func.min(Delivery.next_at))
        .where(col(Delivery.edition_id) == edition_id, col(Delivery.batch_no) >= first)
        .group_by(col(Delivery.batch_no))
    ).all()
    first_readers = (
        select(col(Delivery.batch_no), _lane(Subscriber, lanes).label("lane"))
        .join(Subscriber, col(Subscriber.id) == col(Delivery.subscriber_id))
        .where(
            col(Delivery.edition_id) == edition_id, col(Delivery.batch_no) >= first, col(Delivery.pos) == 0
        )
    )
    lane_of = {row.batch_no: row.lane for row in session.execute(first_readers)}
    batches = [
        {
            "edition_id": edition_id, "no": no, "lane": lane_of[no], "due_at": own or due_at,
            "not_before": own or due_at, "deadline": (own or due_at) + patience,
            "state": BatchState.READY, "size": size, "begun": 0, "token": 0, **dict.fromkeys(SUMS, 0),
        }
        for no, size, own in found
    ]  # fmt: skip
    if batches:
        session.execute(insert(_table(Batch)), batches)
    return sum(batch["size"] for batch in batches)


def unplan(session: Session, edition_id: int) -> None:
    """Take a frozen ledger back. Only for an edition of which no row has begun."""
    session.execute(delete(_table(Delivery)).where(col(Delivery.edition_id) == edition_id))
    session.execute(delete(_table(Batch)).where(col(Batch.edition_id) == edition_id))


def _next_batch_no(session: Session, edition_id: int) -> int:
    highest = select(func.max(Batch.no)).where(col(Batch.edition_id) == edition_id)
    found = session.execute(highest).scalar()
    return 0 if found is None else found + 1


def _table(model: type[Table]) -> Any:
    return model.__table__  # type: ignore[attr-defined]


def _text(value: str) -> ColumnElement[str]:
    return literal(value, String())


def _instant(value: datetime) -> ColumnElement[datetime]:
    return literal(value, UTCDateTime())
