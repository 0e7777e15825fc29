"""What ops add and import: each address once, nobody against their will, all of a file or nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

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
from newsletter.services.subscribing import Answer, ImportReport
from newsletter.store.database import Database
from newsletter.values import Refusal
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


def file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "readers.csv"
    path.write_bytes(text.encode())
    return path


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


def test_an_import_tells_what_became_of_each_line(runtime: Runtime, tmp_path: Path) -> None:
    add(runtime, "known@readers.example")
    add(runtime, "left@readers.example")
    leave(runtime, "left@readers.example")
    suppress(runtime, "suppressed@readers.example")
    path = file(
        tmp_path,
        "\ufeffEmail, Name ,cadence,town\r\n"
        'alice@readers.example,"Alice, of the\nQuay",weekdays,Harbour\r\n'
        "no address,Bob,,\r\n"
        "known@readers.example,,,\r\n"
        "left@readers.example,,,\r\n"
        "suppressed@readers.example,,,\r\n"
        "ALICE@readers.example ,,,\r\n"
        "carol@readers.example,,hourly,\r\n"
        "dave@readers.example,,,,surplus\r\n"
        "eve@readers.example,E\x00ve,,\r\n"
        "fred@readers.example\r\n",
    )
    report = subscribing.import_csv(runtime, path, "post", NOW)
    assert (report.new, report.known, report.suppressed) == (2, 3, 1)
    assert [refusal.place for refusal in report.refused] == ["line 4", "line 9", "line 10", "line 11"]
    found = readers(runtime)
    assert found["alice@readers.example"] == ("Alice, of the Quay", "active", "weekdays")
    assert found["fred@readers.example"] == ("", "active", "daily")
    assert found["left@readers.example"][1] == SubscriptionState.ENDED
    assert not {"carol@readers.example", "dave@readers.example", "eve@readers.example"} & set(found)


def test_a_dry_run_reports_the_same_and_changes_nothing(runtime: Runtime, tmp_path: Path) -> None:
    path = file(tmp_path, "address\nalice@readers.example\nalice@readers.example\nnobody\n")
    rehearsed = subscribing.import_csv(runtime, path, "post", NOW, dry_run=True)
    assert readers(runtime) == {}
    assert subscribing.import_csv(runtime, path, "post", NOW) == rehearsed
    assert (rehearsed.new, rehearsed.known, len(rehearsed.refused)) == (1, 1, 1)


def test_importing_twice_changes_nothing(runtime: Runtime, tmp_path: Path) -> None:
    path = file(tmp_path, "address,name\nalice@readers.example,Alice\nbob@readers.example,Bob\n")
    subscribing.import_csv(runtime, path, "post", NOW)
    before = readers(runtime)
    assert subscribing.import_csv(runtime, path, "post", NOW) == ImportReport(0, 2, 0, ())
    assert readers(runtime) == before


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "no column"),
        (b"name;address\nAlice;alice@readers.example\n", "no column"),
        (b"address\n" + b"reader@readers.example\n" * 1_500 + b"caf\xe9@readers.example\n", "not UTF-8"),
        (b"address\n" + b"reader@readers.example\n" * 1_500 + b'"' + b"x" * 200_000, "no CSV"),
    ],
)
def test_an_unreadable_file_imports_nothing(
    runtime: Runtime, tmp_path: Path, content: bytes, match: str
) -> None:
    path = tmp_path / "readers.csv"
    path.write_bytes(content)
    with pytest.raises(Misuse, match=match):
        subscribing.import_csv(runtime, path, "post", NOW)
    assert readers(runtime) == {}


def test_a_missing_file_is_told_in_a_sentence(runtime: Runtime, tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="cannot be read"):
        subscribing.import_csv(runtime, tmp_path / "nothing.csv", "post", NOW)


def test_a_large_file_comes_in_chunks(runtime: Runtime, tmp_path: Path) -> None:
    lines = "".join(f"reader{n}@readers.example,Reader {n}\n" for n in range(2_500))
    progress: list[int] = []
    report = subscribing.import_csv(
        runtime, file(tmp_path, "address,name\n" + lines), "post", NOW, on_progress=progress.append
    )
    assert report == ImportReport(2_500, 0, 0, ())
    assert progress == [1_000, 2_000, 2_500]
    with runtime.database.reading() as session:
        assert session.execute(select(func.count()).select_from(Subscriber)).scalar_one() == 2_500


def test_history_names_nobody(runtime: Runtime, tmp_path: Path) -> None:
    add(runtime, "alice@readers.example", "Alice")
    leave(runtime, "alice@readers.example")
    subscribing.import_csv(runtime, file(tmp_path, "address\nbob@readers.example\n"), "post", NOW)
    with runtime.database.reading() as session:
        lines = session.execute(select(History.who, History.act, History.what, History.why)).all()
    assert [(who, act, what) for who, act, what, _ in lines] == [
        ("ops", "add", "subscriber"),
        ("reader", "leave", "subscriber"),
        ("ops", "import", "newsletter"),
    ]
    assert not any("example" in why or "lice" in why for *_, why in lines)


def test_refusals_name_line_and_reason(runtime: Runtime, tmp_path: Path) -> None:
    report = subscribing.import_csv(runtime, file(tmp_path, "address,cadence\na@b.example,x\n"), "post", NOW)
    assert report.refused == (Refusal("line 2", "The cadence 'x' is none of daily, weekdays, weekly."),)
