"""Printing a theme once more, knowing from which file and line each character comes.

Every line of literal text in a template is marked before Jinja sees it; the marks are taken out of what was
printed, and tell where each stretch began. What an expression printed lies behind the mark of the text
before it, and so is placed at that text's end.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from jinja2 import BaseLoader, Environment

# Private use: no theme needs these, and the sample paper has none
_BEGIN, _END = "\ue200", "\ue201"
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_MARK = re.compile(f"{_BEGIN}([0-9]+){_END}")


@dataclass(frozen=True, slots=True)
class Stretch:
    """`length` characters of literal text, from `column` of a line on."""

    filename: str
    line: int
    column: int
    length: int


class TracingLoader(BaseLoader):
    """Loads what another loader finds, marked; keeps the stretches by their numbers."""

    def __init__(self, loader: BaseLoader) -> None:
        self._loader = loader
        self.stretches: list[Stretch] = []

    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str | None, Callable[[], bool] | None]:
        source, filename, is_fresh = self._loader.get_source(environment, template)
        return "".join(self._marked(environment, source, filename or template)), filename, is_fresh

    def _marked(self, environment: Environment, source: str, filename: str) -> Iterator[str]:
        at = 0
        for line, kind, text in environment.lex(source):
            # What Jinja drops is white space between two tokens, so each is the next of its kind
            start = source.index(text, at)
            at = start + len(text)
            yield from self._lines(text, filename, line, start, source) if kind == "data" else (text,)

    def _lines(self, text: str, filename: str, line: int, start: int, source: str) -> Iterator[str]:
        column = start - (source.rfind("\n", 0, start) + 1)
        for number, part in enumerate(_LINE.findall(text), line):
            yield f"{_BEGIN}{len(self.stretches)}{_END}{part}"
            self.stretches.append(Stretch(filename, number, column, len(part)))
            column = 0


class Traced:
    """A printed text without its marks."""

    def __init__(self, marked: str, stretches: list[Stretch]) -> None:
        pieces = _MARK.split(marked)
        self.text = "".join(pieces[::2])
        self._offsets: list[int] = []
        self._stretches = [stretches[int(number)] for number in pieces[1::2]]
        at = len(pieces[0])
        for piece in pieces[2::2]:
            self._offsets.append(at)
            at += len(piece)

    def place(self, offset: int) -> tuple[str, int, int] | None:
        """File, line and column where the character at `offset` was written."""
        number = bisect_right(self._offsets, offset) - 1
        if number < 0:
            return None
        stretch = self._stretches[number]
        within = min(offset - self._offsets[number], stretch.length)
        return stretch.filename, stretch.line, stretch.column + within
