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

from sqlalchemy import bindparam, case, func, select, update
from sqlmodel import Session, col

from newsletter.models import (
    Batch,
    BatchState,
    Delivery,
    DeliveryState,
    Edition,
    EditionState,
)
from newsletter.store.beginning import begin_rows
from newsletter.store.control import goes_on
from newsletter.store.erasing import forget_answers
from newsletter.store.history import note
from newsletter.store.settling import settle_rows
from newsletter.store.watermarks import COUNTED, Entry, Taken, move_on
from newsletter.values import BatchKey, Fate, Recipient, Settled

SENDABLE = (EditionState.FROZEN, EditionState.SENDING)

# What is said many times a second: put together once, and given to the connection itself, for the session
# would look each time for objects that the statement changes, and takes longer than the store
_BATCH = (col(Batch.edition_id) == bindparam("edition")) & (col(Batch.no) == bindparam("number"))
_STANDING = select(Edition.state, goes_on(), col(Edition.began_at).is_not(None)).where(  # type: ignore[call-overload]
    col(Edition.id) == bindparam("edition")
)
_SUMS = {state.value: getattr(Batch, state.value) + bindparam(f"more_{state}") for state in COUNTED}
_ADD_UP = update(Batch).where(_BATCH).values(_SUMS)
_START = (
    update(Edition)
    .where(col(Edition.id) == bindparam("edition"), col(Edition.state).in_(SENDABLE), goes_on())
    .values(state=EditionState.SENDING, began_at=func.coalesce(col(Edition.began_at), bindparam("now")))
)
_TAKE = (
    update(Batch)
    .where(_BATCH, col(Batch.state) != BatchState.DONE)
    .values(token=Batch.token + 1, state=BatchState.RUNNING)
    .returning(col(Batch.token), col(Batch.begun), col(Batch.size), col(Batch.lane), col(Batch.deadline))
)


def lock_edition(session: Session, edition_id: int) -> EditionState:
    """Nobody else numbers or closes this edition's batches until the transaction ends; gives its state."""
    state = session.execute(
        select(Edition.state).where(col(Edition.id) == edition_id).with_for_update()  # type: ignore[call-overload]
    ).scalar_one()
    return EditionState(state)


def take(session: Session, key: BatchKey, now: datetime) -> Taken | None:
    """Take a batch that is not done, whoever had it before; None when there is nothing to take."""
    state, may_go, has_begun = _standing(session, key.edition_id)
    if not may_go or state not in SENDABLE:
        return None
    if not has_begun and not _start(session, key.edition_id, now):
        return None
    row = session.connection().execute(_TAKE, _place(key)).one_or_none()
    if row is None:
        return None
    if row.begun:
        doubt(session, key, row.begun, now)
    return Taken(key, row.token, row.begun, row.size, row.lane, row.deadline)


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the watermark stands now, and the rows that it has just passed."""

    upto: int
    recipients: tuple[Recipient, ...] = ()


def commit(session: Session, entries: Sequence[Entry]) -> list[Begun | None]:
    """Settle what is known and move each watermark from `begun` to `upto`; gives the rows to send.

    A watermark stays where it is unless its edition is still being sent. Rows whose reader has left
    meanwhile are cancelled and not given; so are retries of a cancelled edition, of which nothing is left
    to do. None means fenced off: somebody else has the batch, nothing more may be sent; what was settled
    then counts only as far as it replaces a doubt.
    """
    standing = {edition: _standing(session, edition) for edition in {e.taken.key.edition_id for e in entries}}
    heeding = [_heed(entry, *standing[entry.taken.key.edition_id][:2]) for entry in entries]
    owned = move_on(session, heeding)
    mine = [entry for entry in heeding if entry.taken in owned]
    settle_rows(session, mine)
    begun = begin_rows(session, mine)
    for entry in mine:
        _forget_words(session, entry.taken.key.edition_id, entry.settled)
        _note_retry(session, entry.taken.key, entry.settled)
        add_up(session, entry.taken.key, Counter({DeliveryState.CANCELLED: begun[entry.taken].leavers}))
    for entry in entries:
        if entry.taken not in owned:
            settle_late(session, entry.taken.key.edition_id, entry.settled)
    return [
        Begun(entry.upto, begun[entry.taken].recipients) if entry.taken in owned else None
        for entry in heeding
    ]


def _heed(entry: Entry, state: EditionState, may_go: bool) -> Entry:
    """The entry as far as its edition allows."""
    if state is EditionState.SENDING and may_go:
        return entry
    if state is not EditionState.CANCELLED:
        return replace(entry, upto=entry.begun)
    then = entry.then if entry.then is BatchState.RUNNING else BatchState.DONE
    settled = [_without_retry(item) for item in entry.settled]
    return replace(entry, settled=settled, upto=entry.begun, then=then)


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
    started = session.connection().execute(_START, {"edition": edition_id, "now": now})
    return started.rowcount == 1


def _standing(session: Session, edition_id: int) -> tuple[EditionState, bool, bool]:
    """An edition's state, whether editions may be sent at all, and whether this one has begun."""
    state, may_go, has_begun = session.connection().execute(_STANDING, {"edition": edition_id}).one()
    return EditionState(state), may_go, has_begun


def _without_retry(item: Settled) -> Settled:
    if item.state is not DeliveryState.DEFERRED:
        return item
    return item._replace(state=DeliveryState.CANCELLED, next_at=None)


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
    if any(change.values()):
        session.connection().execute(_ADD_UP, _place(key) | _changes(change))


def _changes(change: Counter[DeliveryState]) -> dict[str, int]:
    return {f"more_{state}": change[state] for state in COUNTED}


def is_batch(key: BatchKey) -> Any:
    return (col(Batch.edition_id) == key.edition_id) & (col(Batch.no) == key.no)


def _place(key: BatchKey) -> dict[str, int]:
    return {"edition": key.edition_id, "number": key.no}
