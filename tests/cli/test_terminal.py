"""What others wrote stays text on a terminal: nothing steers it, marks it up or forges a line."""

from __future__ import annotations

import io
import json
import logging
import os
import pty
import re
import select
import subprocess

import pytest
import sqlalchemy as sa
from rich.console import Console

from newsletter.cli.console import foreign
from newsletter.logs import Lines
from newsletter.store.database import Database
from tests.newsroom import COMMAND, Done, Newsroom, at

EVIL = "\x1b]0;owned\x07\x1b[2J[/b][link=https://evil.example]x[/link]\r\u202egnp\x9b31m"
SHOWN = "␛]0;owned␇␛[2J[/b][link=https://evil.example]x[/link]␍\ufffdgnp\ufffd31m"
COMMANDS = (
    "articles list", "articles show 1", "editions list", "editions show town/2026-02-18 --why", "feeds list",
    "subscribers list", "subscribers show 1", "status", "send town --dry-run",
)  # fmt: skip


@pytest.fixture
def evil(room: Newsroom) -> Newsroom:
    """A newsroom into whose store hostile words have found their way, past every border."""
    room.configure(feeds='[[feeds]]\nname = "front"\nurl = "https://feeds.invalid/x.xml"')
    room.import_stories(5)
    room.import_readers(2)
    assert room.run("tick", now=at("09:00")).code == 0
    assert room.run("gather", now=at("09:00")).code == 5
    database = Database(f"sqlite:///{room.folder}/newsletter.db")
    with database.writing() as session:
        for statement in (
            "UPDATE article SET title = :evil, section = :evil",
            "UPDATE edition SET subject = :evil, why = :evil, state = 'held'",
            "UPDATE entry SET headline = :evil, why = :evil, section = :evil",
            "UPDATE subscriber SET name = :evil",
            "UPDATE feed SET trouble = :evil, failures = 3",
            "UPDATE delivery SET state = 'unknown', reply = :evil",
            "UPDATE batch SET unknown = sent, sent = 0",
        ):
            session.execute(sa.text(statement), {"evil": EVIL})
    database.close()
    return room


def on_terminal(room: Newsroom, *words: str, **environ: str) -> Done:
    """A command on a terminal of eighty columns; out is all that the terminal was sent."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *words, "--config", str(room.config), "--now", at("12:00").isoformat()],
        stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs,
        env=os.environ | {"TERM": "xterm-256color", "COLUMNS": "80"} | environ,
    )  # fmt: skip
    os.close(theirs)
    heard = b""
    try:
        while select.select([ours], [], [], 30)[0] and (chunk := os.read(ours, 65536)):
            heard += chunk
    except OSError:
        pass  # Linux says EIO once the other side is closed
    os.close(ours)
    return Done(process.wait(timeout=30), heard.decode(), "")


@pytest.mark.parametrize("command", COMMANDS)
def test_hostile_words_are_shown_and_not_obeyed(evil: Newsroom, command: str) -> None:
    told = evil.run(*command.split(), now=at("12:00"))
    assert told.code in (0, 4)
    text = told.out + told.err
    assert re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text) is None
    # Columns fold what is long, so only its beginning is sure to stand on one line
    assert SHOWN[:8] in text


@pytest.mark.parametrize("command", COMMANDS)
def test_hostile_words_are_escaped_in_json(evil: Newsroom, command: str) -> None:
    told = evil.run(*command.split(), "--json", now=at("12:00"))
    assert told.code in (0, 4)
    assert re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", told.out) is None
    assert len(told.out.splitlines()) == 1
    assert EVIL in _strings(json.loads(told.out))


def _strings(value: object) -> set[str]:
    if isinstance(value, dict):
        return set().union(*map(_strings, value.values()))
    if isinstance(value, list):
        return set().union(*map(_strings, value))
    return {value} if isinstance(value, str) else set()


def test_a_terminal_is_sent_only_our_own_codes(evil: Newsroom) -> None:
    told = on_terminal(evil, "editions", "show", "town/2026-02-18")
    assert told.code == 0
    codes = set(re.findall(r"\x1b.{0,2}", told.out))
    assert codes, "on a terminal we do use codes"
    assert re.search(r"\x1b(?!\[[0-9;]*m)", told.out) is None
    assert "\x07" not in told.out and "\x9b" not in told.out


def test_no_color_means_no_colour(evil: Newsroom) -> None:
    coloured = on_terminal(evil, "status")
    plain = on_terminal(evil, "status", NO_COLOR="1")
    assert coloured.code == plain.code == 4
    assert re.search(r"\x1b\[(\d+;)*3[0-9]", coloured.out)
    assert re.search(r"\x1b\[(\d+;)*(3|4|9)[0-9]", plain.out) is None


def test_a_log_line_is_one_line() -> None:
    said = logging.LogRecord("foreign.x", logging.ERROR, "x.py", 1, "said %s", (f"{EVIL}\nforged",), None)
    told = Lines("console").format(said)
    assert told.endswith(f'error    library_said  logger=foreign.x  words="said {SHOWN}␊forged"')
    told = Lines("json").format(said)
    assert json.loads(told)["words"] == f"said {EVIL}\nforged"
    assert re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", told) is None


def test_foreign_text_is_shown_whole_and_keeps_its_letters() -> None:
    shown = io.StringIO()
    words = "Ґанок, 東京, naïve — “quoted” [bold] \u05e9\u200f"
    Console(file=shown, width=200).print(foreign(words + EVIL))
    assert shown.getvalue() == words + SHOWN + "\n"
