"""MJML cut into tags, words and comments, each with its offset.

One pass, and linear: a theme may hold a megabyte of anything. It reads what mrml would refuse or guess at,
says what is wrong there, and goes on behind it. `html.parser` neither stays linear nor tells a quoted
attribute from a bare one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from newsletter.render.lint.faults import Flaw

VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr")
)
UNENDING = "a comment is never closed"  # and so nothing behind it can be read
UNREAD = ("mj-style", "style", "script")  # what stands in them is no markup

# Possessive, and no alternative begins like another: nothing is ever tried twice
_OPENING = re.compile(r"""<([a-zA-Z][\w:-]*)((?:[^"'<>]|"[^"\n]*"|'[^'\n]*')*+)>""")
_CLOSING = re.compile(r"</([a-zA-Z][\w:-]*)\s*>")
_BEGUN = re.compile(r"</?[a-zA-Z][\w:-]*")
_ATTRIBUTE = re.compile(
    r"""(?<!\s)\s++([^\s=<>"'/]++)(?:\s*+=\s*+(?:"([^"\n]*)"|'([^'\n]*)'|([^\s"'<>]++)))?"""
)


@dataclass(frozen=True, slots=True)
class Attribute:
    value: str
    offset: int


@dataclass(frozen=True, slots=True)
class Opening:
    """A tag that opens, or one that is `whole`: void, or closed where it opens."""

    offset: int
    name: str
    attributes: Mapping[str, Attribute]
    whole: bool


@dataclass(frozen=True, slots=True)
class Closing:
    offset: int
    name: str


@dataclass(frozen=True, slots=True)
class Words:
    """What is read between two tags."""

    offset: int
    text: str


@dataclass(frozen=True, slots=True)
class Comment:
    offset: int
    text: str


Token = Opening | Closing | Words | Comment | Flaw


def scan(mjml: str) -> Iterator[Token]:
    """The tokens of `mjml` in their order; a Flaw stands where there is none to be read."""
    at = 0
    while (opening := mjml.find("<", at)) >= 0:
        if opening > at:
            yield Words(at, mjml[at:opening])
        if found := _OPENING.match(mjml, opening):
            at, flaws = found.end(), list[Flaw]()
            token: Token = _opening(found, flaws)
            yield from flaws
        else:
            token, at = _other(mjml, opening)
        yield token
        if isinstance(token, Opening) and token.name in UNREAD and not token.whole:
            end = mjml.find(f"</{token.name}", at)
            end = len(mjml) if end < 0 else end
            yield Words(at, mjml[at:end])
            at = end
    if at < len(mjml):
        yield Words(at, mjml[at:])


def _opening(found: re.Match[str], flaws: list[Flaw]) -> Opening:
    """The tag; what is wrong with how its attributes are written goes to `flaws`."""
    name, written, inside, at = _name(found[1]), found[2], found.start(2), 0
    attributes: dict[str, Attribute] = {}
    for one in _ATTRIBUTE.finditer(written):
        if one.start() > at:
            break
        at = one.end()
        double, single, bare = one.group(2, 3, 4)
        attributes[one[1]] = Attribute(double or single or bare or "", inside + one.start(1))
        if bare is not None:
            what = f"the value of {one[1]} in <{name}> stands without quotes"
            flaws.append(Flaw(inside + one.start(1), what, f'write {one[1]}="{bare[:40]}"'))
    rest = written[at:].strip()
    if rest not in ("", "/"):
        what = f"<{name}> holds {rest[:40]!r}, which is no attribute"
        flaws.append(Flaw(found.start(), what, 'write name="value", and a space before each'))
    return Opening(found.start(), name, attributes, whole=name in VOID or written.endswith("/"))


def _other(mjml: str, at: int) -> tuple[Token, int]:
    """What begins with the `<` at `at` and opens no tag, and where the next token begins."""
    if closing := _CLOSING.match(mjml, at):
        return Closing(at, _name(closing[1])), closing.end()
    if mjml.startswith("<!--", at):
        end = mjml.find("-->", at + 4)
        if end < 0:
            return Flaw(at, UNENDING, "close it with -->"), len(mjml)
        return Comment(at + 4, mjml[at + 4 : end]), end + 3
    return _unreadable(mjml, at), at + 1


def _name(written: str) -> str:
    """HTML knows no capitals; MJML knows nothing but small letters."""
    return written if written.lower().startswith("mj") else written.lower()


def _unreadable(mjml: str, at: int) -> Flaw:
    if mjml.startswith("<![", at):
        return Flaw(
            at, '"<![" outside a comment, which Outlook alone understands',
            "write <!--[if !mso]><!--> … <!--<![endif]-->",
        )  # fmt: skip
    name = _BEGUN.match(mjml, at)
    if not name:
        return Flaw(at, 'a bare "<"', "write &lt;")
    line_end = mjml.find("\n", at)
    line = mjml[at : line_end if line_end >= 0 else len(mjml)][:1000].partition(">")[0]
    if line.count('"') % 2 or line.count("'") % 2:
        return Flaw(at, f"a quote in {name[0]}> is not closed on its line", "close the quote there")
    return Flaw(at, f'"{name[0]}" is a tag without its end, or a bare "<"', "close it with >, or write &lt;")
