"""What a headline's form gives away: a puzzle, a table, a round-up, a live page, a gallery, a comment.

The words that tell stand in `forms.toml`, with what follows from each form. They are looked for in
titles and addresses only; what they miss is taken for plain news.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Literal
from urllib.parse import urlsplit

LAWS = {"told", "joins", "weight", "face", "paths"}  # the rest are languages


@dataclass(frozen=True, slots=True)
class Form:
    """A form of headline, and what follows from it; `forms.toml` explains the laws."""

    name: str
    told: str
    joins: Literal["alone", "warily"]
    weight: float
    face: bool


@lru_cache(maxsize=20_000)  # a pool of any size is looked at again every few seconds
def form_of(title: str, url: str, language: str) -> Form | None:
    """The form of an article, by its title and address; None for plain news."""
    path = urlsplit(url).path.lower()
    plain = unicodedata.normalize("NFC", title).replace("’", "'")
    for form, paths, pattern in _forms(language.partition("-")[0].lower()):
        if any(part in path for part in paths) or pattern.search(plain):
            return form
    return None


@cache
def _told() -> Mapping[str, Any]:
    return tomllib.loads(files(__package__).joinpath("forms.toml").read_text(encoding="utf-8"))


@cache
def _forms(language: str) -> tuple[tuple[Form, tuple[str, ...], re.Pattern[str]], ...]:
    return tuple(
        (
            Form(name, law["told"], law["joins"], law["weight"], law["face"]),
            tuple(law.get("paths", ())),
            _pattern([*law.get("any", ()), *law.get(language, ())]),
        )
        for name, law in _told().items()
    )


def _pattern(phrases: Iterable[str]) -> re.Pattern[str]:
    """None of no phrases: a pattern that nothing fits."""
    return re.compile("|".join(map(_phrase, phrases)) or r"(?!)", re.IGNORECASE)


def _phrase(phrase: str) -> str:
    bare = phrase.removeprefix("^").rstrip("*$")
    start = r"^\W*" if phrase.startswith("^") else r"\b" if bare[0].isalnum() else ""
    end = r"\W*$" if phrase.endswith("$") else r"\b" if bare[-1].isalnum() and phrase[-1] != "*" else ""
    return start + re.escape(bare) + end
