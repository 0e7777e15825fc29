"""The ledger's promises, on both stores: one row each, at most a window in doubt, fenced, never lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, select

from newsletter.models import (
    Attempt,
    Batch,
    BatchState,
    Cadence,
    Delivery,
    DeliveryState,
    Edition,
    EditionKind,
    EditionState,
    Subscription,
    SubscriptionState,
    Suppression,
)
from newsletter.store import closing, deliveries, erasing, freezing, ledger, missing, moving, reopening
from newsletter.store.audience import audience
from newsletter.store.database import Database
from newsletter.store.watermarks import Entry, Taken
from newsletter.values import BatchKey, Fate, Outcome, Phase, Recipient, Settled
from tests.people import NINE, make_edition, make_newsletter, make_reader, make_readers

DEADLINE = NINE + timedelta(hours=4)
ACCEPTED = Outcome(Fate.ACCEPTED, Phase.CONTENT, 250, "2.0.0", "ok", relay="main")


def frozen(session: Session, count: int = 10, *, size: int = 500) -> int:
    newsletter = make_newsletter(session)
    make_readers(session, newsletter, count)
    return freeze(session, make_edition(session, newsletter), size=size)


def freeze(session: Session, edition: Edition, *, size: int = 500) -> int:
    edition.state, edition.frozen_at = EditionState.FROZEN, NINE
    session.add(edition)
    session.flush()
    people = audience(edition.newsletter_id, EditionKind.DAILY, edition.local_date, NINE, sections=None)
    assert edition.id is not None
    freezing.plan(session, edition.id, people, due_at=NINE, deadline=DEADLINE, size=size)
    return edition.id


def taken(session: Session, edition: int, no: int = 0) -> Taken:
    found = ledger.take(session, BatchKey(edition, no), NINE)
    assert found is not None
    return found


def commit(
    session: Session, batch: Taken, known: Sequence[Settled], *, begun: int, upto: int
) -> ledger.Begun | None:
    [result] = ledger.commit(session, [Entry(batch, known, begun, upto)])
    return result


def finish(session: Session, batch: Taken, then: BatchState) -> None:
    """Let go of a batch, as far as it has begun."""
    begun = session.exec(
        select(Batch.begun).where(Batch.edition_id == batch.key.edition_id, Batch.no == batch.key.no)
    ).one()
    ledger.commit(session, [Entry(batch, [], begun, begun, then)])


def begin(session: Session, batch: Taken, upto: int, *, begun: int = 0) -> tuple[Recipient, ...]:
    result = commit(session, batch, [], begun=begun, upto=upto)
    assert result is not None
    return result.recipients


def settled(
    recipient: Recipient, outcome: Outcome = ACCEPTED, state: DeliveryState = DeliveryState.SENT,
    next_at: datetime | None = None,
) -> Settled:  # fmt: skip
    return Settled(recipient, state, outcome, NINE, next_at)


def busy(recipient: Recipient, minutes: int = 5) -> Settled:
    outcome = Outcome(Fate.BUSY, Phase.RCPT, 451, "4.7.1", "later", relay="main")
    return settled(recipient, outcome, DeliveryState.DEFERRED, NINE + timedelta(minutes=minutes))


def states(session: Session, edition: int) -> Counter[str]:
    return Counter(session.exec(select(Delivery.state).where(Delivery.edition_id == edition)).all())


def counted(session: Session, edition: int) -> Counter[str]:
    """The same from the batches' sums: they must always agree with the rows."""
    found = deliveries.sums(session, edition)
    return +Counter({name: getattr(found, name) for name in type(found).__slots__ if isinstance(name, str)})


def test_the_freeze_batches_neighbours_never_mixes_lanes_and_lets_them_take_turns(database: Database) -> None:
    with database.writing() as session:
        newsletter = make_newsletter(session)
        for lane, count in (("gmail", 7), ("rest", 4), ("yahoo", 1)):
            make_readers(session, newsletter, count, lane=lane)
        edition = freeze(session, make_edition(session, newsletter), size=3)
        batches = session.exec(select(Batch).order_by(Batch.no)).all()
        rows = session.exec(select(Delivery).order_by(Delivery.batch_no, Delivery.pos)).all()
    assert [(b.lane, b.size) for b in batches] == [
        ("gmail", 3), ("rest", 3), ("yahoo", 1), ("gmail", 3), ("rest", 1), ("gmail", 1)
    ]  # fmt: skip
    assert [(r.batch_no, r.pos) for r in rows] == [(b.no, pos) for b in batches for pos in range(b.size)]
    assert edition == rows[0].edition_id


