"""RSS 0.9x, 1.0 (RDF) and 2.0, and Atom: read by feedparser, which knows how sloppy they come.

It takes time and memory by the tag, so whatever is too much is cut from the text before it sees it.
It is given bytes only, never an address, and its own cleaning is off: that is done field by field.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import feedparser

from newsletter.errors import FetchFailed
from newsletter.feeds.pictures import respell

MOST_TAGS = 200_000
LONGEST_TEXT = 65_536  # characters between two tags; of more than that nothing is shown anyway

_ITEM = re.compile(r"<(?:[\w.-]{1,40}:)?(?:item|entry)(?=[\s/>])")
_LAST_ITEM = re.compile(r"</(?:[\w.-]{1,40}:)?(?:item|entry)\s*>")
_ENTITY = re.compile(r"<!\s*ENTITY", re.IGNORECASE)
_ROOT = re.compile(r"<\w")
_PROLOG = re.compile(r"\s*(?:<\?xml[^>]{0,500}\?>)?")
_LONG_TEXT = re.compile(rf"[^<]{{{LONGEST_TEXT + 1},}}")
_HALF_ENTITY = re.compile(r"&[^;\s]{0,10}\Z")


@dataclass(frozen=True, slots=True)
class Contents:
    """A feed as it was read: its own fields, its first items, and how many it has in all.

    The fields are named as feedparser names them.
    """

    channel: Mapping[str, Any]
    items: Sequence[Mapping[str, Any]]
    length: int


def read(text: str, max_items: int) -> Contents | None:
    """The contents of a feed in XML, or None when it is none.

    Raises FetchFailed for one that would cost too much to read, or cannot be read.
    """
    root = _ROOT.search(text)
    if _ENTITY.search(text, 0, root.start() if root else len(text)):
        raise FetchFailed("The feed declares entities of its own, which no feed needs and bombs are made of.")
    prolog = _PROLOG.match(text)  # it may name a charset, and that is settled
    text, length = _first_items(text[prolog.end() if prolog else 0 :], max_items)
    if text.count("<") > MOST_TAGS:
        raise FetchFailed(f"The feed has more than {MOST_TAGS:,} tags.")
    feed = _parsed(_LONG_TEXT.sub(_cut, respell(text)))
    if not feed.get("version") and not feed.get("entries"):
        return None
    # Plain dicts: feedparser's own warns when it is asked for a date that it lacks
    entries = [dict(entry) for entry in feed["entries"][:max_items]]
    return Contents(dict(feed["feed"]), entries, max(length, len(entries)))


def _first_items(text: str, most: int) -> tuple[str, int]:
    """The text without the items past the first `most`, and how many there were."""
    starts = _ITEM.finditer(text)
    excess = next(islice(starts, most, None), None)
    if excess is None:
        return text, 0
    length = most + 1 + sum(1 for _ in starts)
    end = max((found.end() for found in _LAST_ITEM.finditer(text, excess.start())), default=len(text))
    return text[: excess.start()] + text[end:], length


def _cut(found: re.Match[str]) -> str:
    text = found.group()
    kept = _HALF_ENTITY.sub("", text[:LONGEST_TEXT])
    return f"{kept}]]>" if "]]>" in text[LONGEST_TEXT:] else kept


def _parsed(text: str) -> Mapping[str, Any]:
    try:
        return dict(
            feedparser.parse(
                io.BytesIO(text.encode()),
                response_headers={"content-type": "application/xml; charset=utf-8"},
                sanitize_html=False,
                resolve_relative_uris=False,
            )
        )
    except Exception as error:  # a parser of foreign bytes may fail in any way it likes
        raise FetchFailed(f"The feed cannot be read: {type(error).__name__}.") from error
