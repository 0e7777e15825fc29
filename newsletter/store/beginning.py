"""Who is next: the rows that a watermark passes, read once more before anything of them goes on the wire."""

from __future__ import annotations

import json

from sqlalchemy import Text, bindparam, func, select, type_coerce, update
from sqlmodel import Session, col

from newsletter.models import Delivery, DeliveryState, Edition, Subscriber, Subscription
from newsletter.models.people import in_lines
from newsletter.store.audience import may_be_mailed
from newsletter.store.dialect import is_postgresql
from newsletter.values import BatchKey, Recipient

_NEWSLETTER = (
    select(Edition.newsletter_id).where(col(Edition.id) == bindparam("edition")).scalar_subquery()  # type: ignore[call-overload]
)
_TO_BEGIN = (
    select(
        may_be_mailed().label("stays"),
        Delivery.subscriber_id, Subscriber.address, Subscriber.name, Delivery.attempt, Delivery.pos,
        type_coerce(col(Subscription.sections), Text),
    )  # type: ignore[call-overload]
    .join(Subscriber, col(Subscriber.id) == col(Delivery.subscriber_id))
    .outerjoin(
        Subscription,
        (col(Subscription.subscriber_id) == col(Delivery.subscriber_id))
        & (col(Subscription.newsletter_id) == _NEWSLETTER),
    )
    .where(
        col(Delivery.edition_id) == bindparam("edition"),
        col(Delivery.batch_no) == bindparam("number"),
        col(Delivery.pos) >= bindparam("low"),
        col(Delivery.pos) < bindparam("high"),
        col(Delivery.state) == DeliveryState.QUEUED,
    )
    .order_by(Delivery.pos)
)  # fmt: skip
# SQLite's driver gives up the interpreter lock for each row, and waits for it behind the threads that send
_TO_BEGIN_AT_ONCE = select(func.json_group_array(func.json_array(*_TO_BEGIN.subquery().columns)))


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


def begin_rows(session: Session, key: BatchKey, low: int, high: int) -> tuple[tuple[Recipient, ...], int]:
    """The rows between two positions that are still queued, but for those whose reader has left: these
    are cancelled, and counted."""
    if low == high:
        return (), 0
    between = {"edition": key.edition_id, "number": key.no, "low": low, "high": high}
    if is_postgresql(session):
        rows = session.connection().execute(_TO_BEGIN, between).all()
    else:
        rows = json.loads(session.connection().execute(_TO_BEGIN_AT_ONCE, between).scalar_one())
    leavers = [pos for stays, *_, pos, _ in rows if not stays]
    if leavers:
        session.connection().execute(_CANCEL, between | {"leavers": leavers})
    recipients = tuple(
        Recipient(subscriber_id, address, name, attempt, pos, in_lines(sections))
        for stays, subscriber_id, address, name, attempt, pos, sections in rows
        if stays
    )
    return recipients, len(leavers)
