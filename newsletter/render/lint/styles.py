"""What a style sheet of a theme may hold.

Inlined rules are given to cssutils, which would fetch what an `@import` names, from the network and from
the disk alike; and a style attribute has no place for `@media` or `:hover` anyway.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from newsletter.render.lint.faults import Flaw

_UNFIT = re.compile(r"(@[\w-]*)[^;{}]*|(url)\s*\(|([\\<]|[^\x00-\x7f])", re.IGNORECASE)


def inlined_flaws(css: str, at: int) -> Iterator[Flaw]:
    """What cannot stand in rules that are inlined; `css` begins at `at`."""
    for found in _UNFIT.finditer(without_comments(css)):
        yield Flaw(
            at + found.start(), f"inlined rules hold {found[1] or found[2] or found[3]!r}",
            "write plain selectors in ASCII; @media, :hover and url() belong into screen.css",
        )  # fmt: skip


def other_flaws(css: str, at: int) -> Iterator[Flaw]:
    """What mrml would damage in a style sheet that stays one."""
    found = re.search(r"[^\x00-\x7f]", css)
    if found:
        yield Flaw(
            at + found.start(), f"a style sheet holds {found[0]!r}, which is not ASCII",
            f"write \\{ord(found[0]):x}",
        )  # fmt: skip


def without_comments(css: str) -> str:
    """`css` with as many spaces where its comments were."""
    kept, at = [], 0
    while (start := css.find("/*", at)) >= 0:
        end = css.find("*/", start + 2)
        end = len(css) if end < 0 else end + 2
        kept += [css[at:start], " " * (end - start)]
        at = end
    return "".join([*kept, css[at:]])
