"""What goes out comes back unchanged, is safe to open, and is its owner's alone to read."""

from __future__ import annotations

import csv
import io
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from newsletter.models import History, Subscriber, SuppressionReason
from newsletter.models import Suppression as SuppressionRow
from newsletter.services import importing, subscribing
from newsletter.services.sheets import plain_cell, safe_cell
from tests.newsroom import Newsroom, at

FORMULAS = [
    "=HYPERLINK(1)",
    "+1",
    "-2+3",
    "@SUM(A1)",
    "'t Hooft",
    "''=x",
    "＝1",
    "＋1",
    "－1",
    "＠x",
    "plain",
]


@pytest.fixture
def room(tmp_path: Path, database_url: str) -> Newsroom:
    return Newsroom(tmp_path / "room", database_url, 25)


@pytest.mark.parametrize("text", FORMULAS[:-1])
def test_no_cell_begins_a_formula(text: str) -> None:
    assert safe_cell(text) == f"'{text}"
    assert plain_cell(safe_cell(text)) == text


@given(st.text())
def test_every_cell_comes_back(text: str) -> None:
    assert plain_cell(safe_cell(text)) == text
    assert not safe_cell(text).startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"))


def test_a_name_with_an_apostrophe_keeps_it_when_no_export_of_ours_wrote_it() -> None:
    assert plain_cell("'t Hooft") == "'t Hooft"


def export(room: Newsroom, *words: str) -> str:
    done = room.run("subscribers", "export", *words)
    assert done.code == 0, done.said
    return done.out


def filled(room: Newsroom) -> None:
    """People with difficult names; one has left, one is suppressed."""
    rows = [["address", "name", "cadence", "zone", "consent", "consent_at", "consent_source", "town"]]
    rows += [
        [f"{'+-='[n % 3]}{n}@readers.example", safe_cell(name), "weekly", "Europe/Kyiv",
         "I agree,\nreally; \"yes\"", "2025-01-02T03:04:05+00:00", "=fair", "'Ellersea"]
        for n, name in enumerate(FORMULAS)
    ]  # fmt: skip
    rows += [["left@readers.example"], ["barred@bücher.example"]]
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    (room.folder / "people.csv").write_text(written.getvalue(), encoding="utf-8")
    done = room.run("subscribers", "import", str(room.folder / "people.csv"), "--newsletter", "town")
    assert done.code == 0, done.said
    with room.opened() as runtime:
        with runtime.database.writing() as session:
            left = session.execute(select(Subscriber.id).where(Subscriber.address.like("left%"))).scalar_one()
            key = runtime.address_key.of("barred@xn--bcher-kva.example")
            session.add(SuppressionRow(address_key=key, reason=SuppressionReason.DEAD, since=at("05:00")))
        subscribing.leave(runtime, left, 1, at("06:00"))


def test_an_export_is_safe_to_open_and_imports_unchanged(
    room: Newsroom, tmp_path: Path, sqlite_template: Path
) -> None:
    filled(room)
    everything = export(room, "--all", "--state", "any")
    cells = [cell for row in csv.reader(io.StringIO(everything)) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))]
    assert {"'=HYPERLINK(1)", "'+0@readers.example", "'-1@readers.example", "''t Hooft"} <= set(cells)
    (tmp_path / "all.csv").write_text(everything, encoding="utf-8", newline="")

    other = tmp_path / "other"
    other.mkdir()
    (other / "newsletter.db").write_bytes(sqlite_template.read_bytes())
    (other / "suppression.key").write_bytes((room.folder / "suppression.key").read_bytes())
    (other / "suppression.key").chmod(0o600)
    second = Newsroom(other, "sqlite:///newsletter.db", 25)
    done = second.run("subscribers", "import", str(tmp_path / "all.csv"), "--json")
    assert done.code == 0 and done.json["new"] == len(FORMULAS) + 2, done.said
    again = export(second, "--all", "--state", "any")
    # A place that is suppressed there is one that has ended here, for only there it is known why
    assert sorted(again.splitlines()) == sorted(everything.replace(",suppressed,", ",ended,").splitlines())


