"""Lists of people come in: read line by line, laid down, and taken in all at once or not at all.

Reading takes the time, and keeps nobody from writing; taking in is one transaction. So a process that dies
on the way has imported nobody, and a dry run is the same way up to its last step, rolled back there.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlmodel import Session

from newsletter.errors import Misuse
from newsletter.runtime import Runtime
from newsletter.services.columns import REFUSED_BECAUSE, Columns, understand
from newsletter.services.newcomers import Reading
from newsletter.services.sheets import Sheet, open_sheet, private_file, safe_cell
from newsletter.store import arrivals
from newsletter.store.arrivals import Arrival, Became
from newsletter.store.history import note
from newsletter.store.newsletters import newsletter_ids, sync_newsletters
from newsletter.values import Refusal

CHUNK = 1_000
REFUSALS_TOLD = 1_000  # all of them are in the file of refusals

Progress = Callable[[int, float], None]
Refuse = Callable[[Sequence[str], str], None]


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a file is to be read and taken in, as far as somebody said.

    `columns`: field → its heading or number, or nothing for a field that is not to be read. `refused_to`:
    where the lines that are not taken go, each with its reason.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    attributes: bool = True
    encoding: str = ""
    skip_refused: bool = False
    update: bool = False
    refused_to: Path | None = None


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did, or would do: every line counted once, and how the file was read.

    `repeated` lines name a place that an earlier line has named. With refusals nothing is `imported`
    unless they are to be skipped; `refused` holds the first thousand.
    """

    new: int
    known: int
    repeated: int
    suppressed: int
    updated: int
    refusals: int
    refused: tuple[Refusal, ...]
    imported: bool
    encoding: str
    delimiter: str
    columns: Mapping[str, str]
    attributes: tuple[str, ...]


@dataclass(slots=True)
class _Refused:
    count: int = 0
    told: list[Refusal] = field(default_factory=list)

    def add(self, line: int, why: str) -> None:
        self.count += 1
        if len(self.told) < REFUSALS_TOLD:
            self.told.append(Refusal(f"line {line}", why))


def import_csv(
    runtime: Runtime,
    path: Path,
    newsletter_slug: str,
    now: datetime,
    wishes: Wishes | None = None,
    *,
    dry_run: bool = False,
    on_progress: Progress | None = None,
) -> ImportReport:
    """Give everybody in a CSV file their places: on `newsletter_slug` where a line names no newsletter.

    A line that cannot be taken is refused, and then nothing is imported, unless refused lines are to be
    skipped. `on_progress` is called with the lines read so far and the share of the file that they are.
    Raises Misuse when the file as a whole cannot be read, and for an unknown newsletter.
    """
    wishes = wishes or Wishes()
    if newsletter_slug:
        runtime.newsletter(newsletter_slug)
    with open_sheet(path, wishes.encoding) as sheet:
        columns = understand(sheet.sample, wishes.columns, attributes=wishes.attributes)
        if not (newsletter_slug or "newsletter" in columns.fields):
            raise Misuse(
                f"Neither --newsletter nor a column of {path} says which newsletter.",
                next_step=f"newsletter subscribers import {path} --newsletter SLUG --dry-run",
            )
        reading = Reading(
            columns, runtime.address_key, runtime.newsletters, newsletter=newsletter_slug,
            source=f"import of {path.name}", now=now,
        )  # fmt: skip
        with runtime.database.preparing() as session:
            arrivals.begin(session)
            refused = _read(session, sheet, columns, reading, wishes.refused_to, on_progress)
            imported = not refused.count or wishes.skip_refused
            became = _take_in(session, runtime, now, wishes)
            arrivals.end(session)
            if dry_run or not imported:
                session.rollback()
        return _report(sheet, columns, became, refused, imported=imported and not dry_run)


def _read(
    session: Session, sheet: Sheet, columns: Columns, reading: Reading, refused_to: Path | None,
    on_progress: Progress | None,
) -> _Refused:  # fmt: skip
    """Lay everybody down whose line can be taken; tell the others where they go."""
    refused = _Refused()
    chunk: list[Arrival] = []
    lines = 0
    with _refusals(refused_to, sheet, columns) as refuse:
        for line, cells in _people(sheet, columns):
            try:
                chunk += reading.arrivals(line, cells)
            except Misuse as misuse:
                why = f"{misuse.sentence} {_as_sentence(misuse.next_step)}".strip()
                refused.add(line, why)
                refuse(cells, why)
            lines += 1
            if lines % CHUNK == 0:
                arrivals.lay_down(session, chunk)
                chunk = []
                if on_progress:
                    on_progress(lines, sheet.share)
        arrivals.lay_down(session, chunk)
    if on_progress:
        on_progress(lines, 1.0)
    return refused


def _people(sheet: Sheet, columns: Columns) -> Iterator[tuple[int, list[str]]]:
    records = sheet.records()
    if columns.has_header:
        next(records)
    return records


def _take_in(session: Session, runtime: Runtime, now: datetime, wishes: Wishes) -> Became:
    sync_newsletters(session, runtime.settings.newsletters, now)
    slugs = {number: slug for slug, number in newsletter_ids(session).items()}
    became, places = arrivals.take_in(session, now, update=wishes.update)
    for number in sorted(places, key=slugs.__getitem__):
        note(session, now, "ops", "import", "newsletter", number, f"{places[number]} new places")
    return became


@contextmanager
def _refusals(path: Path | None, sheet: Sheet, columns: Columns) -> Iterator[Refuse]:
    """Writes refused lines as they came, with the reason at their end, so that they can be mended there."""
    if path is None:
        yield lambda _cells, _why: None
        return
    with private_file(path) as file:
        writer = csv.writer(file, delimiter=sheet.delimiter)

        def refuse(cells: Sequence[str], why: str) -> None:
            room = [""] * (columns.width - len(cells))
            writer.writerow([*map(_as_it_came, cells), *room, why])

        if columns.has_header:
            writer.writerow([*sheet.sample[0], REFUSED_BECAUSE])
        yield refuse


def _as_it_came(cell: str) -> str:
    """Safe to open, and read again as what it was: a cell that is quoted already is not quoted twice."""
    return cell if cell.startswith("'") else safe_cell(cell)


def _as_sentence(next_step: str) -> str:
    return f"{next_step[0].upper()}{next_step[1:]}." if next_step else ""


def _report(
    sheet: Sheet, columns: Columns, became: Became, refused: _Refused, *, imported: bool
) -> ImportReport:
    return ImportReport(
        *became, refusals=refused.count, refused=tuple(refused.told), imported=imported,
        encoding=sheet.encoding, delimiter=sheet.delimiter, columns=columns.told(sheet.sample[0]),
        attributes=tuple(columns.attributes),
    )  # fmt: skip
