"""How commands speak: tables for people, one JSON object for machines, progress on standard error."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from newsletter.cli.options import options
from newsletter.errors import NewsletterError
from newsletter.visible import ESCAPED, visible


def foreign(text: object) -> Text:
    """Somebody else's words: no markup is read in them, and controls and bidi marks are made visible."""
    return Text(visible(text))


def between_words(text: object, width: int, *, head: str = "") -> Text:
    """Somebody else's words behind `head`, in lines that end between words only: a path must stay whole to
    be copied."""
    lines = visible(text).splitlines()
    folded = (
        textwrap.fill(line, width, initial_indent="" if number else head, break_long_words=False,
                      break_on_hyphens=False)
        for number, line in enumerate(lines)
    )  # fmt: skip
    return Text("\n".join(folded))


class Interrupted(NewsletterError):
    """Somebody pressed Ctrl-C, and nothing is lost by it."""

    exit_code = 130


def readers(count: int) -> str:
    return f"{count:,} reader{'' if count == 1 else 's'}"


def finish(result: Mapping[str, Any], show: Callable[[Console], None]) -> None:
    """End a command well: `result` for machines, or `show` for people."""
    if options().json:
        print_json({"ok": True, **result})
    else:
        show(out())


def out() -> Console:
    return Console(highlight=False, soft_wrap=False)


def err() -> Console:
    return Console(stderr=True, highlight=False)


def print_json(result: Mapping[str, Any]) -> None:
    written = json.dumps(result, ensure_ascii=False, default=_plain)
    sys.stdout.write(written.translate(ESCAPED) + "\n")


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def note(sentence: str) -> None:
    """Tell a person what goes on; machines and the quiet hear nothing."""
    said = options()
    if not (said.json or said.quiet):
        err().print(foreign(sentence))


def note_link(sentence: str, url: str) -> None:
    """The link on a line of its own and whole, however narrow the terminal, to be copied."""
    note(sentence)
    said = options()
    if not (said.json or said.quiet):
        err().print(foreign(url), soft_wrap=True)


def report(error: NewsletterError, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {"ok": False, "error": error.sentence, "next_step": error.next_step, "exit_code": error.exit_code}
        )
        return
    console = err()
    sentence = between_words(error.sentence, console.width, head="■ ")
    sentence.stylize("red", 0, 1)
    console.print(sentence, soft_wrap=True)
    if error.next_step:
        console.print(Text("  → ") + foreign(error.next_step), soft_wrap=True)


def table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str
) -> Callable[[Console], None]:
    """A plain table; `empty` says what to do when there is nothing to show."""
    listed = list(rows)

    def show(console: Console) -> None:
        if not listed:
            console.print(foreign(empty))
            return
        grid = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            grid.add_column(column, overflow="fold")
        for row in listed:
            grid.add_row(*(cell if isinstance(cell, Text) else foreign(cell) for cell in row))
        console.print(grid)

    return show