def test_only_who_is_mailed_goes_out_unless_one_says_otherwise(room: Newsroom) -> None:
    filled(room)

    def addresses(*words: str) -> list[str]:
        rows = list(csv.DictReader(io.StringIO(export(room, "--newsletter", "town", *words))))
        return [row["address"] for row in rows if row["address"][0] in "lb"]

    assert addresses() == []
    assert addresses("--state", "ended") == ["left@readers.example"]
    assert set(addresses("--state", "any")) == {"left@readers.example", "barred@xn--bcher-kva.example"}
    raw = export(room, "--all", "--raw")
    assert "\n+0@readers.example,=HYPERLINK(1)," in raw.replace("\r\n", "\n")


@pytest.mark.parametrize(
    "words",
    [(), ("--newsletter", ""), ("--newsletter", "village"), ("--all", "--newsletter", "town"),
     ("--address", ""), ("--all", "--json"), ("--all", "--state", "some")],
)  # fmt: skip
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_export_of_nobody_in_particular_is_wrong_use(room: Newsroom, words: tuple[str, ...]) -> None:
    filled(room)
    done = room.run("subscribers", "export", *words)
    assert (done.code, "@" in done.out) == (2, False), done.said


def test_a_file_is_its_owners_alone_and_never_another(room: Newsroom, tmp_path: Path) -> None:
    filled(room)
    before = os.umask(0)
    try:
        done = room.run("subscribers", "export", "--all", "-o", str(tmp_path / "a.csv"), "--json")
    finally:
        os.umask(before)
    assert done.json["places"] == len(FORMULAS)
    assert stat.S_IMODE((tmp_path / "a.csv").stat().st_mode) == 0o600
    (tmp_path / "link.csv").symlink_to(tmp_path / "target")
    for taken in ("a.csv", "link.csv"):
        refused = room.run("subscribers", "export", "--all", "-o", str(tmp_path / taken))
        assert refused.code == 2 and "exists already" in refused.said
    assert not (tmp_path / "target").exists()
    assert {path.name for path in tmp_path.iterdir() if "part" in path.name} == set()
    with room.opened() as runtime, runtime.database.reading() as session:
        told = session.execute(select(History.who, History.why).where(History.act == "export")).all()
    assert [tuple(line) for line in told] == [("ops", f"{len(FORMULAS)} places, state active")]


def test_one_persons_data_is_whole(room: Newsroom, tmp_path: Path) -> None:
    filled(room)
    person = room.run("subscribers", "export", "--address", "LEFT@readers.example", "--json").json["person"]
    assert person["address"] == "left@readers.example" and person["places"][0]["state"] == "ended"
    assert [line["act"] for line in person["history"]] == ["leave"]
    done = room.run(
        "subscribers", "export", "--address", "+0@readers.example", "-o", str(tmp_path / "p.json")
    )
    assert done.code == 0
    told = json.loads((tmp_path / "p.json").read_text())
    assert told["attributes"] == {"town": "'Ellersea"} and told["places"][0]["consent_source"] == "=fair"
    assert stat.S_IMODE((tmp_path / "p.json").stat().st_mode) == 0o600


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_memory_is_flat(room: Newsroom, tmp_path: Path) -> None:
    """Twenty times the people cost what SQLite's cache takes, and less than 20 MB."""
    peaks = []
    for count in (1_000, 20_000):
        path = tmp_path / f"{count}.csv"
        path.write_text("address,name\n" + "".join(f"r{n}@b.example,Reader {n}\n" for n in range(count)))
        with room.opened() as runtime:
            importing.import_csv(runtime, path, "town", at("05:00"))
        done = subprocess.run(
            [sys.executable, "-c", _MEASURED, "subscribers", "export", "--all", "-o", f"{path}.out",
             "--quiet", "--config", str(room.config)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert len(Path(f"{path}.out").read_text().splitlines()) == count + 1
        peaks.append(float(done.stdout.splitlines()[-1]))
    assert peaks[1] - peaks[0] < 20, peaks


_MEASURED = """
import sys
from bench.meter import peak_memory
from newsletter.cli import run
code = run(sys.argv[1:])
print(peak_memory())
sys.exit(code)
"""
