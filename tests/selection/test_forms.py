"""What a headline's form gives away, and that the word list itself is sound."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import get_args

import pytest

from newsletter.config.newsletters import Form as Welcome
from newsletter.selection import forms
from newsletter.selection.forms import form_of

LIST = tomllib.loads(files("newsletter.selection").joinpath("forms.toml").read_text(encoding="utf-8"))
PLAIN = "https://post.example/news/1"


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("The Friday crossword: no. 31", "puzzle"),
        ("Horoscopes for the week", "puzzle"),
        ("See the Games’ medal count", "table"),
        ("Olympics schedule: all events", "table"),
        ("The mayor resigns. And, a ferry returns", "round_up"),
        ("News in brief", "round_up"),
        ("Live: the count goes on", "live"),
        ("Floods live updates", "live"),
        ("The parade in pictures", "gallery"),
        ("‘Photos: a town under water", "gallery"),
        ("Why the ferry matters", "comment"),
        ("Is the bridge safe?", "comment"),
    ],
)
def test_a_form_is_known_by_its_title(title: str, name: str) -> None:
    found = form_of(title, PLAIN, "en")
    assert found is not None and found.name == name


@pytest.mark.parametrize(
    "title",
    [
        "Ferry returns after eleven winters",
        "Train schedule cut after the storm",
        "Medal for a lifeguard",
        "WHO declares the outbreak over",
        "Man who lived in a lighthouse dies",
        "They live on the edge of the sea",
        "Photographer freed",
        "Puzzled scientists find a comet",
        "A quiz show host runs for mayor",
    ],
)
def test_news_is_no_form(title: str) -> None:
    assert form_of(title, PLAIN, "en") is None


def test_a_form_is_known_by_its_address() -> None:
    found = form_of("The council votes", "https://post.example/news/LIVE/council", "en")
    assert found is not None and (found.name, found.face, found.joins) == ("live", False, "warily")


def test_each_language_has_its_own_words() -> None:
    assert form_of("Kreuzworträtsel vom Freitag", PLAIN, "de-AT") is not None
    assert form_of("Kreuzworträtsel vom Freitag", PLAIN, "en") is None
    assert form_of("Sudoku", PLAIN, "xx") is not None, "some words are everybody's"


def test_what_the_list_lowers_is_what_a_newsletter_can_welcome() -> None:
    lowered = {name for name, law in LIST.items() if law["weight"] < 1}
    assert lowered == set(get_args(Welcome))


@pytest.mark.parametrize("name", LIST)
def test_the_list_is_sound(name: str) -> None:
    law = LIST[name]
    assert law["joins"] in ("alone", "warily")
    assert 0 <= law["weight"] <= 1
    assert isinstance(law["face"], bool) and law["told"].startswith("a ")
    languages = {key for key in law if key not in forms.LAWS}
    assert languages <= {"any", "en", "de", "fr", "es", "uk"}
    for language in languages - {"any"}:
        phrases = [*law.get("any", ()), *law[language]]
        assert len(phrases) == len(set(phrases)), "said twice"
    for phrase in (phrase for key in languages for phrase in law[key]):
        assert phrase[0] == "." or phrase == phrase.lower(), "titles are compared in any case"
    assert all(path == path.lower() and path[0] in "/-" for path in law.get("paths", ()))
