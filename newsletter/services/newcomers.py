"""What ops say about new people, checked at the border: one row becomes a `Newcomer` or a `Refusal`."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO
from unicodedata import category

from newsletter.errors import Misuse
from newsletter.mail.addresses import lane_of, parse_address
from newsletter.mail.links import AddressKey
from newsletter.models import Cadence
from newsletter.store.subscribers import Newcomer
from newsletter.values import Refusal

ADDRESS_COLUMNS = ("address", "email")
LONGEST_NAME = 200
LONGEST_CELL = 32 * 1024  # characters
LONGEST_LINE = 256 * 1024  # characters
_SURPLUS = "surplus"


def welcome(
    key: AddressKey, address: str, name: str, cadence: str, consent_text: str, consent_source: str
) -> Newcomer:
    """Raises Misuse, in a sentence, for an address, a name or a cadence that is none."""
    parsed = parse_address(address)
    return Newcomer(
        address=parsed.normalised,
        address_key=key.of(parsed.normalised),
        lane=lane_of(parsed.domain),
        name=_name(name),
        cadence=_cadence(cadence),
        consent_text=consent_text,
        consent_source=consent_source,
    )


@contextmanager
def read_newcomers(path: Path, key: AddressKey) -> Iterator[Iterator[Newcomer | Refusal]]:
    """The rows of a UTF-8 CSV file with a header line, one at a time.

    Raises Misuse when the file cannot be opened or read on, or has no address column.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(_lines(file), restkey=_SURPLUS, restval="")
            column = _address_column(path, reader)
            yield _rows(path, reader, column, key)
    except OSError as error:
        raise Misuse(
            f"{path} cannot be read: {error.strerror}.", next_step="check the file's name"
        ) from error


def _lines(file: TextIO) -> Iterator[str]:
    """Raises csv.Error for a line that no row of people fills, before it fills the memory."""
    while line := file.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE:
            raise csv.Error(f"a line has more than {LONGEST_LINE:,} characters")
        yield line


def _rows(
    path: Path, reader: csv.DictReader[str], column: str, key: AddressKey
) -> Iterator[Newcomer | Refusal]:
    source = f"import of {path.name}"
    try:
        for row in reader:
            yield _newcomer(row, column, key, source, f"line {reader.line_num}")
    except UnicodeDecodeError as error:
        raise _unreadable(path, reader, "is not UTF-8", "save the file as UTF-8") from error
    except csv.Error as error:
        raise _unreadable(path, reader, f"is no CSV ({error})", "look for a quote that never ends") from error


def _newcomer(
    row: Mapping[str, str], column: str, key: AddressKey, source: str, place: str
) -> Newcomer | Refusal:
    if _SURPLUS in row:
        return Refusal(place, "The line has more cells than the header.")
    if max(map(len, row.values())) > LONGEST_CELL:
        return Refusal(place, f"A cell has more than {LONGEST_CELL:,} characters.")
    try:
        return welcome(key, row[column], row.get("name", ""), row.get("cadence", ""), "", source)
    except Misuse as misuse:
        return Refusal(place, misuse.sentence)


def _address_column(path: Path, reader: csv.DictReader[str]) -> str:
    try:
        header: Sequence[str] = reader.fieldnames or ()
    except (UnicodeDecodeError, csv.Error) as error:
        raise _unreadable(path, reader, "is no UTF-8 CSV", "save the file as CSV in UTF-8") from error
    reader.fieldnames = [name.strip().lower() for name in header]
    for column in ADDRESS_COLUMNS:
        if column in reader.fieldnames:
            return column
    raise Misuse(
        f"{path} has no column “address” or “email” in its first line.",
        next_step="name the columns there, separated by commas: address,name,cadence",
    )


def _unreadable(path: Path, reader: csv.DictReader[str], what: str, mend: str) -> Misuse:
    return Misuse(f"{path} {what} after line {reader.line_num}; nothing was imported.", next_step=mend)


def _name(text: str) -> str:
    name = " ".join(text.split())
    if len(name) > LONGEST_NAME:
        raise Misuse(f"The name has more than {LONGEST_NAME} characters.", next_step="shorten it")
    if any(category(letter) in ("Cc", "Cs") for letter in name):
        raise Misuse("The name has control characters.", next_step="remove them")
    return name


def _cadence(text: str) -> Cadence:
    wanted = text.strip().lower()
    if wanted in (*Cadence, ""):
        return Cadence(wanted or Cadence.DAILY)
    choices = ", ".join(Cadence)
    raise Misuse(f"The cadence {wanted[:20]!r} is none of {choices}.", next_step="correct it")
