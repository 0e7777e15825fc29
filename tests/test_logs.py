"""The log: one event, one name, one line; ids and places, and nobody in it."""

from __future__ import annotations

import ast
import json
import logging
import re
from pathlib import Path

import pytest

from newsletter import logs
from newsletter.logs import Lines
from newsletter.store.database import Database
from newsletter.store.history import note
from tests.newsroom import NINE, Newsroom, at, ended
from tests.test_house import MODULES

ROOT = Path(__file__).parents[1]
EVIL = "\x1b]0;x\x07\x1b[2J[/b]\r\n\u202egnp\x9b31m bob@readers.example"
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]")


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, logger="newsletter")
    return caplog


def test_an_event_has_a_name_and_ids(lines: pytest.LogCaptureFixture) -> None:
    logs.get("newsletter.x").warning("relay_slow", relay="main", edition=3, took="2 s")
    (record,) = lines.records
    assert re.fullmatch(
        r'\d{4}-\d\d-\d\dT[\d:.]+\+00:00 warning  relay_slow  relay=main  edition=3  took="2 s"',
        Lines("console").format(record),
    )
    told = json.loads(Lines("json").format(record))
    assert told.pop("at") and told == {
        "level": "warning", "event": "relay_slow", "relay": "main", "edition": 3, "took": "2 s",
    }  # fmt: skip


def test_hostile_words_forge_no_line_and_name_nobody(lines: pytest.LogCaptureFixture) -> None:
    logs.get("newsletter.x").error("part_failed", why=EVIL, **{"who": EVIL})
    logging.getLogger("some.library").warning("%s", EVIL)
    for form in ("console", "json"):
        for record in lines.records:
            line = Lines(form).format(record)  # type: ignore[arg-type]
            assert CONTROL.search(line) is None
            assert "bob" not in line and "<address>" in line


def test_a_crash_is_one_line_with_its_place_and_no_value(lines: pytest.LogCaptureFixture) -> None:
    def stumble(reader: str) -> None:
        raise ValueError(f"cannot mail {reader}\nDETAIL: {reader}")

    try:
        try:
            stumble("rosalind@readers.example")
        except ValueError as error:
            raise RuntimeError("the batch broke") from error
    except RuntimeError:
        logs.get("newsletter.x").exception("part_failed", part="delivery")
    (record,) = lines.records
    line = Lines("console").format(record)
    assert "\n" not in line and "rosalind" not in line
    assert re.search(r"RuntimeError\(the batch broke\) at test_logs\.py:\d+ .* < because of ValueError", line)
    assert json.loads(Lines("json").format(record))["error"] == "RuntimeError"


def test_what_is_rolled_back_is_not_logged(database: Database, lines: pytest.LogCaptureFixture) -> None:
    with database.writing() as session:
        note(session, NINE, "ops", "held", "edition", 7, "by hand")
        assert "edition_held" not in lines.text
    assert "edition_held" in lines.text
    with pytest.raises(RuntimeError), database.writing() as session:
        note(session, NINE, "ops", "paused", "edition", 7)
        raise RuntimeError
    assert "edition_paused" not in lines.text


def test_serve_speaks_as_the_configuration_says(tmp_path: Path, sqlite_template: Path) -> None:
    (tmp_path / "newsletter.db").write_bytes(sqlite_template.read_bytes())
    room = Newsroom(tmp_path, "sqlite:///newsletter.db", 9, feeds='[logging]\nformat = "json"', web_port=0)
    room.config.write_text(re.sub(r'public_url = ".*"', "", room.config.read_text()))
    process = room.start("serve", now=at("07:00"))
    assert process.stderr is not None
    first = ""
    while "edition_drafted" not in first:
        first = process.stderr.readline()
        assert first, "it ended before it spoke"
    process.terminate()
    assert ended(process).code == 0
    assert {"event": "edition_drafted", "level": "info", "who": "scheduler"}.items() <= json.loads(
        first
    ).items()


def test_a_command_says_its_report_and_logs_only_trouble(tmp_path: Path, sqlite_template: Path) -> None:
    (tmp_path / "newsletter.db").write_bytes(sqlite_template.read_bytes())
    done = Newsroom(tmp_path, "sqlite:///newsletter.db", 9).call("tick", now=at("07:00"))
    assert (done.code, done.err) == (0, "")


def events() -> set[str]:
    """Every event that the program logs by name."""
    found = set()
    for tree in MODULES.values():
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and getattr(node.func.value, "id", "") == "log"
                and isinstance(node.args[0], ast.Constant)
            ):
                found.add(str(node.args[0].value))
    return found


def acts() -> set[str]:
    """Every event that comes of an act that history notes."""
    text = "\n".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "newsletter" / "services").glob("*.py")
    )
    return set(re.findall(r'act="([a-z]+)"', text))


def test_every_event_is_listed_for_ops() -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert len(events()) >= 8
    assert {event for event in events() if f"`{event}`" not in page} == set()
    assert {act for act in acts() if f"`edition_{act}`" not in page} == set()


def test_only_one_module_logs_otherwise() -> None:
    """Everybody takes a log from `logs`, so that no line escapes its rules."""
    users = {name for name, tree in MODULES.items() for line in imports(tree) if line == "logging"}
    assert users == {"logs.py", "render/inline.py"}, "inline only silences a library"


def imports(tree: ast.AST) -> list[str]:
    return [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
