"""Ops' front door: parse, call one service, print. One file per noun.

Exit codes: 0 done, 1 our bug, 2 wrong use or configuration, 3 refused by a rule, 4 incomplete,
5 the world failed, 130 interrupted and safe.
"""

from __future__ import annotations

import io
import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from newsletter.cli.console import Interrupted, report
from newsletter.errors import Misuse, NewsletterError
from newsletter.logs import keep_log

# Each command and each noun, in the order of the help → the module that registers it
ROOMS = {
    "init": "setup",
    "db": "setup",
    "demo": "demo",
    "serve": "serving",
    "web": "serving",
    "scheduler": "serving",
    "worker": "serving",
    "tick": "serving",
    "gather": "feeds",
    "feeds": "feeds",
    "articles": "articles",
    "editions": "editions",
    "send": "sending",
    "pause": "steering",
    "resume": "steering",
    "cancel": "steering",
    "stop-all": "steering",
    "unknown": "unknown",
    "relays": "relays",
    "subscribers": "subscribers",
    "embed": "embed",
    "theme": "theme",
    "status": "status",
    "dkim": "dkim",
    "people": "people",
}


class Doors(Mapping[str, Any]):
    """Each command by its name. Only the room of the one that is asked for is opened: to load them all
    takes longer than most commands do."""

    def __getitem__(self, name: str) -> Any:
        return _commands_of(ROOMS[name])[name]

    def __iter__(self) -> Iterator[str]:
        return iter(ROOMS)

    def __len__(self) -> int:
        return len(ROOMS)


@cache
def _commands_of(room: str) -> Mapping[str, Any]:
    """Once: a room that is registered again would have each of its commands twice."""
    door = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
    import_module(f"newsletter.cli.{room}").register(door)
    return typer.main.get_group(door).commands


class Program(TyperGroup):
    """What comes after the program's name."""

    def __init__(self, **about: Any) -> None:
        super().__init__(**about | {"commands": Doors()})


app = typer.Typer(
    name="newsletter",
    cls=Program,
    help="The newsletter engine for newsrooms.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def main(arguments: list[str] | None = None) -> None:
    os.umask(0o077)  # stores and mails name people: whatever we write is its owner's alone
    keep_log()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that knows ASCII alone shows ? and goes on
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: list[str]) -> int:
    """Run one command and give its exit code; every error becomes one sentence or one JSON object."""
    as_json = "--json" in arguments
    try:
        result = typer.main.get_group(app).main(
            args=arguments or ["--help"], prog_name="newsletter", standalone_mode=False
        )
    except NewsletterError as error:
        report(error, as_json=as_json)
        return error.exit_code
    except typer.TyperException as error:
        sentence = error.format_message().replace(": Value error, ", ": ")
        report(Misuse(sentence, next_step=f"{_path(error)} --help"), as_json=as_json)
        return Misuse.exit_code
    except (typer.Abort, KeyboardInterrupt):
        report(Interrupted("Interrupted; nothing is lost."), as_json=as_json)
        return Interrupted.exit_code
    except Exception as error:
        traceback.print_exc()
        ours = NewsletterError(f"This is a bug of ours: {type(error).__name__}.", next_step="report it")
        report(ours, as_json=as_json)
        return NewsletterError.exit_code
    return result if isinstance(result, int) else 0


def _path(error: typer.TyperException) -> str:
    """The command that was used wrongly, as far as it was understood."""
    context = getattr(error, "ctx", None)
    return context.command_path if context else "newsletter"
