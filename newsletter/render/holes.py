"""Holes: the few places of an edition that differ by reader.

A theme prints `{{ hole.unsubscribe_url }}`. While an edition is compiled that is a token of letters
and digits, which no stage of the pipeline has a reason to touch; `mail.segments` then cuts the parts
there, and no token is stored. The token holds a number drawn from the edition's own content, so no
article can contain one and thereby place a reader's secret link in its text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import blake2s
from itertools import count

from jinja2 import nodes

TEXT_HOLES = ("greeting", "email")
URL_HOLES = ("unsubscribe_url", "preferences_url", "web_url")
HOLES = TEXT_HOLES + URL_HOLES
REQUIRED_HOLES = ("unsubscribe_url", "preferences_url")

VARIABLE = "hole"  # its name in a theme

# Where what a reader's program shows as text does not come from, and what a person calls it
UNREAD = {"script": "a script", "style": "a style sheet", "title": "a title", "!--": "a comment"}


class Hole:
    """A personal value as a theme sees it: printed whole, and good for nothing else."""

    __slots__ = ("_token",)

    def __init__(self, token: str) -> None:
        self._token = token

    def __str__(self) -> str:
        return self._token

    def __html__(self) -> str:
        return self._token


def holes(nonce: str) -> dict[str, Hole]:
    """All holes by name, for the theme."""
    return {name: Hole(f"hole{nonce}{name}z") for name in HOLES}


def hole_pattern(nonce: str) -> re.Pattern[str]:
    """Matches one whole hole; its group is the hole's name."""
    return re.compile(f"hole{nonce}({'|'.join(HOLES)})z")


def nonce_for(content: str, size: int = 6) -> str:
    """`size` bytes, in hex, that depend on the content alone and do not occur in it."""
    folded = content.lower()
    key = content.encode("utf-8", "surrogatepass")
    nonces = (blake2s(b"%d\n" % attempt + key, digest_size=size).hexdigest() for attempt in count())
    return next(nonce for nonce in nonces if nonce not in folded)


def misused(tree: nodes.Template) -> Iterator[tuple[int, str]]:
    """Line and fault of each place where a template does anything with a hole but print it whole.

    No filter, test, operator, assignment, condition or argument: what a reader's value looks like
    must not matter to a theme, and a damaged token would lose the reader's link.
    """
    printed = {id(node) for output in tree.find_all(nodes.Output) for node in output.nodes}
    whole = {
        id(node.node)
        for node in tree.find_all(nodes.Getattr)
        if id(node) in printed and isinstance(node.node, nodes.Name)
    }
    for use in tree.find_all(nodes.Name):
        if use.name == VARIABLE and id(use) not in whole:
            yield use.lineno, "a hole may only be printed, alone and whole, like {{ hole.greeting }}"


def misplaced_in_attribute(pattern: re.Pattern[str], tag: str, name: str, value: str) -> Iterator[str]:
    """Holes in an attribute, where only an address may stand, as a whole href."""
    for hole in pattern.findall(value):
        if not (name == "href" and hole in URL_HOLES and pattern.fullmatch(value)):
            yield f"{{{{ hole.{hole} }}}} may not stand in {name}= of <{tag}>"


def misplaced_in_words(pattern: re.Pattern[str], inside: str, words: str) -> Iterator[tuple[int, str]]:
    """Offset and fault of holes in what is read `inside` a tag, or in a comment (`!--`)."""
    for found in pattern.finditer(words):
        hole = f"{{{{ hole.{found[1]} }}}}"
        if inside in UNREAD:
            yield found.start(), f"{hole} may not stand in {UNREAD[inside]}"
        elif found[1] in URL_HOLES:
            yield found.start(), f'{hole} is an address: it may only be a whole href="…"'
