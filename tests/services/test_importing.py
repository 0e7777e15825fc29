"""A list comes in: whatever wrote it, each line told once, nobody against their will, all or nothing."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from newsletter.errors import Misuse
from newsletter.models import (
    History,
    Newsletter,
    Subscriber,
    Subscription,
    SubscriptionState,
    Suppression,
    SuppressionReason,
)
from newsletter.runtime import Runtime
from newsletter.services import importing, subscribing
from newsletter.services.importing import ImportReport, Wishes
from newsletter.store.database import Database
from newsletter.values import Refusal
from tests.newsroom import Newsroom, at
from tests.web.conftest import open_runtime

NOW = datetime(2026, 2, 18, 12, 0, tzinfo=UTC)
SKIP = Wishes(skip_refused=True)
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def runtime(tmp_path: Path, database: Database, database_url: str) -> Runtime:
    return open_runtime(tmp_path, database, database_url, "https://news.example.org")


@pytest.fixture
def take(runtime: Runtime, tmp_path: Path) -> Callable[..., ImportReport]:
    """Import a text, or bytes, for `post`."""

    def take(
        content: str | bytes, wishes: Wishes | None = None, *, newsletter: str = "post", dry_run: bool = False
    ) -> ImportReport:
        path = tmp_path / "readers.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return importing.import_csv(runtime, path, newsletter, NOW, wishes, dry_run=dry_run)

    return take


def readers(runtime: Runtime) -> dict[str, tuple[str, str, str]]:
    """Address → name, state and cadence."""
    query = select(
        Subscriber.address, Subscriber.name, Subscription.state, Subscription.cadence
    ).join(Subscription, Subscription.subscriber_id == Subscriber.id)  # fmt: skip
    with runtime.database.reading() as session:
        return {row.address: (row.name, row.state, row.cadence) for row in session.execute(query)}


def places(runtime: Runtime) -> dict[tuple[str, str], Subscription]:
    """(address, newsletter) → the place."""
    query = (
        select(Subscriber.address, Newsletter.slug, Subscription)
        .join(Subscription, Subscription.subscriber_id == Subscriber.id)
        .join(Newsletter, Newsletter.id == Subscription.newsletter_id)
    )
    with runtime.database.reading() as session:
        return {(row[0], row[1]): row[2] for row in session.execute(query)}


def attributes(runtime: Runtime, address: str) -> dict[str, str]:
    with runtime.database.reading() as session:
        return session.execute(
            select(Subscriber.attributes).where(Subscriber.address == address)
        ).scalar_one()


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


def counts(report: ImportReport) -> tuple[int, int, int, int, int]:
    return report.new, report.known, report.repeated, report.suppressed, report.refusals


# ── what becomes of a line ──────────────────────────────────────────────────────────────────────


def test_an_import_tells_what_became_of_each_line(
    runtime: Runtime, take: Callable[..., ImportReport]
) -> None:
    take("address\nknown@readers.example\nleft@readers.example\n")
    leave(runtime, "left@readers.example")
    suppress(runtime, "suppressed@readers.example")
    content = (
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
        "fred@readers.example\r\n"
        ",,,\r\n"
    )
    report = take(content, SKIP)
    assert counts(report) == (2, 2, 1, 1, 4)
    assert [refusal.place for refusal in report.refused] == ["line 4", "line 9", "line 10", "line 11"]
    found = readers(runtime)
    assert found["alice@readers.example"] == ("Alice, of the Quay", "active", "weekdays")
    assert attributes(runtime, "alice@readers.example") == {"town": "Harbour"}
    assert found["fred@readers.example"] == ("", "active", "daily")
    assert found["left@readers.example"][1] == SubscriptionState.ENDED
    assert found.keys() == {f"{name}@readers.example" for name in ("alice", "fred", "known", "left")}


def test_with_a_refusal_nobody_is_imported(runtime: Runtime, take: Callable[..., ImportReport]) -> None:
    report = take("address\nalice@readers.example\nnobody\n")
    assert (report.imported, report.new, report.refusals) == (False, 1, 1)
    assert readers(runtime) == {}
    assert take("address\nalice@readers.example\nnobody\n", SKIP).imported
    assert list(readers(runtime)) == ["alice@readers.example"]


def test_a_dry_run_reports_the_same_and_changes_nothing(
    runtime: Runtime, take: Callable[..., ImportReport]
) -> None:
    content = "address\nalice@readers.example\nalice@readers.example\nnobody\n"
    rehearsed = take(content, SKIP, dry_run=True)
    assert readers(runtime) == {} and not rehearsed.imported
    with runtime.database.reading() as session:
        assert session.execute(select(func.count()).select_from(History)).scalar_one() == 0
    done = take(content, SKIP)
    assert counts(done) == counts(rehearsed) == (1, 0, 1, 0, 1) and done.refused == rehearsed.refused


def test_importing_twice_changes_nothing(runtime: Runtime, take: Callable[..., ImportReport]) -> None:
    content = "address,name\nalice@readers.example,Alice\nbob@readers.example,Bob\n"
    take(content)
    before = readers(runtime)
    assert counts(take(content)) == (0, 2, 0, 0, 0)
    assert readers(runtime) == before


def test_refusals_name_line_reason_and_mend(take: Callable[..., ImportReport]) -> None:
    report = take("address,cadence\na@b.example,x\n", dry_run=True)
    assert report.refused == (
        Refusal("line 2", "The cadence 'x' is none of daily, weekdays, weekly. Correct it."),
    )


@pytest.mark.parametrize(
    ("heading", "cell", "why"),
    [
        ("zone", "Mars/Olympus", "no time zone"), ("consent_at", "01/02/2026", "no time of consent"),
        ("consent_at", "2026-02-19", "in the future"), ("newsletter", "village", "no newsletter 'village'"),
        ("state", "perhaps", "state 'perhaps'"), ("name", "x" * 201, "more than 200"),
        ("city", "x" * 1_001, "attribute 'city' has more than 1,000"), ("consent", "a\x1bb", "control char"),
        ("attributes", "[1]", "no JSON object"), ("attributes", '"{""a\tb"": 1}"', "no JSON object"),
    ],
)  # fmt: skip
@on_sqlite
def test_what_cannot_be_taken_is_refused_in_words(
    take: Callable[..., ImportReport], heading: str, cell: str, why: str
) -> None:
    report = take(f"address,{heading}\na@b.example,{cell}\n", dry_run=True)
    assert report.new == 0 and why in report.refused[0].why


SPELLINGS = ["a@bücher.example", "a@BÜCHER.example.", "A@xn--bcher-kva.example", " a@XN--BCHER-KVA.Example. "]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_spelling_gets_past_a_suppression(
    runtime: Runtime, take: Callable[..., ImportReport], spelling: str
) -> None:
    suppress(runtime, "a@xn--bcher-kva.example")
    assert counts(take(f"address\n{spelling}\n")) == (0, 0, 0, 1, 0)
    with pytest.raises(Exception, match="is suppressed"):
        subscribing.add(runtime, spelling, "post", "", NOW)
    assert readers(runtime) == {}


def test_an_option_of_sendmail_is_an_address_like_any_other(
    runtime: Runtime, take: Callable[..., ImportReport]
) -> None:
    """Row 58 of the security rules: nothing of ours gives an address to a program."""
    take("address\n-oX/tmp/x@b.example\n")
    assert list(readers(runtime)) == ["-oX/tmp/x@b.example"]


# ── what is known, and stays ────────────────────────────────────────────────────────────────────


def test_everything_that_a_list_may_say(runtime: Runtime, take: Callable[..., ImportReport]) -> None:
    take(
        "E-Mail;Vorname;Nachname;Newsletter;Zeitzone;Frequency;Einwilligung;consent_at;Quelle;Ort;Alter\n"
        'ana@readers.example;Ana;Müller;"post, weekend";Europe/Kyiv;weekly;"Ja; gern";'
        "2025-03-01T09:30:00+02:00;Messe;Ellersea;\n",
        newsletter="",
    )
    found = places(runtime)
    assert found.keys() == {("ana@readers.example", "post"), ("ana@readers.example", "weekend")}
    for place in found.values():
        assert (place.cadence, place.zone, place.consent_text) == ("weekly", "Europe/Kyiv", "Ja; gern")
        assert (place.consent_source, place.consent_at) == ("Messe", datetime(2025, 3, 1, 7, 30, tzinfo=UTC))
        assert place.active_since == NOW
    assert readers(runtime)["ana@readers.example"][0] == "Ana Müller"
    assert attributes(runtime, "ana@readers.example") == {"Ort": "Ellersea"}


def test_what_is_known_stays_unless_it_is_to_be_updated(
    runtime: Runtime, take: Callable[..., ImportReport]
) -> None:
    take("address,name,cadence,zone,consent,city,pet\na@b.example,Ana,weekly,Europe/Kyiv,yes,Ellersea,cat\n")
    newer = "address,name,cadence,consent,city\nA@b.example,Anna,daily,no longer,Harbour\n"
    assert take(newer).updated == 0
    assert readers(runtime)["a@b.example"] == ("Ana", "active", "weekly")
    assert take(newer, Wishes(update=True), dry_run=True).updated == 1
    assert readers(runtime)["a@b.example"] == ("Ana", "active", "weekly")
    report = take(newer, Wishes(update=True))
    assert (report.known, report.updated) == (1, 1)
    place = places(runtime)["a@b.example", "post"]
    assert readers(runtime)["a@b.example"] == ("Anna", "active", "daily")
    assert (place.zone, place.consent_text) == ("Europe/Kyiv", "yes")
    assert attributes(runtime, "a@b.example") == {"city": "Harbour", "pet": "cat"}
    assert take("address,name,cadence,zone,city\na@b.example,,,,\n", Wishes(update=True)).updated == 0
    assert take("address\na@b.example\n", Wishes(update=True)).updated == 0
    assert readers(runtime)["a@b.example"] == ("Anna", "active", "daily")
    # A list that says one thing of somebody says nothing of the others (row 22)
    assert take("address,name,zone,city\na@b.example,,,Lake\n", Wishes(update=True)).updated == 1
    assert readers(runtime)["a@b.example"] == ("Anna", "active", "daily")
    assert places(runtime)["a@b.example", "post"].zone == "Europe/Kyiv"


def test_an_update_touches_nobody_who_left_or_is_suppressed(
    runtime: Runtime, take: Callable[..., ImportReport]
) -> None:
    take("address,cadence\nleft@b.example,weekly\nbarred@b.example,weekly\n")
    leave(runtime, "left@b.example")
    suppress(runtime, "barred@b.example")
    before = readers(runtime)
    take("address,cadence\nleft@b.example,daily\nbarred@b.example,daily\n", Wishes(update=True))
    assert readers(runtime) == before


def test_who_is_said_to_have_left_is_taken_in_as_such(
    runtime: Runtime, take: Callable[..., ImportReport]
) -> None:
    take("address,state\na@b.example,unsubscribed\nb@b.example,active\nc@b.example,pending\n")
    assert {address: state for address, (_, state, _) in readers(runtime).items()} == {
        "a@b.example": "ended", "b@b.example": "active", "c@b.example": "pending",
    }  # fmt: skip
    take("address,state\na@b.example,active\nb@b.example,ended\nc@b.example,active\n", Wishes(update=True))
    assert {address: state for address, (_, state, _) in readers(runtime).items()} == {
        "a@b.example": "ended", "b@b.example": "active", "c@b.example": "pending",
    }  # fmt: skip


# ── whatever program wrote it ───────────────────────────────────────────────────────────────────

NAMES = ("Zoë Müller", "José")


@on_sqlite
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_delimiter_and_encoding_are_found_out(
    runtime: Runtime, take: Callable[..., ImportReport], delimiter: str, encoding: str
) -> None:
    rows = [
        ["address", "name", "note"],
        ["a@b.example", NAMES[0], "a, b; c"],
        ["c@b.example", NAMES[1], "x|y"],
    ]
    written = io.StringIO()
    csv.writer(written, delimiter=delimiter).writerows(rows)
    report = take(written.getvalue().encode(encoding))
    assert (report.delimiter, report.new) == (delimiter, 2)
    assert [name for name, *_ in readers(runtime).values()] == list(NAMES)


@on_sqlite
@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("a@b.example\nc@b.example\n", ["", ""]), ("Ana;a@b.example\nBob;c@b.example\n", ["Ana", "Bob"]),
        ("sep=;\naddress;name\na@b.example;Ana\nc@b.example;Bob\n", ["Ana", "Bob"]),
        ("Address,Email Address,First Name,Last Name\n1 Quay,a@b.example,Ana,M\n2 Quay,c@b.example,Bob,\n",
         ["Ana M", "Bob"]),
        ("пошта;ім’я;прізвище\na@b.example;Олена;Коваль\nc@b.example;Іван;\n", ["Олена Коваль", "Іван"]),
        ("Courriel\tNom complet\na@b.example\tÉlodie\nc@b.example\tLuc\n", ["Élodie", "Luc"]),
    ],
)  # fmt: skip
def test_columns_are_found_by_their_headings_or_by_what_is_in_them(
    runtime: Runtime, take: Callable[..., ImportReport], content: str, names: list[str]
) -> None:
    wishes = Wishes(columns={"name": "1"}) if content.startswith("Ana;") else None
    take(content, wishes)
    assert [name for name, *_ in readers(runtime).values()] == names


@on_sqlite
def test_a_column_is_what_one_says_it_is(runtime: Runtime, take: Callable[..., ImportReport]) -> None:
    wishes = Wishes(columns={"address": "contact", "name": "2", "newsletter": ""}, attributes=False)
    report = take("Contact,Wer,list,note\na@b.example,Ana,village,x\n", wishes)
    assert report.columns == {"address": "Contact", "name": "Wer"}
    assert readers(runtime)["a@b.example"][0] == "Ana" and attributes(runtime, "a@b.example") == {}
    assert take("email,note\na@b.example,x\n", Wishes(encoding="cp1251")).encoding == "cp1251"


@on_sqlite
@pytest.mark.parametrize(
    ("content", "wishes", "match"),
    [
        (b"", None, "is empty"), (b"name;place\nAlice;Quay\n", None, "No column is called"),
        (b"PK\x03\x04rest", None, "is a workbook"),
        (b"address\n" + b"r@readers.example\n" * 1_500 + b"caf\x81@readers.example\n", None, "is not cp1252"),
        (b"address\n" + b"reader@readers.example\n" * 1_500 + b'"' + b"x" * 200_000, None, "no CSV"),
        (b'address,name\na@b.example,"never ends\nb@b.example,Bob\n', None, "no CSV"),
        (b"address\na@b.example\n", Wishes(encoding="rot13"), "no encoding of text"),
        (b"address\na@b.example\n", Wishes(columns={"nme": "x"}), "no field 'nme'"),
        (b"address\na@b.example\n", Wishes(columns={"name": "x"}), "No column is called 'x'"),
        (b"address," + b",".join(b"c%d" % n for n in range(51)) + b"\n", None, "at most 50"),
    ],
)  # fmt: skip
def test_an_unreadable_file_imports_nothing(
    runtime: Runtime, take: Callable[..., ImportReport], content: bytes, wishes: Wishes | None, match: str
) -> None:
    with pytest.raises(Misuse, match=match):
        take(content, wishes)
    assert readers(runtime) == {}


@on_sqlite
def test_a_row_that_never_ends_does_not_fill_the_memory(take: Callable[..., ImportReport]) -> None:
    with pytest.raises(Misuse, match="a row has more than 262,144 characters"):
        take("address,name\na@b.example," + '"x\nx",' * 60_000)


@on_sqlite
def test_what_is_no_file_is_told_in_a_sentence(runtime: Runtime, tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="cannot be read"):
        importing.import_csv(runtime, tmp_path / "nothing.csv", "post", NOW)
    with pytest.raises(Misuse, match="is no file"):
        importing.import_csv(runtime, tmp_path, "post", NOW)


@on_sqlite
def test_refused_lines_come_back_with_their_reasons_and_can_be_mended(
    runtime: Runtime, take: Callable[..., ImportReport], tmp_path: Path
) -> None:
    out = tmp_path / "refused.csv"
    wishes = Wishes(skip_refused=True, refused_to=out)
    take('address;name\nalice@b.example;Alice\n"no one";"=HYPERLINK(1)\nx"\nbob(at)b.example;Bob\n', wishes)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    rows = list(csv.reader(io.StringIO(out.read_text()), delimiter=";"))
    assert rows[0] == ["address", "name", "refused because"]
    assert rows[1][:2] == ["no one", "'=HYPERLINK(1)\nx"] and "is no mail address" in rows[1][2]
    mended = out.read_text().replace("no one", "no@b.example").replace("(at)", "@")
    report = take(mended)
    assert (report.new, report.attributes) == (2, ())
    assert {name for name, *_ in readers(runtime).values()} == {"Alice", "=HYPERLINK(1) x", "Bob"}
    with pytest.raises(Misuse, match="exists already"):
        take("address\nx\n", wishes)


_LINES = st.lists(
    st.sampled_from(
        [
            "address;name",
            "a@b.example;A",
            "A@b.example,",
            "c@d.example\tx",
            '"',
            "''",
            "\ufeff",
            "é@ü.example",
            "sep=|",
        ]
    )
    | st.text(max_size=20),
    max_size=6,
)


@on_sqlite
@settings(
    max_examples=100, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(
    st.binary(max_size=200)
    | st.tuples(_LINES, st.sampled_from(["utf-8", "utf-16", "cp1252", "utf-8-sig"])).map(
        lambda made: "\n".join(made[0]).encode(made[1], "replace")
    )
)
def test_whatever_the_file_the_dry_run_says_what_then_happens(
    runtime: Runtime, take: Callable[..., ImportReport], content: bytes
) -> None:
    before = len(places(runtime))
    try:
        rehearsed = take(content, SKIP, dry_run=True)
    except Misuse as misuse:
        with pytest.raises(Misuse) as again:
            take(content, SKIP)
        assert again.value.sentence == misuse.sentence and len(places(runtime)) == before
        return
    assert len(places(runtime)) == before
    done = take(content, SKIP)
    assert (counts(done), done.refused) == (counts(rehearsed), rehearsed.refused)
    assert len(places(runtime)) == before + done.new


# ── a long list ─────────────────────────────────────────────────────────────────────────────────


def test_a_list_in_the_reading_keeps_nobody_from_writing(runtime: Runtime, tmp_path: Path) -> None:
    lines = "".join(f"reader{n}@readers.example,Reader {n}\n" for n in range(2_500))
    path = tmp_path / "readers.csv"
    path.write_text("address,name\n" + lines)
    told: list[tuple[int, bool]] = []

    def meanwhile(count: int, share: float) -> None:
        subscribing.add(runtime, f"beside{len(told)}@b.example", "post", "", NOW)
        told.append((count, share == 1.0))

    report = importing.import_csv(runtime, path, "post", NOW, on_progress=meanwhile)
    assert counts(report) == (2_500, 0, 0, 0, 0)
    assert told == [(1_000, False), (2_000, False), (2_500, True)]
    with runtime.database.reading() as session:
        assert session.execute(select(func.count()).select_from(Subscriber)).scalar_one() == 2_503
        history = session.execute(select(History.why).where(History.act == "import")).scalars().all()
    assert history == ["2500 new places"]


def long_list(path: Path, count: int, *, encoding: str) -> dict[str, int]:
    """So many lines of all kinds, with `;`; returns how many of each kind."""
    told = dict.fromkeys(("new", "known", "repeated", "suppressed", "refusals"), 0)
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, delimiter=";", quoting=csv.QUOTE_ALL)
        writer.writerow(["E-Mail", "Name", "Consent"])
        for number in range(count):
            match number % 20:
                case 3:
                    kind, address = "repeated", f"READER{number - 1}@readers.example"
                case 7:
                    kind, address = "refusals", f"reader{number}@@readers.example"
                case 11:
                    kind, address = "suppressed", f"Barred{number % 500}@readers.example."
                case 15 if number % 500 == 15:
                    kind, address = "known", f"known{number}@readers.example"
                case _:
                    kind, address = "new", f"reader{number}@readers.example"
            told[kind] += 1
            writer.writerow([address, f"Zoë {number}", "yes,\nI want\nit"])
    return told


@pytest.fixture
def room(tmp_path: Path, database_url: str) -> Newsroom:
    return Newsroom(tmp_path / "room", database_url, 25)


COUNT = 100_000


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252"])
def test_of_a_hundred_thousand_the_dry_run_says_what_then_happens(room: Newsroom, encoding: str) -> None:
    count = COUNT if encoding == "cp1252" and room.is_sqlite else COUNT // 10
    path = room.folder / "long.csv"
    told = long_list(path, count, encoding=encoding)
    with room.opened() as runtime:
        for number in range(11, 500, 20):
            suppress(runtime, f"barred{number}@readers.example")
    known = room.folder / "known.csv"
    known.write_text("address\n" + "".join(f"known{n}@readers.example\n" for n in range(15, count, 500)))
    assert room.run("subscribers", "import", str(known), "--newsletter", "town", now=at("05:00")).code == 0
    words = ("subscribers", "import", str(path), "--newsletter", "town", "--json")
    rehearsed = room.run(*words, "--dry-run", now=at("06:00")).json
    assert {kind: rehearsed[kind] for kind in told} == told
    assert len(rehearsed["refused"]) == min(1_000, told["refusals"])
    assert rehearsed["refused"][0]["place"] == f"line {2 + 7 * 3}"
    done = room.run(*words, "--skip-refused", now=at("06:00")).json
    assert done == rehearsed | {"dry_run": False, "imported": True}
    with room.opened() as runtime, runtime.database.reading() as session:
        people, names = session.execute(
            select(func.count(), func.count(func.nullif(Subscriber.name, ""))).select_from(Subscriber)
        ).one()
        assert (people, names) == (told["new"] + told["known"], told["new"])
        assert session.execute(select(func.count()).select_from(Subscription)).scalar_one() == people
        sample = session.execute(
            select(Subscriber.name, Subscription.consent_text)
            .join(Subscription, Subscription.subscriber_id == Subscriber.id)
            .where(Subscriber.address == "reader0@readers.example")
        ).one()
    assert tuple(sample) == ("Zoë 0", "yes,\nI want\nit")


@pytest.mark.parametrize("moment", ["take_in", "end"])
def test_killed_in_the_middle_nobody_is_imported(room: Newsroom, moment: str) -> None:
    """Killed when all have been read, and when all have been written but for the commit."""
    path = room.folder / "long.csv"
    long_list(path, 10_000, encoding="utf-8")
    words = ("subscribers", "import", str(path), "--newsletter", "town", "--skip-refused")
    process = subprocess.Popen(
        [sys.executable, "-c", _WAITING_AT, moment, *words, "--config", str(room.config)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None and process.stdout.readline() == "now\n"
    process.kill()
    process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL
    with room.opened() as runtime, runtime.database.reading() as session:
        for table in (Subscriber, Subscription, History):
            assert session.execute(select(func.count()).select_from(table)).scalar_one() == 0
    assert room.run(*words).code == 0


_WAITING_AT = """
import sys, threading
from newsletter.cli import main
from newsletter.store import arrivals

