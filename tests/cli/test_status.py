"""The one screen: refreshed in place, ended by Ctrl-C, legible without colour, signs or a wide terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import time
from collections.abc import Callable

from tests.newsroom import COMMAND, Newsroom, at, ended
from tests.smtpd import SmtpServer

EVIL = "\x1b]0;owned\x07\x1b[2J[/b]<img src=x onerror=alert(1)>\u202egnp"


def test_an_empty_newsroom_says_what_comes(room: Newsroom) -> None:
    told = room.run("status", now=at("08:00"))
    assert told.code == 0
    assert "Nothing needs a person." in told.out
    assert "no edition yet; the next is due Wed 18 Feb 09:00 EST" in told.out
    assert "has never looked; newsletter serve starts it" in told.out


def test_it_counts_down_and_up(room: Newsroom) -> None:
    room.import_stories(5)
    room.import_readers(1200)
    room.run("tick", now=at("06:55"))
    told = room.run("status", now=at("06:55")).said
    assert "Wed 18 Feb 09:00 EST, in 2 h 4 min" in told or "in 2 h 5 min" in told
    assert "open until 08:30" in told and "town Town Today 1,200 readers" in told


def test_a_server_s_hostile_words_are_shown_and_not_obeyed(room: Newsroom, relay: SmtpServer) -> None:
    room.import_stories(5)
    room.import_readers(["permfail1@x.example", "b@x.example"])
    room.run("tick", now=at("08:31"))
    room.run("tick", now=at("09:00"))
    set_reply(room, f"550 5.7.1 {EVIL}")
    told = room.run("status", now=at("09:01"))
    assert told.code == 0
    assert re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", told.out) is None
    assert "1 × x.example failed: 550 5.7.1 ␛]0;owned␇␛[2J[/b]<img" in told.said
    machine = room.run("status", "--json", now=at("09:01"))
    assert len(machine.out.splitlines()) == 1
    assert machine.json["running"][0]["words"][0]["reply"] == f"550 5.7.1 {EVIL}"


def set_reply(room: Newsroom, reply: str) -> None:
    import sqlalchemy as sa

    with room.opened() as runtime, runtime.database.writing() as session:
        session.execute(
            sa.text("UPDATE delivery SET reply = :reply WHERE state = 'failed'"), {"reply": reply}
        )


def test_a_terminal_that_knows_ascii_alone_gets_the_words_all_the_same(room: Newsroom) -> None:
    room.import_stories(5)
    room.run("tick", now=at("06:55"))
    process = subprocess.run(
        [*COMMAND, "status", "--config", str(room.config), "--now", at("07:00").isoformat()],
        capture_output=True, check=False, env=os.environ | {"PYTHONIOENCODING": "ascii", "COLUMNS": "80"},
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    told = process.stdout.decode("ascii")
    assert "? draft" in told and "open until 08:30" in told
    assert max(map(len, told.splitlines())) <= 80


def test_watch_is_for_people(room: Newsroom) -> None:
    told = room.run("status", "--watch", "--json")
    assert told.code == 2 and told.json["next_step"] == "newsletter status --json"


def test_watch_changes_in_place_on_a_terminal_and_ctrl_c_ends_it_well(room: Newsroom) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "status", "--watch", "--config", str(room.config)], stdin=theirs, stdout=theirs,
        stderr=theirs, env=os.environ | {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "40"},
    )  # fmt: skip
    os.close(theirs)
    heard = read_until(ours, lambda text: text.count("Nothing needs a person") >= 2)
    process.send_signal(signal.SIGINT)
    heard += read_until(ours, lambda _: process.poll() is not None)
    os.close(ours)
    assert process.wait(timeout=30) == 0
    assert re.search(r"\x1b\[\d*A", heard), "the cursor goes back up"
    assert "Traceback" not in heard and heard.count("\x1b[?25h") >= 1, "and is shown again"


def read_until(terminal: int, is_enough: Callable[[str], bool]) -> str:
    heard, patience = "", time.monotonic() + 60
    while not is_enough(heard) and time.monotonic() < patience:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                heard += os.read(terminal, 65536).decode(errors="replace")
            except OSError:  # Linux says EIO once the other side is closed
                break
    return heard


def test_watch_elsewhere_is_one_screen_after_another(room: Newsroom) -> None:
    process = room.start("status", "--watch")
    assert process.stdout is not None
    first = [process.stdout.readline() for _ in range(3)]
    process.send_signal(signal.SIGTERM)
    done = ended(process)
    assert done.code == 0 and "Nothing needs a person." in first[0]
    assert "\x1b" not in done.out
