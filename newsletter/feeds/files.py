"""Articles from a newsroom's own hand: a file of JSON Lines or CSV, or the fields of a single one.

Unlike a feed, a file has somebody who can mend it. So nothing is guessed: an unknown field, a date
without a zone or a picture without an address refuses its line and says what to write instead.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from newsletter.errors import Misuse
from newsletter.feeds.clean import (
    ALT,
    BYLINE,
    SECTION,
    SUMMARY,
    TITLE,
    canonical,
    fragment,
    plain,
    web_address,
)
from newsletter.feeds.pictures import running_time
from newsletter.models import ArticleKind
from newsletter.values import ArticleDraft, Picture, Refusal

FIELDS = (
    "url", "title", "summary", "byline", "section", "language", "kind", "picture_url", "picture_width",
    "picture_height", "picture_alt", "duration", "html", "published_at",
)  # fmt: skip
LONGEST_ROW = 256 * 1024  # bytes
LONGEST_CELL = 32 * 1024  # characters
_FORBIDDEN = re.compile(r"[\x00\ud800-\udfff]")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")

Fields = Mapping[str, str]
Row = tuple[int, Fields | str]  # a line number, and its fields or why it has none


def read_file(path: Path) -> tuple[tuple[ArticleDraft, ...], tuple[Refusal, ...]]:
    """The drafts of a file, and its refused lines. The ending tells the format: .jsonl or .csv.

    Raises Misuse when the file cannot be read at all.
    """
    readers = {".jsonl": _json_rows, ".ndjson": _json_rows, ".csv": _csv_rows}
    rows = readers.get(path.suffix.lower())
    if rows is None:
        raise Misuse(f"{path.name} is neither JSON Lines nor CSV.", next_step="name it .jsonl or .csv")
    try:
        with path.open("rb") as file:
            return _taken(rows(file))
    except OSError as error:
        raise Misuse(f"{path} cannot be read: {error.strerror}.", next_step="check the path") from error


def draft_of(fields: Fields) -> ArticleDraft:
    """The article that these fields describe; all of `FIELDS` may be given, url and title must.

    Raises Misuse with a sentence that names the field and the mend.
    """
    unknown = sorted(set(fields) - set(FIELDS))
    if unknown:
        raise Misuse(f"unknown field {unknown[0][:40]!r}; the fields are {', '.join(FIELDS)}")
    wrong = next((name for name in FIELDS if _FORBIDDEN.search(fields.get(name, ""))), None)
    if wrong:
        raise Misuse(f"{wrong} holds a character that is no text (NUL or half of a surrogate pair)")
    url = _address(fields, "url")
    title = plain(fields.get("title", ""), TITLE)
    if not title:
        raise Misuse("title is empty; every article needs one")
    kind = _kind(fields.get("kind", ""))
    return ArticleDraft(
        url=canonical(url),
        title=title,
        summary=plain(fields.get("summary", ""), SUMMARY),
        byline=plain(fields.get("byline", ""), BYLINE),
        section=plain(fields.get("section", ""), SECTION),
        language=_language(fields.get("language", "")),
        kind=kind,
        picture=_picture(fields),
        duration=_duration(fields.get("duration", "")),
        html=_html(fields.get("html", ""), kind, url),
        published_at=_instant(fields.get("published_at", "")),
    )


def _taken(rows: Iterator[Row]) -> tuple[tuple[ArticleDraft, ...], tuple[Refusal, ...]]:
    drafts: dict[str, ArticleDraft] = {}
    lines: dict[str, int] = {}
    refused: list[Refusal] = []
    for number, row in rows:
        try:
            draft = draft_of(_present(row))
            if draft.url in drafts:
                raise Misuse(f"same address as line {lines[draft.url]}")
        except Misuse as error:
            refused.append(Refusal(f"line {number}", error.sentence))
        else:
            drafts[draft.url], lines[draft.url] = draft, number
    return tuple(drafts.values()), tuple(refused)


def _present(row: Fields | str) -> Fields:
    if isinstance(row, str):
        raise Misuse(row)
    return row


# ── the two formats ─────────────────────────────────────────────────────────────────────────────


def _json_rows(file: BinaryIO) -> Iterator[Row]:
    for number, line in _lines(file):
        if line is None:
            yield number, f"longer than {LONGEST_ROW:,} bytes, or not UTF-8"
        elif line.strip():
            yield number, _json_fields(line)


def _json_fields(line: str) -> Fields | str:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return "not a JSON object on one line"
    if not isinstance(value, dict):
        return "not a JSON object"
    fields = {}
    for name, content in value.items():
        if content is None:
            continue
        if isinstance(content, bool) or not isinstance(content, str | int):
            return f"{name[:40]} is neither text nor a whole number"
        fields[name] = str(content)
    return fields


def _csv_rows(file: BinaryIO) -> Iterator[Row]:
    stopped: list[int] = []

    def texts() -> Iterator[str]:
        for number, line in _lines(file):
            if line is None:
                stopped.append(number)
                return
            yield line

    reader = csv.DictReader(texts(), strict=True)
    try:
        for row in reader:
            if any(row.values()):
                yield reader.line_num, _csv_fields(row)
    except csv.Error as error:
        yield reader.reader.line_num, f"the rest was not read: {error}"
    if stopped:
        yield stopped[0], f"longer than {LONGEST_ROW:,} bytes, or not UTF-8; the rest was not read"


def _csv_fields(row: Mapping[str | None, str | list[str] | None]) -> Fields | str:
    if None in row:
        return "it has more fields than the header row"
    if None in row.values():
        return "it has fewer fields than the header row"
    if any(len(content) > LONGEST_CELL for content in row.values() if content):
        return f"a field has more than {LONGEST_CELL:,} characters"
    return {str(name).strip(): str(content) for name, content in row.items() if content}


def _lines(file: BinaryIO) -> Iterator[tuple[int, str | None]]:
    """Numbered lines; None for one that is too long or not UTF-8."""
    number = 0
    while line := file.readline(LONGEST_ROW + 1):
        number += 1
        whole = len(line) <= LONGEST_ROW
        while not line.endswith(b"\n") and (more := file.readline(LONGEST_ROW)):
            line, whole = more, False
        try:
            yield number, line.decode("utf-8-sig" if number == 1 else "utf-8") if whole else None
        except UnicodeDecodeError:
            yield number, None


# ── the fields ──────────────────────────────────────────────────────────────────────────────────


def _address(fields: Fields, name: str) -> str:
    text = fields.get(name, "").strip()
    address = web_address(text)
    if address is None:
        given = f"{plain(text, 80)!r} is not one" if text else "it is empty"
        raise Misuse(f"{name} must be an http or https address; {given}")
    return address


def _picture(fields: Fields) -> Picture | None:
    if not fields.get("picture_url", "").strip():
        return None
    return Picture(
        url=_address(fields, "picture_url"),
        width=_pixels(fields, "picture_width"),
        height=_pixels(fields, "picture_height"),
        alt=plain(fields.get("picture_alt", ""), ALT),
    )


def _pixels(fields: Fields, name: str) -> int:
    text = fields.get(name, "").strip()
    if not re.fullmatch(r"\d{0,5}", text, re.ASCII):
        raise Misuse(f"{name} must be a whole number of pixels; {plain(text, 20)!r} is not")
    return int(text or 0)


def _kind(text: str) -> ArticleKind:
    text = text.strip().lower() or ArticleKind.STORY
    if text not in set(ArticleKind):
        raise Misuse(f"kind must be one of {', '.join(ArticleKind)}; {plain(text, 20)!r} is not")
    return ArticleKind(text)


def _language(text: str) -> str:
    text = text.strip()
    if text and not (_LANGUAGE.fullmatch(text) and len(text) <= 16):
        raise Misuse(f"language must be a code such as en or pt-BR; {plain(text, 20)!r} is not")
    return text.lower()


def _duration(text: str) -> str:
    if text.strip() and not running_time(text):
        raise Misuse(f"duration must be like 3:20, or seconds; {plain(text, 20)!r} is not")
    return running_time(text)


def _html(text: str, kind: ArticleKind, url: str) -> str:
    if not text.strip():
        return ""
    if kind not in (ArticleKind.NOTE, ArticleKind.SPONSOR):
        raise Misuse(f"only a note or a sponsor has html, and this is a {kind}; put the words into summary")
    return fragment(text, url)


def _instant(text: str) -> datetime | None:
    text = text.strip()
    if not text:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise Misuse(f"published_at must be like 2026-02-18T09:00:00Z; {plain(text, 40)!r} is not") from None
    if instant.tzinfo is None:
        raise Misuse(f"published_at has no zone; write {text}Z for UTC, or an offset such as {text}-05:00")
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise Misuse(f"published_at is outside of the calendar: {plain(text, 40)}") from None
