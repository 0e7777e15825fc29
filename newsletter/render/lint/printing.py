"""What is wrong with a mail as its theme prints it: each template's own faults, and those of the MJML."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from newsletter.render.holes import hole_pattern
from newsletter.render.lint.faults import Fault, Faulty
from newsletter.render.lint.forbidden import forbidden_flaws
from newsletter.render.lint.markup import markup_flaws
from newsletter.render.lint.spans import markup_span_flaws
from newsletter.render.spans import mark_pattern
from newsletter.render.theme import Theme


def faults_as_printed(
    theme: Theme, html: str, texts: Iterable[str], nonce: str, context: dict[str, Any]
) -> list[Fault]:
    """Of the template `html`, which prints MJML, and of `texts`, which do not."""
    faults: list[Fault] = []
    try:
        mjml = theme.render(html, **context)
    except Faulty as faulty:
        faults += faulty.faults
        mjml = _what_can_be_printed(theme, html, context)
    for text in texts:
        try:
            theme.render(text, **context)
        except Faulty as faulty:
            faults += faulty.faults
    flaws = [*markup_flaws(mjml, hole_pattern(nonce)), *forbidden_flaws(mjml)] if mjml else []
    flaws = flaws or markup_span_flaws(mjml, mark_pattern(nonce))
    return faults + (theme.place(html, mjml, flaws, **context) if flaws else [])


def _what_can_be_printed(theme: Theme, template: str, context: dict[str, Any]) -> str:
    """The MJML with what is unknown left out, so that its other faults are seen too; empty where Jinja
    itself objects."""
    try:
        return theme.trace(template, **context).text
    except Faulty:
        return ""
