"""`newsletter subscribers`: people in, by hand or from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from newsletter.cli.console import err, finish, foreign, table
from newsletter.cli.options import command, options, runtime
from newsletter.models import Cadence
from newsletter.services import subscribing
from newsletter.services.subscribing import ImportReport

room = typer.Typer(name="subscribers", help="Who gets which newsletter.", rich_markup_mode=None)

Newsletter = Annotated[str, typer.Option(help="The newsletter's slug.")]


def register(app: typer.Typer) -> None:
    app.add_typer(room)


@command(room, "add")
def add(
    address: Annotated[str, typer.Argument(help="The person's address.")],
    newsletter: Newsletter,
    name: Annotated[str, typer.Option(help="As it stands in the greeting.")] = "",
    cadence: Annotated[Cadence, typer.Option(help="How often.")] = Cadence.DAILY,
    consent: Annotated[str, typer.Option(help="What they agreed to, and where.")] = "",
) -> None:
    """Give one person a place on a newsletter.

    Example: newsletter subscribers add ana@example.org --newsletter town
    """
    opened = runtime()
    answer = subscribing.add(
        opened, address, newsletter, name, opened.clock.now(),
        consent_text=consent, consent_source="command line", cadence=cadence,
    )  # fmt: skip
    finish({"answer": answer}, lambda c: c.print(foreign(f"{address} is {answer} on {newsletter}.")))


@command(room, "import")
def import_file(
    file: Annotated[Path, typer.Argument(help="A CSV file with a header line: address,name,cadence.")],
    newsletter: Newsletter,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Report what would happen; change nothing.")
    ] = False,
) -> None:
    """Give everybody in a file a place, in one transaction.

    Example: newsletter subscribers import readers.csv --newsletter town --dry-run
    """
    opened = runtime()
    said = options()
    with Progress(console=err(), disable=said.json or said.quiet or not err().is_terminal) as bar:
        task = bar.add_task("lines", total=None)
        report = subscribing.import_csv(
            opened, file, newsletter, opened.clock.now(), dry_run=dry_run,
            on_progress=lambda lines: bar.update(task, completed=lines),
        )  # fmt: skip
    finish(
        {
            "dry_run": dry_run, "new": report.new, "known": report.known, "suppressed": report.suppressed,
            "refused": [{"place": r.place, "why": r.why} for r in report.refused],
        },
        lambda console: _show(console, report, dry_run=dry_run),
    )  # fmt: skip


@command(room, "list")
def list_subscribers(
    newsletter: Annotated[str, typer.Option(help="Only this newsletter's.")] = "",
    limit: Annotated[int, typer.Option(help="How many.", min=1)] = 50,
) -> None:
    """Who subscribes, latest first.

    Example: newsletter subscribers list --newsletter town --limit 100
    """
    opened = runtime()
    people = subscribing.list_people(opened, newsletter, limit)
    finish(
        {
            "subscribers": [
                {"address": p.address, "name": p.name, "newsletter": p.newsletter, "state": p.state}
                for p in people
            ]
        },
        table(
            ["ADDRESS", "NAME", "NEWSLETTER", "STATE"],
            [[p.address, p.name, p.newsletter, p.state] for p in people],
            empty="Nobody yet. Run: newsletter subscribers import FILE --newsletter SLUG",
        ),
    )


def _show(console: Console, report: ImportReport, *, dry_run: bool) -> None:
    verb = "would be" if dry_run else "are"
    console.print(
        f"{report.new} {verb} new, {report.known} known, {report.suppressed} suppressed, "
        f"{len(report.refused)} refused."
    )
    for refusal in report.refused[:50]:
        console.print(foreign(f"  {refusal.place}: {refusal.why}"))
    if len(report.refused) > 50:
        console.print(f"  … and {len(report.refused) - 50} more; --json lists all")
