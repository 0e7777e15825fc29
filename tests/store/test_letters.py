"""Letters in the store: one by its purpose, one courier, one attempt at a time, and nothing that lingers."""

from __future__ import annotations

from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlmodel import Session, col, select

from newsletter.models import DeliveryState, Letter, LetterKind
from newsletter.store import control, leases, letters
from newsletter.store.database import Database
from newsletter.store.leases import Holder
from newsletter.values import Fate, LetterInHand, Outcome, Phase
from tests.people import NINE

ME, OTHER = Holder("me", "here", ""), Holder("other", "there", "")
TAKEN = Outcome(Fate.ACCEPTED, Phase.CONTENT, 250, text="ok", relay="main")
LATER = Outcome(Fate.BUSY, Phase.RCPT, 451, text="later", relay="main")
SECRET = "https://town.example/confirm/secret"


def ask(session: Session, key: str = "confirm/1", **values: Any) -> bool:
    asked = {"kind": LetterKind.CONFIRM, "address": "alice@readers.example", "values": {"url": SECRET}}
    return letters.ask(session, key=key, now=NINE, **(asked | values))


def only(database: Database) -> Letter:
    with database.reading() as session:
        return session.exec(select(Letter)).one()


def begin(database: Database, me: Holder = ME) -> LetterInHand:
    """Hold the lease and claim the one letter."""
    with database.writing() as session:
        assert leases.acquire(session, letters.LEASE, me) is None
        (number,) = letters.due(session, NINE, without=[], limit=5)
        claimed = letters.claim(session, number, me, NINE)
        assert claimed is not None
        return claimed


def lose_lease(database: Database) -> None:
    with database.writing() as session:
        leases.release(session, letters.LEASE, ME)
        assert leases.acquire(session, letters.LEASE, OTHER) is None


def test_a_purpose_makes_one_letter_whoever_asks_at_once(database: Database) -> None:
    start, asked = Barrier(4), []

    def knock() -> None:
        start.wait()
        with database.writing() as session:
            asked.append(ask(session))

    knockers = [Thread(target=knock) for _ in range(4)]
    for knocker in knockers:
        knocker.start()
    for knocker in knockers:
        knocker.join()
    assert sorted(asked) == [False, False, False, True]
    assert only(database).values == {"url": SECRET}


def test_what_is_rolled_back_was_never_asked(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.writing() as session:
        ask(session)
        _ = 1 / 0
    assert not database.letters_asked.is_set()
    with database.writing() as session:
        assert letters.due(session, NINE, without=[], limit=5) == []
        assert ask(session)
        assert not database.letters_asked.is_set()
    assert database.letters_asked.is_set()


@pytest.mark.parametrize(("state", "outcome"), [("sent", TAKEN), ("failed", LATER), ("unknown", LATER)])
def test_a_link_that_opens_something_goes_with_the_letters_fate(
    database: Database, state: str, outcome: Outcome
) -> None:
    with database.writing() as session:
        ask(session)
    letter = begin(database)
    assert letter.values == {"url": SECRET} and letter.attempt == 1
    with database.writing() as session:
        letters.settle(session, letter, ME, DeliveryState(state), outcome, NINE)
    assert (only(database).state, only(database).values) == (state, {})


def test_a_letter_put_off_keeps_its_words_and_comes_again(database: Database) -> None:
    with database.writing() as session:
        ask(session)
    letter, soon = begin(database), NINE + timedelta(minutes=1)
    with database.writing() as session:
        letters.settle(session, letter, ME, DeliveryState.DEFERRED, LATER, NINE, next_at=soon)
        assert letters.due(session, NINE, without=[], limit=5) == []
        (number,) = letters.due(session, soon, without=[], limit=5)
        again = letters.claim(session, number, ME, soon)
    assert again is not None and (again.attempt, again.values) == (2, {"url": SECRET})


def test_a_letter_is_claimed_once_and_only_with_the_lease(database: Database) -> None:
    with database.writing() as session:
        ask(session)
    letter = begin(database)
    with database.writing() as session:
        assert letters.claim(session, letter.id, ME, NINE) is None
        ask(session, "confirm/2")
    lose_lease(database)
    with database.writing() as session:
        (second,) = letters.due(session, NINE, without=[], limit=5)
        assert letters.claim(session, second, ME, NINE) is None, "its courier has lost the lease"
        assert letters.claim(session, second, OTHER, NINE) is not None


def test_what_another_courier_began_is_in_doubt_until_it_tells_the_truth(database: Database) -> None:
    with database.writing() as session:
        ask(session)
    letter = begin(database)
    lose_lease(database)
    with database.writing() as session:
        assert letters.doubt(session, OTHER, NINE) == 1
        assert letters.doubt(session, OTHER, NINE) == 0
        assert letters.due(session, NINE, without=[], limit=5) == [], "never sent again"
    assert (only(database).state, only(database).values) == ("unknown", {})
    with database.writing() as session:
        letters.settle(session, letter, ME, DeliveryState.SENT, TAKEN, NINE)
    assert only(database).state == "sent"


def test_a_late_no_ends_a_letter_in_doubt(database: Database) -> None:
    with database.writing() as session:
        ask(session)
    letter = begin(database)
    lose_lease(database)
    with database.writing() as session:
        letters.doubt(session, OTHER, NINE)
        letters.settle(session, letter, ME, DeliveryState.DEFERRED, LATER, NINE, next_at=NINE)
        assert letters.due(session, NINE, without=[], limit=5) == []
    assert (only(database).state, only(database).reply) == ("expired", "451 later")


def test_nothing_begins_after_its_deadline(database: Database) -> None:
    with database.writing() as session:
        ask(session, deadline=NINE)
        assert letters.due(session, NINE, without=[], limit=5) == []
        letters.expire(session, NINE)
    assert (only(database).state, only(database).values) == ("expired", {})


def test_stopped_letters_wait_but_for_sign_in_and_alerts(database: Database) -> None:
    with database.writing() as session:
        for kind in LetterKind:
            ask(session, f"{kind}/1", kind=kind)
        control.give(session, control.LETTERS, control.STOPPED, NINE, who="ops")
        numbers = letters.due(session, NINE, without=[], limit=50)
        kinds = set(session.exec(select(Letter.kind).where(col(Letter.id).in_(numbers))))
        assert kinds == {"sign_in", "alert"}
        control.give(session, control.LETTERS, "", NINE, who="ops")
        assert len(letters.due(session, NINE, without=[], limit=50)) == len(LetterKind)


def test_who_waits_at_a_door_comes_first(database: Database) -> None:
    with database.writing() as session:
        for number in range(3):
            ask(session, f"confirm/{number}")
        ask(session, "sign in", kind=LetterKind.SIGN_IN, address="editor@town.example")
        (first,) = letters.due(session, NINE, without=[], limit=1)
        assert session.get_one(Letter, first).kind == "sign_in"


def test_retention_drops_what_is_settled_and_nothing_else(database: Database) -> None:
    with database.writing() as session:
        ask(session, "settled")
    letter = begin(database)
    with database.writing() as session:
        letters.settle(session, letter, ME, DeliveryState.SENT, TAKEN, NINE)
        ask(session, "open")
        letters.prune(session, NINE)
        assert len(session.exec(select(Letter)).all()) == 2
        letters.prune(session, NINE + timedelta(seconds=1))
    assert only(database).key == "open"