def test_the_freeze_takes_the_audience_of_the_day(database: Database) -> None:
    with database.writing() as session:
        newsletter = make_newsletter(session)
        other = make_newsletter(session, "other")
        alice = make_reader(session, newsletter, "alice@a.example")
        bob = make_reader(session, newsletter, "bob@a.example", cadence=Cadence.WEEKDAYS)
        make_reader(session, newsletter, "charlie@a.example", state=SubscriptionState.ENDED)
        make_reader(session, newsletter, "dora@a.example", cadence=Cadence.WEEKLY)
        make_reader(session, other, "eve@a.example")
        paused = make_reader(session, newsletter, "frank@a.example")
        session.get_one(Subscription, (paused, newsletter)).paused_until = NINE + timedelta(seconds=1)
        make_reader(session, newsletter, "grace@a.example")
        session.add(Suppression(address_key="key of grace@a.example", reason="dead", since=NINE))
        session.flush()
        edition = freeze(session, make_edition(session, newsletter))
        people = session.exec(select(Delivery.subscriber_id).where(Delivery.edition_id == edition)).all()
        saturday = audience(newsletter, EditionKind.DAILY, datetime(2026, 2, 21).date(), NINE, sections=None)  # noqa: DTZ001
        on_saturday = session.execute(saturday).all()
    assert sorted(people) == [alice, bob]
    assert [row.subscriber_id for row in on_saturday] == [alice]


def test_planning_twice_is_refused_by_the_unique_key(database: Database) -> None:
    from sqlalchemy.exc import IntegrityError

    with database.writing() as session:
        edition = frozen(session, 3)
        newsletter = session.get_one(Edition, edition).newsletter_id
    with pytest.raises(IntegrityError), database.writing() as session:
        people = audience(newsletter, EditionKind.DAILY, NINE.date(), NINE, sections=None)
        freezing.plan(session, edition, people, due_at=NINE, deadline=DEADLINE, size=500)
    with database.reading() as session:
        assert states(session, edition) == {"queued": 3}


def test_a_batch_walks_from_queued_to_sent(database: Database) -> None:
    with database.writing() as session:
        edition = frozen(session, 10)
        batch = taken(session, edition)
        first = begin(session, batch, 4)
        assert [r.pos for r in first] == [0, 1, 2, 3]
        after = commit(session, batch, [settled(r) for r in first], begun=4, upto=8)
        assert after is not None and [r.pos for r in after.recipients] == [4, 5, 6, 7]
        assert states(session, edition) == counted(session, edition) == {"sent": 4, "queued": 6}
        assert session.get_one(Edition, edition).state == EditionState.SENDING


def test_after_a_crash_only_the_open_window_is_in_doubt(database: Database) -> None:
    with database.writing() as session:
        edition = frozen(session, 10)
        dead = taken(session, edition)
        first = begin(session, dead, 4)
        commit(session, dead, [settled(r) for r in first[1:]], begun=4, upto=6)
    with database.writing() as session:
        successor = taken(session, edition)
        assert successor.begun == 6
        assert states(session, edition) == counted(session, edition) == {"sent": 3, "unknown": 3, "queued": 4}
        rest = begin(session, successor, 10, begun=6)
        assert [r.pos for r in rest] == [6, 7, 8, 9]


def test_what_has_begun_and_is_not_answered_does_not_begin_again(database: Database) -> None:
    with database.writing() as session:
        batch = taken(session, frozen(session))
        first = begin(session, batch, 3)
        more = commit(session, batch, [settled(first[1])], begun=3, upto=6)
        assert more is not None
        assert [row.pos for row in (*first, *more.recipients)] == [*range(6)]


