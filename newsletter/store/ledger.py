"""The ledger: which delivery stands where, whatever dies whenever.

A worker *takes* a batch and with it a fence token; rows that an earlier worker had begun and never
settled become `unknown` then. It *commits* again and again: outcomes known by now are settled and
the watermark `begun` moves on, in one transaction; only rows below the watermark may go on the
wire. So after a crash the rows in doubt are those below the watermark without an outcome, at most
one window of them. A worker whose token has gone is told so and must stop.

Lock order, everywhere: edition, then batch, then delivery.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, case, select, update
from sqlmodel import Session, col

from newsletter.models import (
    Batch,
    BatchState,
    Delivery,
    DeliveryState,
    Edition,
    EditionState,
    Subscriber,
    Subscription,
)
from newsletter.store.audience import may_be_mailed
from newsletter.store.control import goes_on
from newsletter.store.erasing import forget_answers
from newsletter.store.history import note
from newsletter.store.settling import settle_rows
from newsletter.values import BatchKey, Fate, Recipient, Settled

SENDABLE = (EditionState.FROZEN, EditionState.SENDING)

# What a commit says, many times a second: put together once, and given to the connection itself, for the
# session would look each time for objects that the statement changes, and takes longer than the store
_BATCH = (col(Batch.edition_id) == bindparam("edition")) & (col(Batch.no) == bindparam("number"))
_ROWS = (
    col(Delivery.edition_id) == bindparam("edition"),
    col(Delivery.batch_no) == bindparam("number"),
    col(Delivery.pos) >= bindparam("low"),
    col(Delivery.pos) < bindparam("high"),
)
_STATE = select(Edition.state).where(col(Edition.id) == bindparam("edition"), goes_on())  # type: ignore[call-overload]
_MOVE_ON = (
    update(Batch)
    .where(_BATCH, col(Batch.token) == bindparam("mine"), col(Batch.state) == BatchState.RUNNING)
    .values(begun=bindparam("high"))
)
_STAYING = (
    select(col(Subscriber.id))
    .join(Subscription, col(Subscription.subscriber_id) == col(Subscriber.id))
    .join(Edition, col(Edition.newsletter_id) == col(Subscription.newsletter_id))
    .where(
        col(Edition.id) == bindparam("edition"),
        col(Subscriber.id) == col(Delivery.subscriber_id),
        may_be_mailed(),
    )
    .correlate(Delivery)
)
_CANCEL_LEAVERS = (
    update(Delivery)
    .where(*_ROWS, col(Delivery.state) == DeliveryState.QUEUED, ~_STAYING.exists())
    .values(state=DeliveryState.CANCELLED, fate="left")
)
_NEWSLETTER = (
    select(Edition.newsletter_id).where(col(Edition.id) == bindparam("edition")).scalar_subquery()  # type: ignore[call-overload]
)
_RECIPIENTS = (
    select(
        Delivery.subscriber_id, Subscriber.address, Subscriber.name, Delivery.attempt, Delivery.pos,
        Subscription.sections,
    )  # type: ignore[call-overload]
    .join(Subscriber, col(Subscriber.id) == col(Delivery.subscriber_id))
    .join(
        Subscription,
        (col(Subscription.subscriber_id) == col(Delivery.subscriber_id))
        & (col(Subscription.newsletter_id) == _NEWSLETTER),
    )
    .where(*_ROWS, col(Delivery.state) == DeliveryState.QUEUED)
    .order_by(Delivery.pos)
)  # fmt: skip
_COUNTED = tuple(state for state in DeliveryState if state is not DeliveryState.QUEUED)
_ADD_UP = (
    update(Batch)
    .where(_BATCH)
    .values({state.value: getattr(Batch, state.value) + bindparam(f"more_{state}") for state in _COUNTED})
)


@dataclass(frozen=True, slots=True)
class Taken:
    """A batch in hand. Positions below `begun` are history; `size` is where it ends."""

    key: BatchKey
    token: int
    begun: int
    size: int
    lane: str
    deadline: datetime


def lock_edition(session: Session, edition_id: int) -> EditionState:
    """Nobody else numbers or closes this edition's batches until the transaction ends; gives its state."""
    state = session.execute(
        select(Edition.state).where(col(Edition.id) == edition_id).with_for_update()  # type: ignore[call-overload]
    ).scalar_one()
    return EditionState(state)


