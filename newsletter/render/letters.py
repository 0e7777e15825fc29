"""A letter from its three files: subject, HTML and text.

Letters go through the pipeline of editions, gate included, and like editions they are printed once for
many: what differs by person is links alone, so each is printed with marks in their place and kept. A
thousand confirmations cost one printing. What stands in a letter is the theme's and ours; letters before
consent have nothing in them that anybody typed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any

from newsletter.errors import Blocked, Misuse
from newsletter.models import LetterKind
from newsletter.render import gate
from newsletter.render.compile import SIDES, html_part, text_part
from newsletter.render.holes import nonce_for
from newsletter.render.legible import legible
from newsletter.render.letter_labels import letter_labels
from newsletter.render.theme import Theme
from newsletter.values import Check, LetterView, PrintedLetter

LINKS = ("url", "preferences_url", "leave_url")  # that differ by person


def print_letter(view: LetterView, theme: Theme) -> PrintedLetter:
    """The letter as it is sent. Raises Faulty for a fault of the theme, Blocked, with every finding, when
    the gate says no, and Misuse for a link that no mail may carry.
    """
    links = {name: getattr(view, name) for name in LINKS if getattr(view, name)}
    if unlinkable := [url for url in links.values() if not gate.is_linkable(url)]:
        raise Misuse(f"{unlinkable[0][:80]!r} is no link that a mail can carry.", next_step="correct it")
    marks = marks_for(view)
    printed = _printed(theme.name, theme.folders, theme.written, replace(view, **marks))
    html, text = printed.html, printed.text
    for name, url in links.items():
        html = html.replace(marks[name], escape(url))
        text = text.replace(marks[name], url)
    return replace(printed, html=html, text=text)


def marks_for(view: LetterView) -> Mapping[str, Any]:
    """What stands for each of the letter's links while it is printed."""
    blank: dict[str, Any] = dict.fromkeys(LINKS, "")
    nonce = nonce_for(repr(replace(view, **blank)))
    return {name: f"https://links.invalid/{nonce}/{name}" for name in LINKS if getattr(view, name)}


@lru_cache(maxsize=64)
def _printed(name: str, folders: tuple[Path, ...], written: int, view: LetterView) -> PrintedLetter:  # noqa: ARG001
    """The letter with marks for links; `written` tells a theme from what it was before an edit."""
    theme, letter = Theme(name, folders), legible(view)
    letter = replace(letter, subject=subject_of(letter, theme))
    printed = print_parts(letter, theme)
    if findings := [finding for _, finding in unfit(printed, letter)]:
        listed = "\n".join(f"- {sentence}" for _, sentence in findings)
        raise Blocked(f"A letter of kind {view.kind} cannot go out as it is.\n{listed}", findings)
    return printed


def print_parts(letter: LetterView, theme: Theme) -> PrintedLetter:
    """The three texts, unchecked. Raises Faulty."""
    _, html_file, text_file = files_of(letter.kind)
    context, nonce = context_of(letter), nonce_for(repr(letter))
    html = html_part(theme, html_file, nonce, context)
    return PrintedLetter(letter.subject, html, text_part(theme, text_file, nonce, context))


def files_of(kind: LetterKind) -> tuple[str, str, str]:
    """The files of a letter: its subject, its HTML as MJML, its text."""
    return f"letters/{kind}.subject.txt.j2", f"letters/{kind}.mjml.j2", f"letters/{kind}.txt.j2"


def subject_of(letter: LetterView, theme: Theme) -> str:
    """One line, whatever the theme made of it. Raises Faulty."""
    return " ".join(theme.render(files_of(letter.kind)[0], **context_of(letter)).split())


def context_of(letter: LetterView) -> dict[str, Any]:
    """Everything that a letter's templates are given."""
    return {
        "letter": letter,
        "label": letter_labels(letter.language, letter.newsletter, letter.minutes),
        "side": SIDES[letter.direction],
    }


def unfit(printed: PrintedLetter, letter: LetterView) -> Iterator[tuple[str, gate.Said]]:
    """Template and finding of all that the gate has to say."""
    subject_file, html_file, text_file = files_of(letter.kind)
    rules = gate.Rules(nonce_for(repr(letter)), letter.postal_address, frozenset(), is_letter=True)
    if not printed.subject:
        yield subject_file, (Check.TEMPLATE, "The subject is empty.")
    yield from ((html_file, finding) for finding in gate.html_findings(printed.html, rules))
    yield from ((text_file, finding) for finding in gate.text_findings(printed.text, rules))
    if letter.url:
        for file, part in ((html_file, printed.html), (text_file, printed.text)):
            if letter.url not in part:
                yield file, (Check.TEMPLATE, "What the letter is about lacks: print {{ letter.url }}.")
