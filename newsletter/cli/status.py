"""`newsletter status`: what is due, running, late, stuck, in doubt. Exit 4 when a person is needed."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.text import Text

from newsletter.cli.console import finish, foreign, table
from newsletter.cli.options import command, runtime, sending_runtime
from newsletter.errors import Incomplete
from newsletter.models import EditionState
from newsletter.services import relaying
from newsletter.services import status as service
from newsletter.services.status import EditionLine, NewsletterLine, Status

GLYPHS = {
    EditionState.DRAFT: "○", EditionState.APPROVED: "✓", EditionState.FROZEN: "✓", EditionState.SENDING: "▶",
    EditionState.SENT: "●", EditionState.HELD: "‖", EditionState.PAUSED: "‖", EditionState.SKIPPED: "—",
    EditionState.CANCELLED: "■",
}  # fmt: skip


def register(app: typer.Typer) -> None:
    command(app, "status")(status)


def status(
    probe: Annotated[bool, typer.Option("--probe", help="Try the relays first, without a message.")] = False,
) -> int:
    """What is due, running, late, stuck or in doubt.

    Ends with exit code 4 when a person is needed.

    Example: newsletter status --json
    """
    opened = sending_runtime() if probe else runtime()
    if probe:
        relaying.probe(opened, "", opened.clock.now(), who="ops")
    found = service.status(opened, opened.clock.now())
    finish({"needs_a_person": bool(found.problems)} | asdict(found), lambda console: _show(console, found))
    return Incomplete.exit_code if found.problems else 0


def _show(console: Console, found: Status) -> None:
    rows = [row for line in found.newsletters for row in _rows(line)]
    table(
        ["NEWSLETTER", "EDITION", "STATE", "DUE", "PEOPLE", "DELIVERIES"],
        rows,
        empty="No newsletter is configured yet. Add a [[newsletters]] part to the configuration.",
    )(console)
    for feed in found.feeds:
        if feed.trouble:
            again = f"; next look {feed.retry_at:%d %b %H:%M} UTC" if feed.retry_at else ""
            console.print(foreign(f"▲ feed {feed.name}: {feed.trouble} ({feed.failures} times{again})"))
    for relay in found.relays:
        if relay.is_up is False:
            console.print(
                foreign(f"▲ relay {relay.name} is down since {relay.since:%d %b %H:%M} UTC: {relay.trouble}")
            )
    console.print(
        f"serve {_running(found.serving)} · delivery {_running(found.delivering)} · "
        f"{sum(not feed.trouble for feed in found.feeds)} of {len(found.feeds)} feeds well"
    )
    for problem in found.problems:
        console.print(Text("■ ", style="red") + foreign(problem.what))
        console.print(foreign(f"  → {problem.next_step}"))


def _rows(line: NewsletterLine) -> list[list[object]]:
    zone = ZoneInfo(line.timezone)
    if not line.editions:
        return [[line.slug, "none yet", "", when(line.next_at, zone), line.people, ""]]
    return [
        [
            line.slug,
            edition.slug,
            state_words(edition),
            when(edition.due_at, zone),
            line.people,
            words(edition),
        ]
        for edition in line.editions
    ]


def state_words(edition: EditionLine) -> str:
    late = " late" if edition.late else ""
    return f"{GLYPHS[edition.state]} {edition.state}{late}"


def words(edition: EditionLine) -> str:
    """How its deliveries stand, leaving out what is zero."""
    sums = asdict(edition.sums)
    return ", ".join(f"{count} {name}" for name, count in sums.items() if count) or edition.why


def when(instant: datetime, zone: ZoneInfo) -> str:
    return f"{instant.astimezone(zone):%a %d %b %H:%M %Z}"


def _running(is_running: bool) -> str:
    return "runs" if is_running else "is not running"
