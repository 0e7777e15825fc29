"""`newsletter theme`: begin one, check it, and see it in every state before a reader does."""

from __future__ import annotations

import webbrowser
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from newsletter.cli.console import finish, foreign, table
from newsletter.cli.options import command, runtime_without_store
from newsletter.errors import Misuse
from newsletter.render.lint.faults import Fault
from newsletter.services import theming
from newsletter.services.theming import ThemeLine

room = typer.Typer(name="theme", help="How mails look.", rich_markup_mode=None)

INDENT = 4


def register(app: typer.Typer) -> None:
    app.add_typer(room)


@command(room, "list")
def list_themes() -> None:
    """The shipped themes and your own, who uses them, and whether they are sound.

    Example: newsletter theme list
    """
    lines = theming.list_themes(runtime_without_store())
    finish(
        {"themes": [asdict(line) for line in lines]},
        table(["THEME", "WHOSE", "USED BY", "FAULTS"], map(_row, lines), empty="No theme is there."),
    )


def _row(line: ThemeLine) -> Sequence[object]:
    return [
        line.name,
        "your own" if line.own else "shipped",
        ", ".join(line.used_by) or "nobody",
        "not there" if line.faults is None else line.faults or "none",
    ]


@command(room, "new")
def new(name: Annotated[str, typer.Argument(help="Small letters, digits, '-' and '_'.")]) -> None:
    """Begin a theme of your own: the shipped one with one block overridden.

    Example: newsletter theme new gazette
    """
    file = theming.new_theme(runtime_without_store(), name)
    steps = [
        f"edit {file}",
        f"newsletter theme check {name}",
        f"newsletter theme preview {name}",
        f'theme = "{name}" in the newsletter\'s part of the configuration',
    ]
    finish(
        {"theme": name, "file": str(file), "next_steps": steps},
        lambda console: console.print(
            foreign(f"Wrote {file}. Next:\n  " + "\n  ".join(steps)), soft_wrap=True
        ),
    )


@command(room, "check")
def check(
    name: Annotated[str, typer.Argument(help="The theme; without it, all that are in use.")] = "",
) -> int:
    """Name each fault of a theme with its file, its line and the mend.

    Every sample edition is printed: full, shortest, longest, without pictures, without a lead, with one
    section, from right to left; and every letter. Ends with exit code 2 when there are faults.

    Example: newsletter theme check gazette
    """
    opened = runtime_without_store()
    found = {theme: theming.check(opened, theme) for theme in ([name] if name else theming.used(opened))}
    themes = [
        {"theme": theme, "faults": [asdict(fault) for fault in faults]} for theme, faults in found.items()
    ]
    finish({"ok": not any(found.values()), "themes": themes}, lambda console: _show_faults(console, found))
    return Misuse.exit_code if any(found.values()) else 0


def _show_faults(console: Console, found: Mapping[str, Sequence[Fault]]) -> None:
    for theme, faults in found.items():
        for fault in faults:
            _show_fault(console, fault)
        count = f"{len(faults)} fault{'s' if len(faults) > 1 else ''}" if faults else "no fault"
        console.print(foreign(f"Theme {theme}: {count}."))


def _show_fault(console: Console, fault: Fault) -> None:
    seen = f" (seen with: {fault.state})" if fault.state else ""
    place = foreign(fault.place)
    place.stylize("bold")
    console.print(place + foreign(f": {fault.what}{seen}"))
    if fault.source.strip():
        source, column = _window(fault, console.width - INDENT)
        console.print(foreign(" " * INDENT + source), overflow="crop", no_wrap=True)
        console.print(Text(" " * (INDENT + column) + "^", style="red"))
    if fault.mend:
        console.print(foreign(f"  → {fault.mend}"))


def _window(fault: Fault, width: int) -> tuple[str, int]:
    """As much of the line around the fault as fits, and where the fault stands in that."""
    source = fault.source.replace("\t", " ")
    lead = len(source) - len(source.lstrip())
    source, column = source.strip(), max(0, fault.column - lead)
    if len(source) > width:
        start = max(0, min(column - width // 2, len(source) - width))
        kept = source[start : start + width]
        source = ("…" + kept[1:] if start else kept)[: width - 1] + (
            "…" if start + width < len(source) else kept[-1]
        )
        column -= start
    return source, column


@command(room, "preview")
def preview(
    name: Annotated[str, typer.Argument(help="The theme.")],
    folder: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="Where to; else preview-NAME here.")
    ] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Show it in the browser.")] = False,
) -> None:
    """Write every state and letter of a theme as one page: 600 and 375 px, light and dark.

    Example: newsletter theme preview gazette -o /tmp/gazette
    """
    page = theming.preview(runtime_without_store(), name, folder or Path(f"preview-{name}"))
    finish(
        {"theme": name, "page": str(page)},
        lambda console: console.print(foreign(f"Wrote {page}"), soft_wrap=True),
    )
    if open_it:
        webbrowser.open(page.absolute().as_uri())
