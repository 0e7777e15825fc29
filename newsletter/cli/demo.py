"""`newsletter demo`: a whole morning in half a minute."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from newsletter.cli.console import finish, foreign, note, note_link, table
from newsletter.cli.options import command, options
from newsletter.cli.signals import stopping
from newsletter.clock import machine_now
from newsletter.demo.morning import ZONE, Morning, run_morning
from newsletter.errors import Incomplete
from newsletter.models import EditionState


def register(app: typer.Typer) -> None:
    command(app, "demo")(demo)


def demo(
    folder: Annotated[Path, typer.Option(help="Where its store, mails and page go.")] = Path("demo"),
    no_serve: Annotated[bool, typer.Option("--no-serve", help="End after the send.")] = False,
) -> None:
    """A whole morning on sample news, and its desk.

    Its clock starts ten seconds before nine; the scheduler does the rest.

    Example: newsletter demo --no-serve
    """
    note("It is 08:59:50 in Ellersea. The scheduler is running; nobody presses a button.")

    def on_sent(morning: Morning) -> None:
        line = morning.story.line
        if line.state is not EditionState.SENT:
            raise Incomplete(f"The edition is {line.state}: {line.why}.", next_step=_status(morning))
        finish(_as_data(morning), lambda console: _show(console, morning))
        if not no_serve:
            note(f"The readers' pages stay at {morning.url} until Ctrl-C, and the desk beside them.")
            note_link("This link signs you in at the desk, once, within 15 minutes:", morning.login_link)

    with stopping() as stop:
        today = options().now or machine_now()
        run_morning(folder.absolute(), stop, today, linger=not no_serve, on_sent=on_sent)


def _as_data(morning: Morning) -> dict[str, object]:
    line = morning.story.line
    return {
        "edition": line.slug, "state": line.state, "due_at": line.due_at, "first_250": morning.story.first_at,
        "last_250": morning.story.last_at, "deliveries": asdict(line.sums), "mails": str(morning.mails),
        "page": str(morning.page),
    }  # fmt: skip


def _show(console: Console, morning: Morning) -> None:
    line = morning.story.line
    counts = ", ".join(f"{count} {name}" for name, count in asdict(line.sums).items() if count)
    table(
        ["EDITION", "DUE", "FIRST 250", "LAST 250", "DELIVERIES"],
        [
            [
                f"gazette/{line.slug}",
                _local(line.due_at),
                _local(morning.story.first_at),
                _local(morning.story.last_at),
                counts,
            ]
        ],
        empty="",
    )(console)
    console.print(foreign(f"Subject  {line.subject}"))
    console.print(foreign(f"Mails    {morning.mails}/*.eml"), soft_wrap=True)
    console.print(foreign(f"Page     {morning.page}"), soft_wrap=True)
    console.print(foreign(f"More     {_status(morning)}"), soft_wrap=True)


def _status(morning: Morning) -> str:
    """As it stood when the mails were out: what is the middle of the night elsewhere is past nine there."""
    ended = morning.story.last_at or morning.story.line.due_at
    now = (ended + timedelta(seconds=1)).astimezone(UTC)
    return f"newsletter status --config {morning.folder}/config.toml --now {now:%Y-%m-%dT%H:%M:%SZ}"


def _local(instant: datetime | None) -> str:
    return f"{instant.astimezone(ZONE):%H:%M:%S.%f}"[:-3] if instant else "none"
