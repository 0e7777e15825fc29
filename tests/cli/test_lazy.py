"""A command loads what it needs and nothing else: a glance at the state must not wait for a mail renderer."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import typer

from newsletter import cli
from newsletter.cli import ROOMS
from tests.newsroom import Newsroom

HEAVY = {
    "aiosmtpd", "alembic", "apscheduler", "fastapi", "feedparser", "holidays", "httpx", "lxml", "mjml", "nh3",
    "newsletter.demo", "newsletter.feeds", "newsletter.render", "newsletter.web", "premailer", "uvicorn",
}  # fmt: skip
ASK = "import sys; from newsletter.cli import run; run(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"


def loaded_by(*words: str) -> set[str]:
    """Every module that is there once the command has run."""
    told = subprocess.run(
        [sys.executable, "-c", ASK, *words], capture_output=True, text=True, check=True, env=os.environ
    )
    return set(told.stderr.split())


def test_a_glance_at_the_state_loads_nothing_heavy(room: Newsroom) -> None:
    room.import_stories(3)
    assert loaded_by("status", "--config", str(room.config)) & HEAVY == set()


def test_the_room_of_another_command_stays_closed() -> None:
    rooms = {f"newsletter.cli.{room}" for room in ROOMS.values()}
    assert loaded_by("dkim", "new", "--help") & rooms == {"newsletter.cli.dkim"}


def test_every_room_can_be_entered_by_all_that_it_registers() -> None:
    folder = Path(cli.__file__).parent
    registering = {
        file.stem
        for file in folder.glob("*.py")
        for part in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(part, ast.FunctionDef) and part.name == "register" and part.args.args[0].arg == "app"
    }
    assert registering == set(ROOMS.values())
    for name in registering:
        program = typer.Typer()
        import_module(f"newsletter.cli.{name}").register(program)
        commands = typer.main.get_group(program).commands
        assert set(commands) == {command for command, room in ROOMS.items() if room == name}
