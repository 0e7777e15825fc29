"""Who is let in stays in, who left stays out, and a thousand cost as many statements as one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event
from sqlmodel import Session, select

from newsletter.models import Newsletter, Subscriber, SubscriptionState, Suppression, SuppressionReason
from newsletter.store import places, subscribers
from newsletter.store.database import Database
from newsletter.store.subscribers import Newcomer

NOW = datetime(2026, 2, 18, 12, 0, tzinfo=UTC)


def person(name: str) -> Newcomer:
    return Newcomer(f"{name}@readers.example", f"key of {name}", "rest", name)


@pytest.fixture
def post(database: Database) -> int:
    with database.writing() as session:
        newsletter = Newsletter(slug="post", name="The Post", created_at=NOW)
        session.add(newsletter)
        session.flush()
        assert newsletter.id
        return newsletter.id


def suppress(session: Session, who: Newcomer) -> None:
    session.add(Suppression(address_key=who.address_key, reason=SuppressionReason.DEAD, since=NOW))
    session.flush()


def test_newcomers_are_new_once(database: Database, post: int) -> None:
    alice, bob = person("alice"), person("bob")
    with database.writing() as session:
        first = subscribers.admit(session, post, [alice, alice], NOW)
        second = subscribers.admit(session, post, [bob, alice], NOW)
    assert set(first.new) == {alice.address_key}
    assert set(second.new) == {bob.address_key} and second.known == first.new


def test_upper_and_lower_case_are_one_person(database: Database, post: int) -> None:
    shouting = replace(person("alice"), address="ALICE@readers.example")
    with database.writing() as session:
        subscribers.admit(session, post, [person("alice"), shouting], NOW)
        assert subscribers.admit(session, post, [shouting], NOW).new == {}
        assert list(session.exec(select(Subscriber.address))) == ["alice@readers.example"]


def test_the_suppressed_are_not_even_written(database: Database, post: int) -> None:
    with database.writing() as session:
        suppress(session, person("bob"))
        admitted = subscribers.admit(session, post, [person("alice"), person("bob")], NOW)
        assert set(admitted.suppressed) == {"key of bob"}
        assert list(session.exec(select(Subscriber.address))) == ["alice@readers.example"]


def test_who_left_is_known_and_stays_out(database: Database, post: int) -> None:
    with database.writing() as session:
        alice = subscribers.admit(session, post, [person("alice")], NOW).new["key of alice"]
        assert places.end(session, alice, post, NOW)
        assert not places.end(session, alice, post, NOW)
        again = subscribers.admit(session, post, [person("alice")], NOW)
        assert again.known == {"key of alice": alice}
        assert places.state_of(session, alice, post) == SubscriptionState.ENDED


def test_coming_back_starts_anew(database: Database, post: int) -> None:
    later = NOW + timedelta(days=1)
    with database.writing() as session:
        alice = subscribers.admit(session, post, [person("alice")], NOW).new["key of alice"]
        assert not places.revive(session, alice, post, later)
        places.end(session, alice, post, NOW)
        assert places.revive(session, alice, post, later)
        row = session.get(subscribers.Subscription, (alice, post))
        assert row and (row.active_since, row.ended_at) == (later, None)


def test_who_is_suppressed_or_forgotten_does_not_come_back(database: Database, post: int) -> None:
    with database.writing() as session:
        admitted = subscribers.admit(session, post, [person("alice"), person("bob")], NOW)
        for number in admitted.new.values():
            places.end(session, number, post, NOW)
        suppress(session, person("alice"))
        bob = session.get(Subscriber, admitted.new["key of bob"])
        assert bob
        bob.address = None
        session.add(bob)
        session.flush()
        for number in admitted.new.values():
            assert not places.revive(session, number, post, NOW)
        assert subscribers.address_of(session, bob.id or 0) is None


def test_nobody_is_ended_for_another(database: Database, post: int) -> None:
    with database.writing() as session:
        ids = subscribers.admit(session, post, [person("alice"), person("bob")], NOW).new
        places.end(session, ids["key of alice"], post, NOW)
        assert places.state_of(session, ids["key of bob"], post) == SubscriptionState.ACTIVE
        assert not places.end(session, ids["key of bob"], post + 1, NOW)
        assert not places.end(session, 10**9, post, NOW)


def test_a_thousand_take_a_handful_of_statements(database: Database, post: int) -> None:
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    with database.writing() as session:
        admitted = subscribers.admit(session, post, [person(f"reader{n}") for n in range(1_000)], NOW)
    assert len(admitted.new) == 1_000
    assert len(seen) <= 8, seen
