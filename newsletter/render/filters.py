"""The filters of our own that a theme may use beside Jinja's plain ones."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from typing import NamedTuple

from newsletter.values import Picture

_SENTENCE_END = re.compile(r"[.!?…。؟](?=[”’»\")]*\s)[”’»\")]*")
_JOINERS = {"\u200d", "\ufe0f", "\ufe0e"}
_SKIN_TONES = range(0x1F3FB, 0x1F400)


class Size(NamedTuple):
    """Pixels; a height of 0 means that the picture's own proportions are not known."""

    width: int
    height: int


def cut(text: str, limit: int = 220) -> str:
    """At most `limit` characters of `text`: whole sentences if they fill more than half, else words."""
    if len(text) <= limit:
        return text
    ends = [end.end() for end in _SENTENCE_END.finditer(text, 0, limit + 1) if end.end() <= limit]
    if ends and ends[-1] > limit // 2:
        return text[: ends[-1]]
    space = text.rfind(" ", 0, limit)
    kept = text[: space if space > limit // 2 else _before_cluster(text, limit - 1)]
    return kept.rstrip(" ,;:–—-.") + "…"


def wrap(text: str, width: int = 72) -> str:
    """Lines of at most `width` columns; addresses and other long words stay whole."""
    return textwrap.fill(text, width, break_long_words=False, break_on_hyphens=False)


def fit(picture: Picture, width: int, height: int) -> Size:
    """The largest size within `width` × `height` that keeps the picture's proportions."""
    if not (picture.width > 0 and picture.height > 0):
        return Size(width, 0)
    scale = min(width / picture.width, height / picture.height)
    return Size(max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))


def _before_cluster(text: str, at: int) -> int:
    """The last place at or before `at` where no accent or emoji family is torn apart."""
    while at > 0 and (_extends(text[at]) or text[at - 1] == "\u200d"):
        at -= 1
    return at


def _extends(character: str) -> bool:
    return (
        character in _JOINERS
        or unicodedata.combining(character) != 0
        or unicodedata.category(character) == "Mc"
        or ord(character) in _SKIN_TONES
    )
