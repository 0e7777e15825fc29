"""A relay that was away all morning leaves an edition of expired rows: all go again, a batch at a time."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import func, insert, update
from sqlmodel import Session, col, select

from newsletter.models import (
    Batch,
    Cadence,
    Delivery,
    DeliveryState,
    Subscriber,
    Subscription,
    SubscriptionState,
)
from newsletter.store import closing, reopening
from newsletter.store.database import Database
from newsletter.values import Fate
from tests.people import LONG_AGO, NINE, make_edition, make_newsletter
from tests.store.test_ledger import DEADLINE, counted, freeze, states

AGAIN = NINE + timedelta(hours=5)
TERM = reopening.Term(AGAIN, due_at=AGAIN, deadline=AGAIN + timedelta(hours=4))


def expired(session: Session, readers: int, *, size: int) -> int:
    """An edition past its deadline that reached none of so many readers, a third of them at Gmail."""
    newsletter = make_newsletter(session)
    people = session.execute(
        insert(Subscriber).returning(Subscriber.id),  # type: ignore[call-overload]
        [
            {"address": f"reader{n}@a.example", "address_key": f"{n}", "created_at": LONG_AGO,
             "lane": "rest" if n % 3 else "gmail"}
            for n in range(readers)
        ],
    ).scalars()  # fmt: skip
    session.execute(
        insert(Subscription),
        [
            {"subscriber_id": person, "newsletter_id": newsletter, "state": SubscriptionState.ACTIVE,
             "cadence": Cadence.DAILY, "active_since": LONG_AGO}
            for person in people
        ],
    )  # fmt: skip
    edition = freeze(session, make_edition(session, newsletter), size=size)
    closing.expire(session, edition, DEADLINE)
    return edition


def test_rows_of_many_batches_fill_new_ones_and_never_mix_lanes_or_states(database: Database) -> None:
    with database.writing() as session:
        edition = expired(session, 300, size=50)
        first = session.exec(select(func.min(Batch.no)).where(Batch.lane == "gmail")).one()
        session.execute(
            update(Delivery)
            .where(Delivery.batch_no == first)
            .values(state=DeliveryState.FAILED, fate=Fate.REFUSED)  # type: ignore[arg-type]
        )
        session.execute(update(Batch).where(Batch.no == first).values(failed=Batch.expired, expired=0))  # type: ignore[arg-type]
        before = session.exec(select(Batch).order_by(col(Batch.no).desc())).first()
        assert before is not None and reopening.count(session, edition, reopening.PASSED_OVER) == 300
        assert reopening.reopen(session, edition, reopening.PASSED_OVER, TERM, 120) == 300
        assert states(session, edition) == counted(session, edition) == {"queued": 300}
        new = session.exec(select(Batch).where(Batch.no > before.no).order_by(Batch.no)).all()  # type: ignore[arg-type]
        # 100 at Gmail, of whom 50 were refused; then 200 elsewhere
        assert Counter((batch.lane, batch.size) for batch in new) == {
            ("gmail", 50): 2, ("rest", 120): 1, ("rest", 80): 1,
        }  # fmt: skip
        for batch in new:
            rows = session.execute(
                select(Delivery.pos, Subscriber.lane, Delivery.attempt)
                .join(Subscriber, col(Subscriber.id) == col(Delivery.subscriber_id))
                .where(Delivery.batch_no == batch.no)
                .order_by(col(Delivery.pos))
            ).all()
            assert rows == [(n, batch.lane, 2) for n in range(batch.size)]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_ten_times_the_rows_take_no_more_memory(database: Database) -> None:
    peaks = []
    for readers in (400, 4_000):
        with database.writing() as session:
            edition = expired(session, readers, size=100)
            session.expunge_all()
            tracemalloc.start()
            assert reopening.reopen(session, edition, reopening.PASSED_OVER, TERM, 100) == readers
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
            session.rollback()
    assert peaks[1] < 1.5 * peaks[0], peaks
