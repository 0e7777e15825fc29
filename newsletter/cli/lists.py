"""`newsletter subscribers import` and `export`: people by the file."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from newsletter.cli.console import err, finish, foreign
from newsletter.cli.options import command, options, runtime
from newsletter.cli.progress import EVERY_LINE
from newsletter.clock import monotonic
from newsletter.errors import Misuse
from newsletter.services import exporting, importing
from newsletter.services.importing import ImportReport, Wishes
from newsletter.services.sheets import private_file

SHOWN_REFUSALS = 20
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}

Refused = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write refused lines and their reasons here.")
]
Attributes = Annotated[
    bool, typer.Option("--attributes/--no-attributes", help="Keep all other columns, too.")
]


def register(room: typer.Typer) -> None:
    command(room, "import")(import_file)
    command(room, "export")(export_file)


def import_file(
    file: Annotated[Path, typer.Argument(help="A CSV file, with headings or with addresses alone.")],
    newsletter: Annotated[
        str, typer.Option(help="Its slug, for lines that name no newsletter themselves.")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Report; change nothing.")] = False,
    refused: Refused = None,
    skip_refused: Annotated[
        bool, typer.Option("--skip-refused", help="Import the other lines all the same.")
    ] = False,
    update: Annotated[
        bool, typer.Option("--update", help="Change name, zone, cadence, attributes of the known.")
    ] = False,
    column: Annotated[
        list[str] | None,
        typer.Option(metavar="FIELD=HEADING", help="What a column means; nothing after = to leave it out."),
    ] = None,
    attributes: Attributes = True,
    encoding: Annotated[str, typer.Option(help="If the guess is wrong: cp1251, latin-1, …")] = "",
) -> None:
    """Give everybody in a file a place: all of them or, when a line is refused, nobody.

    Nobody who left comes back by it, and no suppressed address is mailed.

    Example: newsletter subscribers import readers.csv --newsletter town --dry-run
    """
    wishes = Wishes(
        columns=_columns(column or []), attributes=attributes, encoding=encoding, skip_refused=skip_refused,
        update=update, refused_to=refused,
    )  # fmt: skip
    opened = runtime()
    with _progress(f"reading {file.name}") as tell:
        report = importing.import_csv(
            opened, file, newsletter, opened.clock.now(), wishes, dry_run=dry_run, on_progress=tell
        )
    if not (report.imported or dry_run):
        raise _nothing(file, newsletter, report)
    finish(_as_json(report, dry_run=dry_run), lambda console: _show(console, report, dry_run=dry_run))


def export_file(
    newsletter: Annotated[str | None, typer.Option(help="Its slug: everybody's places on it.")] = None,
    everybody: Annotated[bool, typer.Option("--all", help="All places on all newsletters.")] = False,
    address: Annotated[
        str | None, typer.Option(metavar="ADDRESS|NUMBER", help="All that is known of one person, as JSON.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="A new file, for your eyes only.")
    ] = None,
    state: Annotated[str, typer.Option(help="active (who is mailed), pending, ended, or any.")] = "active",
    raw: Annotated[bool, typer.Option("--raw", help="Do not quote cells that look like formulas.")] = False,
) -> None:
    """Write people to a CSV file that spreadsheets open safely and an import takes back.

    Example: newsletter subscribers export --newsletter town -o town.csv
    """
    if [newsletter is not None, everybody, address is not None].count(True) != 1:
        raise Misuse(
            "Say whom to export: one of --newsletter, --all and --address.",
            next_step="newsletter subscribers export --newsletter SLUG -o FILE",
        )
    opened = runtime()
    now = opened.clock.now()
    if address is not None:
        _hand_over(exporting.whole_data(opened, address, now), output)
        return
    if options().json and output is None:
        raise Misuse("With --json the list needs a file of its own.", next_step="add -o FILE")
    with _written(output) as file, _progress("writing") as tell:
        count = exporting.export_csv(
            opened, file, newsletter, now, state=state, raw=raw, on_progress=tell if output else None
        )
    if output is not None:
        finish(
            {"places": count, "file": str(output)},
            lambda console: console.print(foreign(f"{count:,} places are in {output}.")),
        )


def _hand_over(person: dict[str, Any], output: Path | None) -> None:
    written = json.dumps(person, ensure_ascii=False, indent=2, default=datetime.isoformat)
    if output is None:
        finish({"person": person}, lambda console: console.print(foreign(written), soft_wrap=True))
        return
    with private_file(output) as file:
        file.write(written + "\n")
    finish(
        {"file": str(output)}, lambda console: console.print(foreign(f"All that is known is in {output}."))
    )


@contextmanager
def _written(output: Path | None) -> Iterator[TextIO]:
    if output is None:
        yield sys.stdout
        return
    with private_file(output) as file:
        yield file


def _columns(said: Sequence[str]) -> dict[str, str]:
    found = {}
    for text in said:
        name, equals, heading = text.partition("=")
        if not equals:
            raise Misuse(f"--column {text!r} has no “=”.", next_step="write --column name=HEADING")
        found[name.strip()] = heading.strip()
    return found


def _nothing(file: Path, newsletter: str, report: ImportReport) -> Misuse:
    first, others = report.refused[0], report.refusals - 1
    more = f" And {others} more." if others else ""
    words = f"{file} --newsletter {newsletter}" if newsletter else f"{file}"
    return Misuse(
        f"Nothing was imported from {file}: {first.place} is refused. {first.why}{more}",
        next_step=f"newsletter subscribers import {words} --dry-run",
    )


def _as_json(report: ImportReport, *, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run, "imported": report.imported, "new": report.new, "known": report.known,
        "repeated": report.repeated, "suppressed": report.suppressed, "updated": report.updated,
        "refusals": report.refusals, "refused": [{"place": r.place, "why": r.why} for r in report.refused],
        "encoding": report.encoding, "delimiter": report.delimiter, "columns": dict(report.columns),
        "attributes": list(report.attributes),
    }  # fmt: skip


def _show(console: Console, report: ImportReport, *, dry_run: bool) -> None:
    between = DELIMITERS.get(report.delimiter, repr(report.delimiter))
    columns = ", ".join(f"{field} in “{heading}”" for field, heading in report.columns.items())
    console.print(foreign(f"Read as {report.encoding} with {between}: {columns}."))
    if report.attributes:
        console.print(foreign(f"Kept as attributes: {', '.join(report.attributes)}."))
    will = "would be" if dry_run else "are"
    console.print(f"{report.new:>9,}  {will} new")
    console.print(f"{report.known:>9,}  known already, or left before{_updated(report, dry_run=dry_run)}")
    console.print(f"{report.repeated:>9,}  repeat an earlier line")
    console.print(f"{report.suppressed:>9,}  suppressed, and not mailed")
    console.print(f"{report.refusals:>9,}  refused{':' if report.refusals else ''}")
    for refusal in report.refused[:SHOWN_REFUSALS]:
        console.print(foreign(f"  {refusal.place}: {refusal.why}"))
    if report.refusals > SHOWN_REFUSALS:
        console.print(f"  … and {report.refusals - SHOWN_REFUSALS:,} more; --refused FILE writes all of them")
    if dry_run and report.refusals:
        console.print("With refused lines nothing is imported, unless you say --skip-refused.")


def _updated(report: ImportReport, *, dry_run: bool) -> str:
    will = "would be" if dry_run else "are"
    return f"; {report.updated:,} {will} brought up to date" if report.updated else ""


@contextmanager
def _progress(what: str) -> Iterator[importing.Progress]:
    """A bar on a terminal, a line now and then elsewhere, JSON lines for machines."""
    said = options()
    if said.quiet or said.json or not err().is_terminal:
        yield _lines(what, as_json=said.json, quiet=said.quiet)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=err(), transient=True) as bar:
        task = bar.add_task(what, total=1.0)

        def show(lines: int, share: float) -> None:
            bar.update(task, completed=share, description=f"{what}, {lines:,} lines")

        yield show


def _lines(what: str, *, as_json: bool, quiet: bool) -> importing.Progress:
    told = monotonic()

    def show(lines: int, share: float) -> None:
        nonlocal told
        if quiet or (monotonic() - told < EVERY_LINE and share < 1.0) or lines < importing.CHUNK:
            return
        told = monotonic()
        if as_json:
            sys.stderr.write(json.dumps({"lines": lines, "share": round(share, 3)}) + "\n")
        else:
            err().print(foreign(f"{what}: {lines:,} lines, {share:.0%}"))

    return show
