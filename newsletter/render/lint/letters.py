"""What is wrong with a sample letter: as its theme prints it, and when nothing is, as a mail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from newsletter.render.holes import nonce_for
from newsletter.render.legible import legible
from newsletter.render.letters import context_of, files_of, print_parts, subject_of, unfit
from newsletter.render.lint.faults import Fault, Faulty
from newsletter.render.lint.printing import faults_as_printed
from newsletter.render.theme import Theme
from newsletter.values import LetterView


def letter_faults(theme: Theme, view: LetterView) -> Iterator[Fault]:
    letter = legible(view)
    subject_file, html_file, text_file = files_of(view.kind)
    faults = faults_as_printed(
        theme, html_file, [subject_file, text_file], nonce_for(repr(view)), context_of(letter)
    )
    yield from faults or _of_the_mail(theme, letter)


def _of_the_mail(theme: Theme, letter: LetterView) -> Iterator[Fault]:
    try:
        with_subject = replace(letter, subject=subject_of(letter, theme))
        for template, (_, finding) in unfit(print_parts(with_subject, theme), with_subject):
            yield theme.fault(template, 0, finding.rstrip("."))
    except Faulty as faulty:
        yield from faulty.faults