def wait(*_, **__):
    print("now", flush=True)
    threading.Event().wait()

setattr(arrivals, sys.argv.pop(1), wait)
main()
"""


def test_memory_is_flat(room: Newsroom) -> None:
    """Forty times the people cost some MB; on SQLite also its cache, which ends at 64 MB."""
    peaks = []
    for count in (1_000, 40_000):
        path = room.folder / f"{count}.csv"
        long_list(path, count, encoding="utf-8")
        words = ("subscribers", "import", str(path), "--newsletter", "town", "--skip-refused", "--quiet")
        done = subprocess.run(
            [sys.executable, "-c", _MEASURED, *words, "--config", str(room.config)],
            capture_output=True, text=True, check=True, env=os.environ | {"NO_COLOR": "1"},
        )  # fmt: skip
        peaks.append(json.loads(done.stdout.splitlines()[-1]))
    assert peaks[1] - peaks[0] < (30 if room.is_sqlite else 6), peaks


_MEASURED = """
import sys
from bench.meter import peak_memory
from newsletter.cli import run
code = run(sys.argv[1:])
print(peak_memory())
sys.exit(code)
"""


def test_a_list_may_be_imported_twice_at_once(room: Newsroom) -> None:
    path = room.folder / "long.csv"
    told = long_list(path, 3_000, encoding="utf-8")
    words = ("subscribers", "import", str(path), "--newsletter", "town", "--skip-refused", "--json")
    both = [room.start(*words) for _ in range(2)]
    ended = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], ended
    with room.opened() as runtime, runtime.database.reading() as session:
        people = session.execute(text("SELECT count(*) FROM subscription")).scalar_one()
    assert people == told["new"] + told["suppressed"] + told["known"] - _barred_repeats(3_000)


def _barred_repeats(count: int) -> int:
    """Here nobody is suppressed, so the same few addresses are new once and repeat after that."""
    barred = [number % 500 for number in range(count) if number % 20 == 11]
    return len(barred) - len(set(barred))


def test_the_clock_of_consent_is_not_made_up(runtime: Runtime, take: Callable[..., ImportReport]) -> None:
    take("address\na@b.example\n")
    place = places(runtime)["a@b.example", "post"]
    assert (place.consent_at, place.consent_source) == (None, "import of readers.csv")
    assert place.active_since is not None and place.active_since - NOW < timedelta(seconds=1)
