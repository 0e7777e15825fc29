"""The freeze of many readers: each once, at their own time and in their lane, while others come and go."""

from __future__ import annotations

import threading
from datetime import time, timedelta

from sqlmodel import Session, col, select

from newsletter.models import Batch, Delivery, EditionKind, Subscriber, Subscription, SubscriptionState
from newsletter.schedule import later_dues
from newsletter.store import freezing, places, subscribers
from newsletter.store.audience import audience
from newsletter.store.database import Database
from newsletter.store.subscribers import Newcomer
from tests.people import LONG_AGO, NINE, make_edition, make_newsletter

MANY = 4_000
NINE_O_CLOCK = time(9)
WEST = NINE + timedelta(hours=3)
ZONES = ("", "America/Los_Angeles", "Europe/Kyiv", "Mars/Olympus")
LANES = ("gmail", "rest")


def take_in(session: Session, newsletter: int, count: int) -> None:
    people = [
        {
            "address": f"reader{n}@{'big.example' if n % 10 == 0 else 'town.example'}",
            "address_key": f"key {n}", "lane": LANES[n % 2], "name": "", "created_at": LONG_AGO,
        }
        for n in range(1, count + 1)
    ]  # fmt: skip
    session.execute(Subscriber.__table__.insert(), people)  # type: ignore[attr-defined]
    numbers = session.exec(select(Subscriber.id).order_by(col(Subscriber.id))).all()
    places = [
        {
            "subscriber_id": number, "newsletter_id": newsletter, "state": SubscriptionState.ACTIVE,
            "cadence": "daily", "zone": ZONES[n % 4], "active_since": LONG_AGO, "consent_text": "",
            "consent_source": "",
        }
        for n, number in enumerate(numbers, 1)
    ]  # fmt: skip
    session.execute(Subscription.__table__.insert(), places)  # type: ignore[attr-defined]


def freeze(session: Session, newsletter: int) -> tuple[int, int]:
    edition = make_edition(session, newsletter)
    people = audience(newsletter, EditionKind.DAILY, edition.local_date, NINE, sections=None)
    later = later_dues(edition.local_date, NINE_O_CLOCK, NINE, freezing.zones(session, newsletter))
    planned = freezing.plan(
        session, edition.id or 0, people, due_at=NINE, deadline=NINE + timedelta(hours=4), size=500,
        later=later, lanes={"big.example": "big"},
    )  # fmt: skip
    return edition.id or 0, planned


def test_batches_mix_neither_lanes_nor_times(database: Database) -> None:
    with database.writing() as session:
        newsletter = make_newsletter(session)
        take_in(session, newsletter, MANY)
        _, planned = freeze(session, newsletter)
    with database.reading() as session:
        batches = {batch.no: batch for batch in session.exec(select(Batch).order_by(col(Batch.no))).all()}
        rows = session.execute(
            select(Delivery.batch_no, Subscriber.address, Subscriber.lane, Subscription.zone)
            .join(Subscriber, col(Subscriber.id) == col(Delivery.subscriber_id))
            .join(Subscription, col(Subscription.subscriber_id) == col(Subscriber.id))
        ).all()
    assert planned == len(rows) == MANY == sum(batch.size for batch in batches.values())
    for no, address, lane, zone in rows:
        batch = batches[no]
        assert batch.lane == ("big" if address.endswith("@big.example") else lane)
        assert batch.due_at == batch.not_before == (WEST if zone == "America/Los_Angeles" else NINE)
        assert batch.deadline == batch.due_at + timedelta(hours=4)
    assert list(batches) == list(range(len(batches)))
    assert [b.due_at for b in batches.values()] == sorted(b.due_at for b in batches.values())
    assert [b.lane for b in batches.values()][:3] == ["big", "gmail", "rest"], "lanes take turns"


def test_who_comes_and_who_leaves_during_the_freeze_is_not_turned_away(database: Database) -> None:
    with database.writing() as session:
        newsletter = make_newsletter(session)
        take_in(session, newsletter, MANY)
    is_frozen, done = threading.Event(), threading.Event()

    def come_and_go() -> None:
        is_frozen.wait()
        for n in range(1, 21):
            with database.writing() as session:
                assert places.end(session, n, newsletter, NINE)
            with database.writing() as session:
                person = Newcomer(f"new{n}@town.example", f"new key {n}", "rest")
                assert subscribers.admit(session, newsletter, [person], NINE).new
        done.set()

    thread = threading.Thread(target=come_and_go)
    thread.start()
    with database.writing() as session:
        edition, planned = freeze(session, newsletter)
        is_frozen.set()
        # Nobody waits for it on PostgreSQL; a SQLite file has one writer at a time, and the others wait
        assert done.wait(0.3 if database.is_sqlite else 20) is not database.is_sqlite
    thread.join()
    assert done.is_set() and planned == MANY
    with database.reading() as session:
        ended = select(Subscription).where(col(Subscription.state) == SubscriptionState.ENDED)
        assert len(session.exec(ended).all()) == 20
        frozen = select(Delivery).where(col(Delivery.edition_id) == edition)
        assert len(session.exec(frozen).all()) == MANY, "who left is passed over when their row would begin"