@pytest.mark.parametrize("other", [{"attempt": 2}, {"subscriber_id": 99}, {"pos": 3}])
def test_an_outcome_settles_its_own_row_and_attempt_alone(database: Database, other: dict[str, int]) -> None:
    with pytest.raises(RuntimeError), database.writing() as session:
        batch = taken(session, edition := frozen(session))
        first, *_ = begin(session, batch, 2)
        commit(session, batch, [settled(first._replace(**other))], begun=2, upto=2)  # type: ignore[arg-type]
    with database.reading() as session:
        assert states(session, edition) == {}, "it was rolled back whole"


def test_a_fenced_worker_begins_nothing_and_its_late_truth_replaces_the_doubt(database: Database) -> None:
    with database.writing() as session:
        edition = frozen(session, 10)
        sleeper = taken(session, edition)
        first = begin(session, sleeper, 4)
        taken(session, edition)
        assert commit(session, sleeper, [settled(first[0])], begun=4, upto=8) is None
        assert states(session, edition) == counted(session, edition) == {"sent": 1, "unknown": 3, "queued": 6}
        assert session.get_one(Batch, (edition, 0)).begun == 4


def test_an_old_attempt_cannot_settle_a_later_one(database: Database) -> None:
    with database.writing() as session:
        edition = frozen(session, 1)
        old = taken(session, edition)
        (row,) = begin(session, old, 1)
        commit(session, old, [busy(row)], begun=1, upto=1)
        moving.gather_retries(session, edition, NINE + timedelta(minutes=5), 500)
        retry = taken(session, edition, 1)
        (again,) = begin(session, retry, 1)
        assert again.attempt == 2
        taken(session, edition, 1)
        ledger.settle_late(session, edition, [settled(row)])
        assert states(session, edition) == {"unknown": 1}
        ledger.settle_late(session, edition, [settled(again)])
        assert states(session, edition) == counted(session, edition) == {"sent": 1}


def test_who_left_meanwhile_is_cancelled_and_who_came_back_is_not(database: Database) -> None:
    with database.writing() as session:
        edition = frozen(session, 3)
        newsletter = session.get_one(Edition, edition).newsletter_id
        gone, back, stays = session.exec(select(Delivery.subscriber_id).order_by(Delivery.pos)).all()
        for person in (gone, back):
            session.get_one(Subscription, (person, newsletter)).state = SubscriptionState.ENDED
        session.get_one(Subscription, (back, newsletter)).state = SubscriptionState.ACTIVE
        session.flush()
        people = begin(session, taken(session, edition), 3)
        assert [r.subscriber_id for r in people] == [back, stays]
        assert states(session, edition) == counted(session, edition) == {"cancelled": 1, "queued": 2}


def test_a_paused_edition_begins_nothing(database: Database) -> None:
    with database.writing() as session:
        edition = frozen(session, 4)
        batch = taken(session, edition)
        first = begin(session, batch, 2)
        session.get_one(Edition, edition).state = EditionState.PAUSED
        session.flush()
        after = commit(session, batch, [settled(first[0])], begun=2, upto=4)
        assert after is not None and (after.upto, after.recipients) == (2, ())
        assert ledger.take(session, BatchKey(edition, 0), NINE) is None


def test_rows_handed_back_keep_their_attempt_and_go_again(database: Database) -> None:
    with database.writing() as session:
        edition = frozen(session, 4)
        batch = taken(session, edition)
        rows = begin(session, batch, 4)
        commit(session, batch, [settled(rows[1]), settled(rows[3])], begun=4, upto=4)
        moving.hand_back(session, batch, [rows[0], rows[2]], NINE)
        finish(session, batch, BatchState.DONE)
        assert states(session, edition) == counted(session, edition) == {"sent": 2, "queued": 2}
        again = begin(session, taken(session, edition, 1), 2)
        assert [(r.subscriber_id, r.attempt) for r in again] == [
            (rows[0].subscriber_id, 1), (rows[2].subscriber_id, 1)
        ]  # fmt: skip


def test_handing_back_twice_or_without_the_token_moves_nothing(database: Database) -> None:
    with database.writing() as session:
        edition = frozen(session, 4)
        batch = taken(session, edition)
        rows = begin(session, batch, 4)
        for _ in range(2):
            moving.hand_back(session, batch, rows[:2], NINE)
        assert len(session.exec(select(Batch)).all()) == 2
        taken(session, edition)
        moving.hand_back(session, batch, rows[2:], NINE)
        assert states(session, edition) == counted(session, edition) == {"queued": 2, "unknown": 2}


