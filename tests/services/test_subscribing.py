"""Whom ops add by hand: each address once, and nobody against their will."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from newsletter.errors import Misuse, Refused
from newsletter.models import (
    Cadence,
    History,
    Subscriber,
    Subscription,
    SubscriptionState,
    Suppression,
    SuppressionReason,
)
from newsletter.runtime import Runtime
from newsletter.services import subscribing
from newsletter.services.subscribing import Answer
from newsletter.store.database import Database
from tests.web.conftest import open_runtime

NOW = datetime(2026, 2, 18, 12, 0, tzinfo=UTC)


@pytest.fixture
def runtime(tmp_path: Path, database: Database, database_url: str) -> Runtime:
    return open_runtime(tmp_path, database, database_url, "https://news.example.org")


def readers(runtime: Runtime) -> dict[str, tuple[str, str, str]]:
    """Address → name, state and cadence."""
    query = select(
        Subscriber.address, Subscriber.name, Subscription.state, Subscription.cadence
    ).join(Subscription, Subscription.subscriber_id == Subscriber.id)  # fmt: skip
    with runtime.database.reading() as session:
        return {row.address: (row.name, row.state, row.cadence) for row in session.execute(query)}


def suppress(runtime: Runtime, address: str) -> None:
    with runtime.database.writing() as session:
        key = runtime.address_key.of(address)
        session.add(Suppression(address_key=key, reason=SuppressionReason.COMPLAINT, since=NOW))


def leave(runtime: Runtime, address: str) -> None:
    with runtime.database.reading() as session:
        number, newsletter = session.execute(
            select(Subscription.subscriber_id, Subscription.newsletter_id)
            .join(Subscriber, Subscription.subscriber_id == Subscriber.id)
            .where(Subscriber.address == address)
        ).one()
    subscribing.leave(runtime, number, newsletter, NOW)


def add(runtime: Runtime, address: str, name: str = "", cadence: Cadence = Cadence.DAILY) -> Answer:
    return subscribing.add(
        runtime, address, "post", name, NOW, consent_text="asked", consent_source="desk", cadence=cadence
    )


def test_adding_is_new_once_and_known_after(runtime: Runtime) -> None:
    assert add(runtime, "Alice@READERS.example", "Alice", Cadence.WEEKDAYS) is Answer.NEW
    assert add(runtime, "Alice@readers.example", "Somebody else") is Answer.KNOWN
    assert list(readers(runtime).values()) == [("Alice", "active", "weekdays")]


def test_a_suppressed_address_is_refused(runtime: Runtime) -> None:
    suppress(runtime, "alice@readers.example")
    with pytest.raises(Refused, match="is suppressed"):
        add(runtime, "alice@readers.example")
    assert readers(runtime) == {}


def test_who_left_is_not_added_again(runtime: Runtime) -> None:
    add(runtime, "alice@readers.example")
    leave(runtime, "alice@readers.example")
    with pytest.raises(Refused, match="only they can come back"):
        add(runtime, "alice@readers.example")
    assert readers(runtime)["alice@readers.example"][1] == SubscriptionState.ENDED


@pytest.mark.parametrize(
    "address", ["", "alice", "a@b@c.example", '"a@evil x"@ok.example', "a,b@ok.example", "a@b\r\nBcc: c"]
)
def test_what_is_no_address_is_misuse(runtime: Runtime, address: str) -> None:
    with pytest.raises(Misuse):
        add(runtime, address)
    assert readers(runtime) == {}


def test_an_unknown_newsletter_is_misuse(runtime: Runtime) -> None:
    with pytest.raises(Misuse, match="no newsletter 'nothing'"):
        subscribing.add(runtime, "alice@readers.example", "nothing", "", NOW)


def test_history_names_nobody(runtime: Runtime) -> None:
    add(runtime, "alice@readers.example", "Alice")
    leave(runtime, "alice@readers.example")
    with runtime.database.reading() as session:
        lines = session.execute(select(History.who, History.act, History.what, History.why)).all()
    assert [(who, act, what) for who, act, what, _ in lines] == [
        ("ops", "add", "subscriber"),
        ("reader", "leave", "subscriber"),
    ]
    assert not any("example" in why or "lice" in why for *_, why in lines)
