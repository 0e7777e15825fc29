"""Lists of people as spreadsheets write them: read whatever program made them, written safe to open.

Nobody tells how a CSV file is encoded and what stands between its cells, so both are found out, and said
aloud. A cell that a spreadsheet would take for a formula gets a leading `'`, and loses it on the way back.
"""

from __future__ import annotations

import codecs
import csv
import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TextIO

from newsletter.errors import Misuse

LONGEST_CELL = 32 * 1024  # characters
LONGEST_ROW = 256 * 1024  # characters
DELIMITERS = ",;\t|"

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_WINDOWS = "cp1252"  # what Latin-1 means in practice
_WORKBOOK = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_SAMPLE_ROWS = 20
_TOLD_DELIMITER = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)  # how some programs tell Excel

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_QUOTED = tuple("'" + mark for mark in (*_FORMULA, "'"))


def safe_cell(text: str) -> str:
    """Text that a spreadsheet shows and does not run."""
    return f"'{text}" if text.startswith((*_FORMULA, "'")) else text


def plain_cell(text: str) -> str:
    """What `safe_cell` was given."""
    return text[1:] if text.startswith(_QUOTED) else text


class Sheet:
    """An open file, its encoding and its delimiter; `share` of it has been read so far."""

    def __init__(self, path: Path, file: TextIO, encoding: str) -> None:
        self.path = path
        self.encoding = encoding
        self._file = file
        self._size = max(1, os.fstat(file.fileno()).st_size)
        self.delimiter, self.sample, self._skip = self._look()

    @property
    def share(self) -> float:
        return min(1.0, self._file.buffer.tell() / self._size)

    def records(self) -> Iterator[tuple[int, list[str]]]:
        """The number of its first line, and the cells, of every row that is not empty.

        Raises Misuse where the file cannot be read on.
        """
        self._file.seek(0)
        lines = _Lines(self._file)
        for _ in range(self._skip):
            next(lines)
        reader = csv.reader(lines, delimiter=self.delimiter, strict=True)
        before = 0
        try:
            for cells in reader:
                if any(cells):
                    yield self._skip + before + 1, cells
                before = reader.line_num
                lines.row_begins()
        except UnicodeError as error:
            raise self._unreadable(before, f"is not {self.encoding}", "name it with --encoding") from error
        except csv.Error as error:
            mend = "look for a quote that never ends"
            raise self._unreadable(before, f"is no CSV ({error})", mend) from error

    def _look(self) -> tuple[str, list[list[str]], int]:
        """The delimiter, the first rows that it gives, and how many lines stand before them."""
        try:
            lines = [line for line, _ in zip(_Lines(self._file), range(_SAMPLE_ROWS), strict=False)]
        except (UnicodeError, csv.Error) as error:
            mend = "save it as CSV, or name its encoding with --encoding"
            raise Misuse(f"{self.path} is no CSV; nothing was imported.", next_step=mend) from error
        if lines and (told := _TOLD_DELIMITER.fullmatch(lines[0])):
            return told[1], _split(lines[1:], told[1]), 1
        best = max(DELIMITERS, key=lambda delimiter: _likelihood(_split(lines, delimiter)))
        return best, _split(lines, best), 0

    def _unreadable(self, line: int, what: str, mend: str) -> Misuse:
        return Misuse(f"{self.path} {what} after line {line}; nothing was imported.", next_step=mend)


@contextmanager
def open_sheet(path: Path, encoding: str = "") -> Iterator[Sheet]:
    """Open a CSV file. Raises Misuse when it cannot be read, is none, or the encoding has no such name."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise Misuse(f"{path} is no file.", next_step="save the list as a CSV file")
        found = _known(encoding) if encoding else _encoding(path)
        with path.open(encoding=found, newline="") as file:
            yield Sheet(path, file, found)
    except OSError as error:
        raise Misuse(
            f"{path} cannot be read: {error.strerror}.", next_step="check the file's name"
        ) from error


@contextmanager
def private_file(path: Path) -> Iterator[TextIO]:
    """A new file that only its owner can read; it is there when all of it is. Raises Misuse if it exists."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        if os.path.lexists(path):
            raise Misuse(f"{path} exists already; nothing was written.", next_step="name another file")
        number = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
    except OSError as error:
        raise Misuse(f"{path} cannot be written: {error.strerror}.", next_step="name another file") from error
    try:
        with os.fdopen(number, "w", encoding="utf-8", newline="") as file:
            yield file
        part.rename(path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise


class _Lines:
    """The file's lines. Raises csv.Error for a row that no person fills, before it fills the memory."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._taken = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._file.readline(LONGEST_ROW + 1)
        if not line:
            raise StopIteration
        self._taken += len(line)
        if self._taken > LONGEST_ROW:
            raise csv.Error(f"a row has more than {LONGEST_ROW:,} characters")
        return line

    def row_begins(self) -> None:
        self._taken = 0


def _split(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    rows: list[list[str]] = []
    with suppress(csv.Error):
        rows.extend(row for row in csv.reader(lines, delimiter=delimiter) if any(row))
    return rows


def _likelihood(rows: list[list[str]]) -> tuple[float, int]:
    """How much a delimiter speaks for itself: rows as wide as the first, and how wide that is."""
    width = len(rows[0]) if rows else 0
    alike = sum(len(row) == width for row in rows) / len(rows) if width > 1 else 0.0
    return round(alike, 1), width


def _known(encoding: str) -> str:
    """Raises Misuse for what is no encoding of text."""
    try:
        "".encode(encoding)
    except (LookupError, ValueError):
        raise Misuse(
            f"{encoding[:40]!r} is no encoding of text.", next_step="write for instance --encoding cp1251"
        ) from None
    return codecs.lookup(encoding).name


def _encoding(path: Path) -> str:
    """By its mark, its zeros, or by whether all of it reads as UTF-8; else Windows' Latin."""
    with path.open("rb") as file:
        start = file.read(4096)
        if start.startswith(_WORKBOOK):
            raise Misuse(f"{path} is a workbook, not a CSV file.", next_step="save the sheet as CSV in UTF-8")
        for mark, name in _MARKS:
            if start.startswith(mark):
                return name
        return _unmarked_utf16(start) or ("utf-8" if _is_utf8(start, file) else _WINDOWS)


def _unmarked_utf16(start: bytes) -> str:
    """Addresses are ASCII, so in UTF-16 a good part of every second byte is zero; a stray one is dirt."""
    many = len(start) // 8
    if start[1::2].count(0) > many:
        return "utf-16-le"
    return "utf-16-be" if start[0::2].count(0) > many else ""


def _is_utf8(start: bytes, file: BinaryIO) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while start:
            decoder.decode(start)
            start = file.read(1 << 20)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