def test_batches_that_are_handed_back_at_once_get_numbers_of_their_own(database: Database) -> None:
    import threading

    with database.writing() as session:
        edition = frozen(session, 40, size=10)
        batches = [taken(session, edition, no) for no in range(4)]
        begun = [begin(session, batch, 10) for batch in batches]
    start, failures = threading.Barrier(4), []

    def give_back(batch: Taken, rows: tuple[Recipient, ...]) -> None:
        start.wait()
        try:
            for row in rows:
                with database.writing() as session:
                    moving.hand_back(session, batch, [row], NINE)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=give_back, args=pair) for pair in zip(batches, begun, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with database.reading() as session:
        assert counted(session, edition) == states(session, edition) == {"queued": 40}
        assert len(session.exec(select(Batch)).all()) == 44


def test_a_retry_moves_its_row_and_keeps_the_earlier_answer(database: Database) -> None:
    with database.writing() as session:
        edition = frozen(session, 3)
        batch = taken(session, edition)
        rows = begin(session, batch, 3)
        commit(session, batch, [busy(rows[0]), busy(rows[1], 30), settled(rows[2])], begun=3, upto=3)
        finish(session, batch, BatchState.DONE)
        assert moving.gather_retries(session, edition, NINE + timedelta(minutes=4), 500) == 0
        assert moving.gather_retries(session, edition, NINE + timedelta(minutes=5), 500) == 1
        retry = session.get_one(Batch, (edition, 1))
        assert (retry.size, retry.due_at, retry.deadline) == (1, NINE, DEADLINE)
        assert (
            counted(session, edition) == states(session, edition) == {"sent": 1, "deferred": 1, "queued": 1}
        )
        kept = session.exec(select(Attempt)).one()
        assert (kept.subscriber_id, kept.attempt, kept.reply) == (rows[0].subscriber_id, 1, "451 4.7.1 later")
        assert session.get_one(Batch, (edition, 0)).retry_at == NINE + timedelta(minutes=30)
        assert not closing.finish_if_done(session, edition, NINE)


def test_at_the_deadline_what_is_open_expires_and_the_edition_ends(database: Database) -> None:
    with database.writing() as session:
        edition = frozen(session, 5)
        batch = taken(session, edition)
        rows = begin(session, batch, 3)
        commit(session, batch, [settled(rows[0]), busy(rows[1])], begun=3, upto=3)
        assert closing.expire(session, edition, DEADLINE) == 0, "a running batch may wait for its last answer"
        late = DEADLINE + closing.LAST_ANSWER
        assert closing.expire(session, edition, late) == 3
        assert (
            states(session, edition) == counted(session, edition) == {"sent": 1, "unknown": 1, "expired": 3}
        )
        assert closing.finish_if_done(session, edition, late)
        assert session.get_one(Edition, edition).state == EditionState.SENT


def test_dead_addresses_are_suppressed_when_the_run_ends_and_not_before(database: Database) -> None:
    dead = Outcome(Fate.DEAD, Phase.RCPT, 550, "5.1.1", "no such user", relay="main")
    refused = Outcome(Fate.REFUSED, Phase.RCPT, 550, "5.7.1", "not today", relay="main")
    with database.writing() as session:
        edition = frozen(session, 2)
        batch = taken(session, edition)
        rows = begin(session, batch, 2)
        failed = DeliveryState.FAILED
        outcomes = [settled(rows[0], dead, failed), settled(rows[1], refused, failed)]
        commit(session, batch, outcomes, begun=2, upto=2)
        assert session.exec(select(Suppression)).all() == []
        finish(session, batch, BatchState.DONE)
        assert closing.finish_if_done(session, edition, NINE)
        (suppression,) = session.exec(select(Suppression)).all()
        assert (suppression.reason, suppression.detail) == ("dead", "550 5.1.1 no such user")


def test_missing_takes_the_unplanned_the_expired_and_the_passingly_refused(database: Database) -> None:
    refused = Outcome(Fate.REFUSED, Phase.RCPT, 550, "5.7.1", "not today", relay="main")
    with database.writing() as session:
        edition = frozen(session, 4)
        batch = taken(session, edition)
        rows = begin(session, batch, 2)
        commit(
            session,
            batch,
            [settled(rows[0]), settled(rows[1], refused, DeliveryState.FAILED)],
            begun=2,
            upto=2,
        )
        finish(session, batch, BatchState.READY)
        closing.expire(session, edition, DEADLINE)
        row = session.get_one(Edition, edition)
        newcomer = make_reader(session, row.newsletter_id, "newcomer@a.example")
        session.get_one(Subscription, (newcomer, row.newsletter_id)).active_since = NINE + timedelta(
            seconds=1
        )
        forgotten = make_reader(session, row.newsletter_id, "forgotten@a.example")
        again = NINE + timedelta(hours=5)
        which, term = reopening.PASSED_OVER, reopening.Term(again, due_at=again, deadline=DEADLINE)
        assert reopening.count(session, edition, which) == 3
        planned = freezing.plan(
            session,
            edition,
            missing.without_row(session, row, again),
            due_at=again,
            deadline=DEADLINE,
            size=500,
        )
        assert planned == 1
        assert reopening.reopen(session, edition, which, term, 500) == 3
        assert states(session, edition) == counted(session, edition) == {"sent": 1, "queued": 4}
        assert (
            session.exec(select(Delivery.state).where(Delivery.subscriber_id == forgotten)).one() == "queued"
        )


def test_naive_instants_are_refused_and_utc_comes_back(database: Database) -> None:
    with pytest.raises(Exception, match="timezone"), database.writing() as session:
        session.add(Suppression(address_key="k", reason="dead", since=datetime(2026, 1, 1)))  # noqa: DTZ001
        session.flush()
    with database.writing() as session:
        session.add(Suppression(address_key="k", reason="dead", since=NINE.astimezone()))
    with database.reading() as session:
        found = session.exec(select(Suppression)).one().since
    assert (found, found.utcoffset()) == (NINE, timedelta(0))


def test_reading_then_writing_in_threads_loses_nothing(database: Database) -> None:
    import threading

    with database.writing() as session:
        edition = frozen(session, 1)

    def count() -> None:
        for _ in range(20):
            with database.writing() as session:
                batch = session.exec(select(Batch).where(Batch.edition_id == edition).with_for_update()).one()
                batch.sent += 1
                session.add(batch)

    threads = [threading.Thread(target=count) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as session:
        assert session.get_one(Batch, (edition, 0)).sent == 60


def dead(recipient: Recipient) -> Settled:
    outcome = Outcome(Fate.DEAD, Phase.RCPT, 550, "5.1.1", f"<{recipient.address}> unknown", relay="main")
    return settled(recipient, outcome, DeliveryState.FAILED)


def test_words_about_somebody_forgotten_meanwhile_are_not_kept(database: Database) -> None:
    """Their mail was on the wire: the answer counts, its words do not, and nobody's key is suppressed."""
    with database.writing() as session:
        edition = frozen(session, 2)
        batch = taken(session, edition)
        here, gone = begin(session, batch, 2)
    with database.writing() as session:
        assert erasing.erase(session, gone.subscriber_id, NINE) == gone.address
    with database.writing() as session:
        commit(session, batch, [dead(here), dead(gone)], begun=2, upto=2)
        finish(session, batch, BatchState.DONE)
        assert closing.finish_if_done(session, edition, NINE)
    with database.reading() as session:
        replies = dict(session.exec(select(Delivery.subscriber_id, Delivery.reply)).all())
        reasons = dict(session.exec(select(Suppression.address_key, Suppression.reason)).all())
        assert counted(session, edition) == {"failed": 2}
    assert (here.address in replies[here.subscriber_id], replies[gone.subscriber_id]) == (True, "")
    assert reasons == {f"key of {here.address}": "dead", f"key of {gone.address}": "forgotten"}


def test_a_late_answer_about_somebody_forgotten_is_not_kept_either(database: Database) -> None:
    with database.writing() as session:
        edition = frozen(session, 1)
        batch = taken(session, edition)
        (gone,) = begin(session, batch, 1)
        taken(session, edition)  # somebody else has it now, and doubts the row
        erasing.erase(session, gone.subscriber_id, NINE)
    with database.writing() as session:
        assert commit(session, batch, [dead(gone)], begun=1, upto=1) is None
        assert list(session.exec(select(Delivery.state, Delivery.reply)).all()) == [("failed", "")]
