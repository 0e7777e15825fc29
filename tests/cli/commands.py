"""Every command of the program, found by walking it."""

from __future__ import annotations

import shlex
from typing import Any

import typer

from newsletter.cli import app

GROUP: Any = typer.main.get_group(app)


def walk(group: Any = GROUP, path: tuple[str, ...] = ()) -> dict[str, Any]:
    """`"articles list"` → the command, for each that does something."""
    found: dict[str, Any] = {}
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            found |= walk(command, (*path, name))
        else:
            found[" ".join((*path, name))] = command
    return found


COMMANDS = walk()


def understand(line: str) -> str:
    """Parse `newsletter …` as the program would, without doing it; returns the command's name.

    Raises the program's own usage errors; ValueError for what is no command of ours.
    """
    words = shlex.split(line)
    if not words or words[0].rpartition("/")[2] != "newsletter":
        raise ValueError(f"{line!r} does not begin with the program's name")
    for length in (2, 1):
        name = " ".join(words[1 : 1 + length])
        if name in COMMANDS:
            COMMANDS[name].make_context(name, words[1 + length :])
            return name
    raise ValueError(f"{line!r} names no command")
