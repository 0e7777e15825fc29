"""What is wrong with the MJML that a theme printed.

mrml takes unknown components, unknown attributes and misspelt closing tags in silence, names no place for
the rest, and a stack of some ten thousand open tags kills the process. So nothing reaches it that did not
pass here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import islice

from newsletter.render.holes import misplaced_in_attribute, misplaced_in_words
from newsletter.render.lint.faults import Flaw
from newsletter.render.lint.scan import UNENDING, Closing, Comment, Opening, Token, Words, scan
from newsletter.render.lint.styles import inlined_flaws, other_flaws
from newsletter.render.lint.vocabulary import (
    DEFAULTS,
    EVERYWHERE,
    INSTEAD,
    all_attributes,
    did_you_mean,
    is_component,
    vocabulary,
)

MAX_DEPTH = 100
MANY = 50  # flaws; who has more sees the first ones

_REQUIRED = {
    "mjml": {"lang": "{{ edition.language }}", "dir": "{{ edition.direction }}"},
    "mj-image": {"alt": "…"},
    "mj-social-element": {"src": "https://…"},  # or readers load the icon from a vendor
    "img": {"alt": "…"},
    "table": {"role": "presentation"},
}
_ALIKE = 0.75  # two names, one of which is the other misspelt


def markup_flaws(mjml: str, holes: re.Pattern[str]) -> list[Flaw]:
    """The first flaws of `mjml` in the order of their places; none means that mrml may have it."""
    reader = _Reader(holes)
    for token in scan(mjml):
        reader.read(token)
        if len(reader.flaws) >= MANY or len(reader.open) > MAX_DEPTH:
            return sorted(reader.flaws[:MANY], key=lambda flaw: flaw.offset)
    if not any(flaw.what == UNENDING for flaw in reader.flaws):
        reader.expect_all_closed()
    return sorted(reader.flaws, key=lambda flaw: flaw.offset)


class _Reader:
    """Follows the tokens; `open` are the tags that are not closed yet."""

    def __init__(self, holes: re.Pattern[str]) -> None:
        self.flaws: list[Flaw] = []
        self.open: list[Opening] = []
        self._holes = holes
        self._suspect: set[int] = set()  # offsets of open tags whose closing was found misspelt

    def read(self, token: Token) -> None:
        if isinstance(token, Flaw):
            self.flaws.append(token)
        elif isinstance(token, Opening):
            self._begin(token)
        elif isinstance(token, Closing):
            self._end(token)
        elif isinstance(token, Words):
            self.flaws += self._in_words(token)
        else:
            self.flaws += self._in_comment(token)

    def expect_all_closed(self) -> None:
        for tag in self.open:
            self._unclosed(tag, "is never closed")

    @property
    def _parent(self) -> str:
        return self.open[-1].name if self.open else ""

    def _begin(self, tag: Opening) -> None:
        self.flaws += _nesting(tag, self._parent)
        self.flaws += _attributes(tag, self._parent)
        for name, attribute in tag.attributes.items():
            for what in misplaced_in_attribute(self._holes, tag.name, name, attribute.value):
                self.flaws.append(Flaw(attribute.offset, what, _HOLE))
        if not tag.whole:
            self.open.append(tag)
            if len(self.open) > MAX_DEPTH:
                what = f"more than {MAX_DEPTH} tags are open at once, the last is <{tag.name}>"
                self.flaws.append(Flaw(tag.offset, what, "close them, or nest less"))

    def _end(self, tag: Closing) -> None:
        if self._parent == tag.name:
            self.open.pop()
        elif any(tag.name == one.name for one in self.open):
            while (innermost := self.open.pop()).name != tag.name:
                self._unclosed(innermost, f"is not closed before </{tag.name}>")
        elif self.open and _is_misspelt(tag.name, self._parent):
            meant = self.open.pop().name
            self.flaws.append(
                Flaw(tag.offset, f"</{tag.name}> does not close <{meant}>", f"write </{meant}>")
            )
        elif self.open:
            self._suspect.add(self.open[-1].offset)
            what = f"</{tag.name}> closes nothing: <{self._parent}> is open"
            self.flaws.append(Flaw(tag.offset, what, f"write </{self._parent}>, or take </{tag.name}> out"))
        else:
            self.flaws.append(Flaw(tag.offset, f"</{tag.name}> closes nothing", "take it out"))

    def _unclosed(self, tag: Opening, what: str) -> None:
        if tag.offset not in self._suspect:
            self.flaws.append(Flaw(tag.offset, f"<{tag.name}> {what}", f"close it with </{tag.name}>"))

    def _in_words(self, words: Words) -> Iterator[Flaw]:
        parent, text = self._parent, words.text
        if parent in ("mj-style", "style"):
            is_inlined = parent == "mj-style" and self._inlines()
            yield from islice((inlined_flaws if is_inlined else other_flaws)(text, words.offset), MANY)
        elif parent == "mj-title" and '"' in text:
            yield Flaw(words.offset + text.index('"'), 'a bare " in <mj-title>', "write &quot;")
        component = vocabulary().get(parent)
        first = len(text) - len(text.lstrip())
        if first < len(text) and not (component.content if component else parent):
            where = f"directly inside <{parent}>" if parent else "outside <mjml>"
            yield Flaw(words.offset + first, f"text {where}", "put it into <mj-text>")
        for at, what in misplaced_in_words(self._holes, parent.removeprefix("mj-"), text):
            yield Flaw(words.offset + at, what, _HOLE)

    def _inlines(self) -> bool:
        attribute = self.open[-1].attributes.get("inline")
        return attribute is not None and attribute.value == "inline"

    def _in_comment(self, comment: Comment) -> Iterator[Flaw]:
        for at, what in misplaced_in_words(self._holes, "!--", comment.text):
            yield Flaw(comment.offset + at, what, _HOLE)


_HOLE = 'a hole stands alone in running text, or an address as a whole href="{{ hole.unsubscribe_url }}"'


def _is_misspelt(closing: str, opened: str) -> bool:
    alike = SequenceMatcher(None, closing, opened).ratio() >= _ALIKE
    return alike or (is_component(closing) and closing not in vocabulary() and is_component(opened))


def _nesting(tag: Opening, parent: str) -> Iterator[Flaw]:
    inside, known = vocabulary().get(parent), vocabulary()
    if not is_component(tag.name):
        if not parent or (inside and not inside.content):
            where = f"directly inside <{parent}>" if parent else "outside <mjml>"
            yield Flaw(tag.offset, f"<{tag.name}> {where}", "put it into <mj-text> or <mj-raw>")
    elif tag.name not in known and tag.name not in DEFAULTS:
        mend = INSTEAD.get(tag.name) or did_you_mean(tag.name, known, "see https://documentation.mjml.io")
        yield Flaw(tag.offset, f"unknown component <{tag.name}>", mend)
    elif parent == "mj-attributes" or parent == tag.name == "" or (is_component(parent) and not inside):
        return
    elif parent and (not inside or inside.content):
        what = f"<{tag.name}> inside <{parent}>, into which MJML does not look"
        yield Flaw(tag.offset, what, f"close <{parent}> before it")
    elif tag.name not in (inside.children if inside else {"mjml"}):
        homes = [name for name, component in known.items() if tag.name in component.children]
        where = f"cannot stand inside <{parent}>" if parent else "stands outside <mjml>"
        mend = f"it stands inside {', '.join(f'<{home}>' for home in homes)}" if homes else ""
        yield Flaw(tag.offset, f"<{tag.name}> {where}", mend)


def _attributes(tag: Opening, parent: str) -> Iterator[Flaw]:
    for name, value in _REQUIRED.get(tag.name, {}).items():
        if name not in tag.attributes and parent != "mj-attributes":
            yield Flaw(tag.offset, f"<{tag.name}> has no {name}", f'write {name}="{value}"')
    for name, attribute in tag.attributes.items():
        if "\\" in attribute.value:
            yield Flaw(attribute.offset, f"{name} of <{tag.name}> holds a backslash", "write &#92;")
    component = vocabulary().get(tag.name)
    known = component.attributes if component else all_attributes() if tag.name in DEFAULTS else None
    if known is None:
        return
    for name in tag.attributes.keys() - known - EVERYWHERE - ({"name"} if tag.name in DEFAULTS else set()):
        mend = did_you_mean(name, known, "take it out")
        yield Flaw(tag.attributes[name].offset, f"<{tag.name}> has no attribute {name}", mend)
