"""What is wrong with the spans of a printed part: each must be fit to be kept or left out as a whole.

In MJML a span is one `<mj-section>`, for whatever less of it was left out would leave open tables behind.
In the text part it is some lines. Neither begins within another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from newsletter.render.lint.faults import Flaw
from newsletter.render.lint.scan import Closing, Comment, Opening, Token, Words, scan

_ALONE = "write <mj-raw>{{ span.begin(section) }}</mj-raw> before its <mj-section>, and span.end behind"
_LINES = "give {{ span.begin(section) }} and {{ span.end(section) }} a line each"
_BODY = ["mjml", "mj-body"]


def markup_span_flaws(mjml: str, marks: re.Pattern[str]) -> list[Flaw]:
    """The flaws of the spans in MJML whose tags are balanced."""
    reader = _Reader(marks)
    for token in scan(mjml):
        reader.read(token)
    return [*reader.flaws, *reader.order.unended()]


def text_span_flaws(text: str, marks: re.Pattern[str]) -> list[Flaw]:
    """The flaws of the spans in a text part."""
    order, flaws, at = _Order(), list[Flaw](), 0
    for line in text.splitlines(keepends=True):
        for found in marks.finditer(line):
            if found[0] != line.rstrip():
                flaws.append(Flaw(at + found.start(), "a span's mark has no line to itself", _LINES))
            flaws += order.mark(found, at + found.start())
        at += len(line)
    return [*flaws, *order.unended()]


class _Order:
    """That spans begin and end in turn, and each once; `inside` is the number of the one that is open."""

    def __init__(self) -> None:
        self.inside: str | None = None
        self._begun: set[str] = set()
        self._at = 0

    def mark(self, found: re.Match[str], offset: int) -> Iterator[Flaw]:
        mark, number = found.groups()
        if mark == "end":
            if number != self.inside:
                yield Flaw(offset, "a span ends here that is not open", "end each where it began, and once")
            self.inside = None
            return
        if self.inside is not None:
            yield Flaw(offset, "a span begins within another", "end the other before it")
        elif number in self._begun:
            yield Flaw(offset, "the span of this section has been before", "print each section once")
        self.inside, self._at = number, offset
        self._begun.add(number)

    def unended(self) -> Iterator[Flaw]:
        if self.inside is not None:
            yield Flaw(self._at, "a span is never ended", "write {{ span.end(section) }} behind the section")


class _Reader:
    """Follows the tokens; `open` are the names of the tags that are not closed yet."""

    def __init__(self, marks: re.Pattern[str]) -> None:
        self.flaws: list[Flaw] = []
        self.order = _Order()
        self._marks = marks
        self._open: list[str] = []
        self._sections = 0  # in the span that is open

    def read(self, token: Token) -> None:
        if isinstance(token, Opening):
            self._begin(token)
        elif isinstance(token, Closing):
            del self._open[-1:]
        elif isinstance(token, Words | Comment):
            is_raw = self._open == [*_BODY, "mj-raw"] and isinstance(token, Words)
            self._look(token.text, token.offset, is_alone=is_raw)

    def _begin(self, tag: Opening) -> None:
        for attribute in tag.attributes.values():
            self._look(attribute.value, attribute.offset, is_alone=False)
        if self._open == _BODY and self.order.inside is not None and tag.name != "mj-raw":
            self._sections += 1
            if tag.name != "mj-section" or self._sections > 1:
                what = f"a span is one <mj-section>, and <{tag.name}> stands in it too"
                self.flaws.append(Flaw(tag.offset, what, "mark each section for itself"))
        if not tag.whole:
            self._open.append(tag.name)

    def _look(self, text: str, offset: int, *, is_alone: bool) -> None:
        """`is_alone`: here a mark may stand, if nothing stands beside it."""
        for found in self._marks.finditer(text):
            at = offset + found.start()
            if not is_alone or found[0] != text.strip():
                self.flaws.append(Flaw(at, "a span's mark does not stand alone in an <mj-raw>", _ALONE))
            was_inside = self.order.inside
            self.flaws += self.order.mark(found, at)
            if found[1] == "end" and was_inside is not None and not self._sections:
                self.flaws.append(Flaw(at, "a span holds no <mj-section>", _ALONE))
            self._sections = 0
