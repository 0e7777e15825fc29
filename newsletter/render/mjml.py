"""MJML to HTML, by mrml; and the checks without which mrml would accept, or die of, broken markup.

mrml takes a misspelt closing tag in silence and a stack of some ten thousand open tags kills the
process, so balance and depth are checked before it sees anything. Non-ASCII characters go in as
references, because mrml prints some of them escaped for Rust instead of for HTML.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

from mjml import mjml2html

MAX_DEPTH = 100
_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_STYLE = re.compile(r"<mj-style\b[^>]*>(.*?)</mj-style>", re.DOTALL)


class MarkupError(ValueError):
    """What is wrong with the MJML, and the text near it."""


def to_html(mjml: str) -> str:
    """The HTML that mrml makes of `mjml`. Raises MarkupError."""
    check(mjml)
    try:
        # fonts={}: otherwise mrml links to a font vendor; no include loader: mj-include fails closed
        html = mjml2html(mjml.encode("ascii", "xmlcharrefreplace").decode(), fonts={}, disable_comments=False)
    except ValueError as error:
        raise MarkupError(f"MJML cannot be read: {error}") from error
    return str(html).replace("<!doctype html>", "<!DOCTYPE html>", 1)


def check(mjml: str) -> None:
    """Raise MarkupError unless every tag is closed in its order, and not too deep for mrml."""
    if "<![" in _COMMENT.sub("", mjml):
        raise MarkupError('"<![" outside a comment: write <!--[if !mso]><!--> … <!--<![endif]-->')
    for style in _STYLE.findall(mjml):
        if not style.isascii():
            raise MarkupError("a style sheet holds characters that are not ASCII: write them as \\2014 or so")
    balance = _Balance()
    balance.feed(mjml)
    balance.close()
    balance.expect_all_closed()


class _Balance(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self._open: list[tuple[str, str]] = []  # tag, and the text that opened it

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 the parser names it
        if tag in _VOID:
            return
        self._open.append((tag, self.get_starttag_text() or ""))
        if len(self._open) > MAX_DEPTH:
            raise MarkupError(f"more than {MAX_DEPTH} tags are open at once, the last is <{tag}>")

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        """Closed where it opens."""

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        if not self._open:
            raise MarkupError(f"</{tag}> closes nothing")
        innermost, opening = self._open.pop()
        if innermost != tag:
            raise MarkupError(f"<{innermost}> is not closed before </{tag}>, near {opening[:100]}")

    def expect_all_closed(self) -> None:
        if self._open:
            raise MarkupError(f"<{self._open[-1][0]}> is never closed, near {self._open[-1][1][:100]}")
