"""From an article's words to what can be compared: stems, and names.

A stemmer brings "ousts" and "ousted" together where one exists for the newsletter's language; other
languages are compared word by word, and scripts without blanks by pairs of signs.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from urllib.parse import urlsplit

import snowballstemmer

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_INITIALS = re.compile(r"\b(?:[^\W\d_]\.){2,}")
_POSSESSIVE = re.compile(r"['’]s$")
_ACCENTS = re.compile("[\u0300-\u036f]+")
# Chinese, Japanese, Thai and Lao are written without blanks
_UNSPACED = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]{2,}")
_STEMMERS = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek",
    "en": "english", "es": "spanish", "eu": "basque", "fa": "persian", "fi": "finnish", "fr": "french",
    "ga": "irish", "hi": "hindi", "hu": "hungarian", "hy": "armenian", "id": "indonesian", "it": "italian",
    "lt": "lithuanian", "nb": "norwegian", "ne": "nepali", "nl": "dutch", "nn": "norwegian",
    "no": "norwegian", "pl": "polish", "pt": "portuguese", "ro": "romanian", "ru": "russian",
    "sr": "serbian", "sv": "swedish", "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip
_SLUG_WORDS = 3  # fewer name a page or a section, not a story


def stems(text: str, language: str) -> Iterator[str]:
    """The words of a text, each cut to its stem and freed of accents."""
    stem = _stemmer(language.partition("-")[0].lower())
    for word in _words(text):
        lowered = _POSSESSIVE.sub("", word.lower())
        if len(lowered) > 2 and _UNSPACED.search(lowered):
            yield from (lowered[place : place + 2] for place in range(len(lowered) - 1))
        elif lowered:
            yield stem(lowered)


def names(text: str) -> Iterator[str]:
    """Its capitalised words. The ends of a name do not matter, and neither do accents."""
    for word in _words(text):
        if word[0].isupper():
            yield _plain(_POSSESSIVE.sub("", word.lower()))


def slug_words(url: str) -> str:
    """The words that an address was made of: often the first headline that a story had."""
    parts = [part.partition(".")[0] for part in urlsplit(url).path.split("/")[-2:]]
    told = [part.split("-") for part in parts if part.isascii() and "%" not in part]
    # Numbers in an address are dates and keys
    return " ".join(word for words in told if len(words) >= _SLUG_WORDS for word in words if word.isalpha())


def bare(title: str) -> str:
    """A title as it sounds: without case, signs and spacing. Empty for one of signs alone."""
    return " ".join(_WORD.findall(unicodedata.normalize("NFKC", title).casefold()))


def _words(text: str) -> list[str]:
    whole = _INITIALS.sub(lambda found: found[0].replace(".", ""), unicodedata.normalize("NFC", text))
    return _WORD.findall(whole)


def _plain(word: str) -> str:
    return word if word.isascii() else _ACCENTS.sub("", unicodedata.normalize("NFKD", word))


@cache
def _stemmer(language: str) -> Callable[[str], str]:
    """Remembers every word: a language's headlines have some ten thousand different ones."""
    name = _STEMMERS.get(language)
    if name is None:
        return _plain
    stemmer = snowballstemmer.stemmer(name)
    known: dict[str, str] = {}

    def stem(word: str) -> str:
        found = known.get(word)
        if found is None:
            if len(known) >= 100_000:
                known.clear()
            found = known[word] = _plain(stemmer.stemWord(word))
        return found

    return stem
