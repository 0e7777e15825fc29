"""Batches share the transaction in which they say what they know, and none pays for what is another's."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

import pytest
from sqlalchemy import event
from sqlmodel import select

from newsletter.delivery import patience
from newsletter.delivery.clerk import Clerk
from newsletter.errors import StoreFailed
from newsletter.models import Batch, BatchState, DeliveryState
from newsletter.store import deliveries, ledger
from newsletter.store.database import Database
from newsletter.store.watermarks import Entry, Taken
from newsletter.values import BatchKey, Recipient, Settled
from tests.people import NINE
from tests.store.test_ledger import ACCEPTED, frozen, taken


def batches(database: Database, count: int) -> tuple[int, list[Taken]]:
    with database.writing() as session:
        edition = frozen(session, 10 * count, size=10)
        return edition, [taken(session, edition, number) for number in range(count)]


def sent(recipients: Sequence[Recipient]) -> list[Settled]:
    return [Settled(recipient, DeliveryState.SENT, ACCEPTED, NINE) for recipient in recipients]


def said(clerk: Clerk, *entries: Entry) -> list[ledger.Begun | BaseException | None]:
    async def together() -> list[ledger.Begun | BaseException | None]:
        return await asyncio.gather(*map(clerk.commit, entries), return_exceptions=True)

    return asyncio.run(together())


def begun(*found: object) -> list[Sequence[Recipient]]:
    assert all(isinstance(one, ledger.Begun) for one in found), found
    return [one.recipients for one in found if isinstance(one, ledger.Begun)]


def test_what_is_said_at_once_is_one_transaction(database: Database) -> None:
    edition, held = batches(database, 4)
    commits: Counter[str] = Counter()
    event.listen(database.engine, "commit", lambda _: commits.update(["made"]))
    clerk = Clerk(database)
    firsts = begun(*said(clerk, *(Entry(one, [], 0, 5) for one in held)))
    entries = [Entry(one, sent(rows), 5, 10) for one, rows in zip(held, firsts, strict=True)]
    seconds = begun(*said(clerk, *reversed(entries)))[::-1]
    assert commits["made"] == 2
    assert [[row.pos for row in rows] for rows in firsts + seconds] == [[*range(5)]] * 4 + [
        [*range(5, 10)]
    ] * 4
    with database.reading() as session:
        assert (deliveries.sums(session, edition).sent, deliveries.sums(session, edition).queued) == (20, 20)


def test_what_is_wrong_with_one_batch_is_not_wrong_with_the_others(database: Database) -> None:
    edition, held = batches(database, 3)
    clerk = Clerk(database)
    firsts = begun(*said(clerk, *(Entry(one, [], 0, 5) for one in held)))
    twice = sent([*firsts[1], firsts[1][0]])  # no row is settled twice: this must never stand
    good, bad, fenced = said(
        clerk,
        Entry(held[0], sent(firsts[0]), 5, 10),
        Entry(held[1], twice, 5, 10),
        Entry(Taken(held[2].key, 0, 0, 10, "rest", held[2].deadline), [], 5, 10),
    )
    assert len(begun(good)[0]) == 5
    assert isinstance(bad, RuntimeError)
    assert fenced is None
    with database.reading() as session:
        assert deliveries.sums(session, edition).sent == 5


def test_a_store_that_is_away_is_waited_for_once_and_fails_everybody(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, held = batches(database, 2)
    monkeypatch.setattr(patience, "PAUSE", 0.01)
    clerk = Clerk(Database("sqlite:////nowhere/at/all.db"))
    assert [type(one) for one in said(clerk, *(Entry(one, [], 0, 5) for one in held))] == [StoreFailed] * 2


def test_a_batch_is_taken_in_the_transaction_that_lets_go_of_another(database: Database) -> None:
    edition, [one, *_] = batches(database, 3)
    commits: Counter[str] = Counter()
    event.listen(database.engine, "commit", lambda _: commits.update(["made"]))
    clerk = Clerk(database)

    async def let_go_and_take(held: Taken, number: int) -> Taken:
        over = Entry(held, [], 0, 0, BatchState.READY)
        begun, taken = await asyncio.gather(clerk.commit(over), clerk.take(BatchKey(edition, number), NINE))
        assert begun is not None
        assert taken is not None
        return taken

    two = asyncio.run(let_go_and_take(one, 1))
    assert commits["made"] == 2, "the first is alone: it may lock its edition, and others wait for it there"
    three = asyncio.run(let_go_and_take(two, 2))
    assert commits["made"] == 3
    with database.reading() as session:
        found = session.exec(select(Batch.state, Batch.token).order_by(Batch.no)).all()
    assert found == [("ready", one.token), ("ready", two.token), ("running", three.token)]
