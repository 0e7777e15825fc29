"""Spans: the sections of an edition that a reader may have switched off.

A theme marks where a section begins and where it ends, and knows no more of it: `{{ span.begin(section) }}`
before, `{{ span.end(section) }}` behind, each on a line of its own and in MJML in an `<mj-raw>` of its own.
While an edition is compiled these are tokens like those of holes; `mail.segments` cuts the parts there,
and a reader's copy keeps a span or leaves it out. `lint.spans` sees to it that one can.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from jinja2 import nodes

from newsletter.values import Section

VARIABLE = "span"  # its name in a theme
MARKS = ("begin", "end")


class Marks:
    """What a theme prints around a section."""

    __slots__ = ("_nonce", "_numbers")

    def __init__(self, nonce: str, sections: Sequence[Section]) -> None:
        self._nonce = nonce
        self._numbers = {section.name: number for number, section in enumerate(sections)}

    def begin(self, section: Section) -> str:
        return self._token("begin", section)

    def end(self, section: Section) -> str:
        return self._token("end", section)

    def _token(self, mark: str, section: Section) -> str:
        if not isinstance(section, Section) or section.name not in self._numbers:
            raise ValueError(f"span.{mark}(…) takes one of edition.sections")
        return f"{VARIABLE}{self._nonce}{mark}{self._numbers[section.name]}z"


def mark_pattern(nonce: str) -> re.Pattern[str]:
    """Matches one whole mark; its groups are what it marks and the section's number."""
    return re.compile(rf"{VARIABLE}{nonce}({'|'.join(MARKS)})(\d+)z")


def mark_line(nonce: str) -> re.Pattern[str]:
    """Matches a mark that has a line to itself, with that line's end; its group is the section's number."""
    return re.compile(rf"{VARIABLE}{nonce}(?:{'|'.join(MARKS)})(\d+)z\n")


def on_lines(html: str, nonce: str) -> str:
    """`html` with a line for each mark. White space between two tables means nothing."""
    return re.sub(rf"\s*({VARIABLE}{nonce}(?:{'|'.join(MARKS)})\d+z)\s*", r"\n\1\n", html)


def without_spans(text: str, nonce: str) -> str:
    """What every reader gets of a part, whatever they chose."""
    return re.sub(rf"{VARIABLE}{nonce}begin\d+z.*?{VARIABLE}{nonce}end\d+z", "", text, flags=re.DOTALL)


def misused(tree: nodes.Template) -> Iterator[tuple[int, str]]:
    """Line and fault of each place where a template does anything with a mark but print it whole."""
    printed = {id(node) for output in tree.find_all(nodes.Output) for node in output.nodes}
    whole = {
        id(call.node.node)
        for call in tree.find_all(nodes.Call)
        if id(call) in printed and isinstance(call.node, nodes.Getattr)
    }
    for use in tree.find_all(nodes.Name):
        if use.name == VARIABLE and id(use) not in whole:
            yield use.lineno, "a mark may only be printed, alone and whole, like {{ span.begin(section) }}"
