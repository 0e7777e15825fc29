"""Text as it is searched: the same words for both stores, and nothing else that their parsers could read.

What a reader types is taken apart in the same way as what was printed. So no sign of a query language
survives, and the stores agree on what a word is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from unicodedata import normalize

_WORD = re.compile(r"[^\W_]+")
# They stand within words, and everybody types another of them
_APOSTROPHES = str.maketrans("", "", "'’ʼ‘`´")
MOST = 8  # words of a query that are looked for


def words_of(text: str) -> list[str]:
    """The words of `text`, in lower case, without apostrophes."""
    return _WORD.findall(normalize("NFKC", text.translate(_APOSTROPHES)).casefold())


def searchable(texts: Iterable[str]) -> str:
    """What the index holds of these texts."""
    return " ".join(word for text in texts for word in words_of(text))


def wanted(query: str) -> list[str]:
    """The words to look for, each once; a word is found by its beginning."""
    return list(dict.fromkeys(words_of(query)))[:MOST]
