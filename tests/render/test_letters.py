"""Letters as a theme prints them: every kind in words and shape, and nothing of a stranger's in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from newsletter.errors import Blocked, Misuse
from newsletter.languages import CATALOGUES
from newsletter.models import LetterKind
from newsletter.render.letters import files_of, print_letter
from newsletter.render.lint.letters import letter_faults
from newsletter.render.sample_letters import LINK, letters
from newsletter.render.shipped import shipped
from newsletter.render.theme import load_theme
from newsletter.values import LetterView, Story
from tests.render.page import Page
from tests.render.test_valid import checked
from tests.render.themes import own_theme

THEME = load_theme("default")
LETTERS = letters()
CONFIRM = LETTERS["letter: confirm"]
HOSTILE = [
    "{{ 7*7 }}", '{% include "/etc/passwd" %}', "${x}", "</td><script>alert(1)</script>",
    "a\r\nBcc: x@y.example",
    "\u202egnp.exe", "holegreetingz", "W" * 500, "{newsletter}", "<!--[if mso]>x<![endif]-->", "👩‍👩‍👧‍👦",
]  # fmt: skip


def test_every_kind_has_its_three_files_and_a_sample() -> None:
    assert {view.kind for view in LETTERS.values()} == set(LetterKind)
    for kind in LetterKind:
        assert all((shipped("mail", "default") / file).is_file() for file in files_of(kind))


def test_html_validate_has_nothing_against_any_letter() -> None:
    assert checked({name: print_letter(view, THEME).html for name, view in LETTERS.items()}) == []


@pytest.mark.parametrize("name", LETTERS)
def test_a_letter_is_short_and_its_link_stands_whole_in_both_parts(name: str) -> None:
    view = LETTERS[name]
    printed = print_letter(view, THEME)
    assert 0 < len(printed.subject) < 80
    assert len(printed.html) < 20_000 and len(printed.text) < 1_500
    if view.url:
        assert f"\n{LINK}\n" in printed.text
        assert [link["href"] for link in Page(printed.html).all("a")].count(LINK) == 1
    assert "links.invalid" not in printed.html + printed.text
    tables = Page(printed.html).all("table")
    assert all(table.get("role") in ("presentation", "none") for table in tables)


@pytest.mark.parametrize("language", ["en", *(file.stem for file in CATALOGUES.glob("*.po"))])
def test_every_language_has_all_words(language: str) -> None:
    for view in LETTERS.values():
        printed = print_letter(replace(view, language=language), THEME)
        assert "{" not in printed.subject + printed.text


def fields_of_text(view: LetterView, text: str) -> Iterator[LetterView]:
    """The view with `text` in each field that a stranger's words may reach."""
    yield replace(view, newsletter=text)
    if view.kind is LetterKind.WELCOME:
        yield replace(view, lead=Story(text, "https://town.example/1", summary=text))
    if view.kind is LetterKind.ALERT:
        yield replace(view, text=text, next_step=text, headlines=(text,))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_come_out_inert(text: str) -> None:
    for kind in ("confirm", "welcome", "alert"):
        for view in fields_of_text(LETTERS[f"letter: {kind}"], text):
            printed = print_letter(view, THEME)
            assert "<script" not in printed.html and "49" not in printed.text
            assert "\u202e" not in printed.html + printed.text + printed.subject
            assert "\n" not in printed.subject and "root:" not in printed.html + printed.text
            assert not re.search(r"(?m)^Bcc:", printed.text + printed.subject)


def test_a_link_that_is_none_goes_into_no_letter() -> None:
    for url in ("javascript:alert(1)", "https://a.example/ x", 'https://a.example/"onclick="', "//evil"):
        with pytest.raises(Misuse, match="no link that a mail can carry"):
            print_letter(replace(CONFIRM, url=url), THEME)


def test_many_letters_cost_one_printing_and_an_edited_theme_is_seen(tmp_path: Path) -> None:
    words = '{% extends "shipped:letters/confirm.txt.j2" %}{% block title %}One{% endblock %}'
    theme = own_theme(tmp_path, {"letters/confirm.txt.j2": words})
    first, second = (print_letter(replace(CONFIRM, url=f"{LINK}/{n}"), theme) for n in range(2))
    assert f"{LINK}/0\n" in first.text and f"{LINK}/1\n" in second.text and "\nOne\n" in first.text
    theme = own_theme(tmp_path, {"letters/confirm.txt.j2": words.replace("One", "Two")})
    assert "\nTwo\n" in print_letter(CONFIRM, theme).text


def test_a_theme_that_leaves_out_the_link_or_the_address_is_refused(tmp_path: Path) -> None:
    theme = own_theme(tmp_path, {"letters/confirm.txt.j2": "Hello.\n"})
    with pytest.raises(Blocked) as refused:
        print_letter(CONFIRM, theme)
    assert tuple(sentence for _, sentence in refused.value.findings) == (
        "The text part lacks the postal address: print {{ letter.postal_address }}.",
        "What the letter is about lacks: print {{ letter.url }}.",
    )
    told = [(fault.file, fault.what) for fault in letter_faults(theme, CONFIRM)]
    assert {file for file, _ in told} == {"letters/confirm.txt.j2"} and len(told) == 2


def test_a_fault_in_a_letter_has_its_place(tmp_path: Path) -> None:
    block = "{% block words %}<p>{{ letter.nane }}</p>{% endblock %}"
    mjml = f'{{% extends "shipped:letters/confirm.mjml.j2" %}}\n{block}'
    theme = own_theme(
        tmp_path, {"letters/confirm.mjml.j2": mjml, "letters/confirm.subject.txt.j2": "{{ x }}"}
    )
    assert {(fault.file, fault.line) for fault in letter_faults(theme, CONFIRM)} == {
        ("letters/confirm.mjml.j2", 2), ("letters/confirm.subject.txt.j2", 1),
    }  # fmt: skip
