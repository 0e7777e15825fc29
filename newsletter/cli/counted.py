"""Acts that fall on many: their number is typed, in an answer on a terminal or as `--count` in a script."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated, TypeVar

import typer

from newsletter.cli.console import note
from newsletter.cli.options import options
from newsletter.errors import Uncounted

Count = Annotated[int | None, typer.Option("--count", metavar="N", help="On how many it falls, if on many.")]
Done = TypeVar("Done")


def counted(act: Callable[[int | None], Done], typed: int | None) -> Done:
    """Do `act` with the number that was typed; where it lacks and a person is there, ask for it.

    Raises Uncounted where nobody can answer.
    """
    try:
        return act(typed)
    except Uncounted as uncounted:
        if options().json or not sys.stdin.isatty():
            raise
        note(uncounted.sentence)
        return act(typer.prompt("Type the number to go on", type=int, err=True))