def take(session: Session, key: BatchKey, now: datetime) -> Taken | None:
    """Take a batch that is not done, whoever had it before; None when there is nothing to take."""
    if not _start(session, key.edition_id, now):
        return None
    row = session.execute(
        update(Batch)
        .where(is_batch(key), col(Batch.state) != BatchState.DONE)
        .values(token=Batch.token + 1, state=BatchState.RUNNING)
        .returning(col(Batch.token), col(Batch.begun), col(Batch.size), col(Batch.lane), col(Batch.deadline))
    ).one_or_none()
    if row is None:
        return None
    doubt(session, key, row.begun, now)
    return Taken(key, row.token, row.begun, row.size, row.lane, row.deadline)


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the watermark stands now, and the rows that it has just passed."""

    upto: int
    recipients: tuple[Recipient, ...] = ()


def commit(
    session: Session, taken: Taken, settled: Sequence[Settled], *, begun: int, upto: int
) -> Begun | None:
    """Settle what is known and move the watermark from `begun` to `upto`; gives the rows to send.

    The watermark stays where it is unless the edition is still being sent. Rows whose reader has
    left meanwhile are cancelled and not given; so are retries of a cancelled edition. None means
    fenced off: somebody else has the batch, nothing more may be sent; what was settled then counts
    only as far as it replaces a doubt.
    """
    if upto > begun and not _is_sending(session, taken.key.edition_id):
        upto = begun
    place = _place(taken.key)
    mine = session.connection().execute(_MOVE_ON, place | {"mine": taken.token, "high": upto})
    if mine.rowcount != 1:
        settle_late(session, taken.key.edition_id, settled)
        return None
    if _is_cancelled(session, taken.key.edition_id):
        settled = [_without_retry(item) for item in settled]
    settle_rows(session, taken.key, settled)
    _forget_words(session, taken.key.edition_id, settled)
    sums = Counter(item.state for item in settled)
    rows = place | {"low": begun, "high": upto}
    if upto > begun:
        sums[DeliveryState.CANCELLED] += session.connection().execute(_CANCEL_LEAVERS, rows).rowcount
    add_up(session, taken.key, sums)
    _note_retry(session, taken.key, settled)
    begins = session.connection().execute(_RECIPIENTS, rows) if upto > begun else ()
    return Begun(upto, tuple(Recipient(*row) for row in begins))


def finish(session: Session, taken: Taken, state: BatchState) -> None:
    """Let the batch go: DONE when its last row has begun and is settled, READY for another worker.

    Of a cancelled edition nothing is left to do.
    """
    if _is_cancelled(session, taken.key.edition_id):
        state = BatchState.DONE
    session.execute(
        update(Batch).where(is_batch(taken.key), col(Batch.token) == taken.token).values(state=state)
    )


def settle_late(session: Session, edition_id: int, settled: Sequence[Settled]) -> None:
    """Let a late truth replace a doubt: only rows of the same attempt that are `unknown` change."""
    for item in settled:
        row = session.execute(
            update(Delivery)
            .where(
                col(Delivery.edition_id) == edition_id,
                col(Delivery.subscriber_id) == item.recipient.subscriber_id,
                col(Delivery.attempt) == item.recipient.attempt,
                col(Delivery.state) == DeliveryState.UNKNOWN,
            )
            .values(
                state=item.state, fate=item.outcome.fate, settled_at=item.at,
                next_at=item.next_at, relay=item.outcome.relay, reply=item.outcome.reply,
            )
            .returning(Delivery.batch_no)  # type: ignore[call-overload]
        ).one_or_none()  # fmt: skip
        if row is not None:
            key = BatchKey(edition_id, row.batch_no)
            add_up(session, key, Counter({item.state: 1}), Counter({DeliveryState.UNKNOWN: 1}))
            _note_retry(session, key, [item])
            _forget_words(session, edition_id, [item])


def _forget_words(session: Session, edition_id: int, settled: Sequence[Settled]) -> None:
    """A server's words may name its reader; a bare yes does not, and is most of what comes."""
    quoted = [
        item.recipient.subscriber_id
        for item in settled
        if item.outcome.fate is not Fate.ACCEPTED or "@" in item.outcome.text
    ]
    if quoted:
        forget_answers(session, edition_id, quoted)


