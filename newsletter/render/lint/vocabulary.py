"""MJML's components, read once from `vocabulary.toml`: what each may hold."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path

EVERYWHERE = frozenset({"css-class", "mj-class"})
# Stands in <mj-attributes> only, and takes what the components there take
DEFAULTS = frozenset({"mj-all", "mj-class"})
INSTEAD = {
    "mj-include": 'write {% include "parts/….mjml.j2" %}',
    "mj-font": "name fonts that every system has, such as Georgia, serif: a mail loads none",
    "mj-html-attributes": "write the attribute in <mj-raw>",
}


@dataclass(frozen=True, slots=True)
class Component:
    """`content`: it holds words and HTML, into which MJML does not look."""

    children: frozenset[str]
    attributes: frozenset[str]
    content: bool


@cache
def vocabulary() -> Mapping[str, Component]:
    """Every component by its name."""
    text = Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
    return {
        name: Component(
            frozenset(entry.get("children", ())),
            frozenset(entry.get("attributes", ())),
            entry.get("content", False),
        )
        for name, entry in tomllib.loads(text).items()
    }


@cache
def all_attributes() -> frozenset[str]:
    return frozenset().union(*(component.attributes for component in vocabulary().values()))


def is_component(name: str) -> bool:
    return name.lower() == "mjml" or name.lower().startswith("mj-")


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """A mend for a misspelt word."""
    close = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else otherwise
