"""What cannot be taken back and falls on many is done for who types how many (security row 23)."""

from __future__ import annotations

import os
import pty
import select
import subprocess
from dataclasses import asdict

import pytest
import sqlalchemy as sa

from newsletter.models import Batch, Delivery
from newsletter.services import status
from tests.cli.test_terminal import COMMAND
from tests.newsroom import Newsroom, at

TODAY = "town/2026-02-18"
MANY = 120
ACTS = {
    "cancel": ("cancel", TODAY),
    "missing": ("send", "town", "--edition", "2026-02-18", "--missing"),
    "count-sent": ("unknown", "count-sent", TODAY, "--all"),
    "resend": ("unknown", "resend", TODAY, "--all"),
}
LATER = at("09:10")


@pytest.fixture(params=ACTS)
def act(room: Newsroom, request: pytest.FixtureRequest) -> tuple[str, ...]:
    """An act that falls on many here."""
    fall_on(room, MANY, request.param)
    return ACTS[request.param]


def fall_on(room: Newsroom, people: int, name: str) -> None:
    room.import_stories(5)
    room.import_readers(people)
    room.run("tick", now=at("08:58") if name == "cancel" else at("09:00"))
    state = {"missing": "expired", "count-sent": "unknown", "resend": "unknown"}.get(name)
    if state:
        with room.opened() as runtime, runtime.database.writing() as session:
            session.execute(sa.update(Delivery).values(state=state))
            session.execute(sa.update(Batch).values({state: people, "sent": 0}))


def standing(room: Newsroom) -> object:
    with room.opened() as runtime:
        story = status.edition_story(runtime, TODAY, LATER)
    return story.line.state, asdict(story.line.sums), story.history


def on_terminal(room: Newsroom, answer: str, *words: str) -> tuple[int, str]:
    """The command with a person before it, who answers what it asks."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *words, "--config", str(room.config), "--now", LATER.isoformat()],
        stdin=theirs, stdout=theirs, stderr=theirs, env=os.environ | {"NO_COLOR": "1", "COLUMNS": "200"},
    )  # fmt: skip
    os.close(theirs)
    os.write(ours, f"{answer}\n".encode())
    heard = b""
    try:
        while select.select([ours], [], [], 30)[0] and (chunk := os.read(ours, 65536)):
            heard += chunk
    except OSError:
        pass  # Linux says EIO once the other side is closed
    os.close(ours)
    return process.wait(timeout=30), heard.decode()


def test_it_is_not_done_until_the_number_is_typed(room: Newsroom, act: tuple[str, ...]) -> None:
    before = standing(room)
    unasked = room.run(*act, now=LATER)
    assert unasked.code == 2 and f"{MANY} in number, and cannot be taken back" in unasked.said
    assert unasked.said.endswith(f"→ newsletter {' '.join(act)} --count {MANY}")
    wrong = room.run(*act, "--count", str(MANY - 1), "--json", now=LATER)
    assert (wrong.code, wrong.json["next_step"]) == (
        3,
        f"newsletter {' '.join(act)} --count {MANY}",
    )
    assert standing(room) == before
    assert room.run(*act, "--count", str(MANY), now=LATER).code == 0
    assert standing(room) != before


def test_a_person_is_shown_the_number_and_types_it(room: Newsroom) -> None:
    fall_on(room, MANY, "count-sent")
    before = standing(room)
    code, shown = on_terminal(room, str(MANY + 1), *ACTS["count-sent"])
    assert (code, standing(room)) == (3, before) and f"{MANY} in number" in shown
    code, shown = on_terminal(room, str(MANY), *ACTS["count-sent"])
    assert code == 0 and f"Counted as sent in {TODAY}: {MANY}." in shown


@pytest.mark.parametrize("name", ["cancel", "count-sent"])
def test_who_falls_on_a_few_is_not_asked(room: Newsroom, name: str) -> None:
    fall_on(room, 99, name)
    assert room.run(*ACTS[name], now=LATER).code == 0