def _start(session: Session, edition_id: int, now: datetime) -> bool:
    """An edition is `sending` from the moment its first batch is taken; others are left alone."""
    started = session.execute(
        update(Edition)
        .where(col(Edition.id) == edition_id, col(Edition.state).in_(SENDABLE), goes_on())
        .values(
            state=EditionState.SENDING,
            began_at=case((col(Edition.began_at).is_(None), now), else_=col(Edition.began_at)),
        )
    )
    return bool(started.rowcount == 1)  # type: ignore[attr-defined]


def _is_sending(session: Session, edition_id: int) -> bool:
    state = session.connection().execute(_STATE, {"edition": edition_id}).scalar()
    return bool(state == EditionState.SENDING)


def _is_cancelled(session: Session, edition_id: int) -> bool:
    state = session.execute(select(Edition.state).where(col(Edition.id) == edition_id)).scalar_one()  # type: ignore[call-overload]
    return bool(state == EditionState.CANCELLED)


def _without_retry(item: Settled) -> Settled:
    if item.state is not DeliveryState.DEFERRED:
        return item
    return replace(item, state=DeliveryState.CANCELLED, next_at=None)


def doubt(session: Session, key: BatchKey, begun: int, now: datetime) -> None:
    """What an earlier worker began and never settled: nobody can know, so nothing is sent again."""
    doubted = session.execute(
        update(Delivery)
        .where(
            col(Delivery.edition_id) == key.edition_id,
            col(Delivery.batch_no) == key.no,
            col(Delivery.pos) < begun,
            col(Delivery.state) == DeliveryState.QUEUED,
        )
        .values(state=DeliveryState.UNKNOWN, fate=Fate.DOUBT, settled_at=now)
    )
    count = doubted.rowcount  # type: ignore[attr-defined]
    add_up(session, key, Counter({DeliveryState.UNKNOWN: count}))
    if count:
        note(session, now, "delivery", "in doubt", "edition", key.edition_id, f"{count} deliveries")


def _note_retry(session: Session, key: BatchKey, settled: Sequence[Settled]) -> None:
    times = [item.next_at for item in settled if item.next_at is not None]
    if times:
        soonest = min(times)
        earlier = case((Batch.retry_at < soonest, Batch.retry_at), else_=soonest)  # type: ignore[operator, arg-type]
        session.execute(update(Batch).where(is_batch(key)).values(retry_at=earlier))


def add_up(
    session: Session, key: BatchKey, more: Counter[DeliveryState], less: Counter[DeliveryState] | None = None
) -> None:
    """Add outcomes to the batch's own sums, so that nobody ever counts a million rows."""
    change = Counter(more)
    change.subtract(less or {})
    values = {f"more_{state}": change[state] for state in _COUNTED}
    if any(values.values()):
        session.connection().execute(_ADD_UP, _place(key) | values)


def is_batch(key: BatchKey) -> Any:
    return (col(Batch.edition_id) == key.edition_id) & (col(Batch.no) == key.no)


def _place(key: BatchKey) -> dict[str, int]:
    return {"edition": key.edition_id, "number": key.no}
