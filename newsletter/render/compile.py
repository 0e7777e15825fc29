"""An edition to its rendition: once per edition, and the same bytes whenever it is done again.

    view → theme (Jinja) → MJML → lint → mrml → premailer → squeeze → gate → cut at holes, spans → encoded
    view → theme (Jinja) → text → lint                                → gate → cut at holes, spans → encoded

Preview, test mail, web view and the real send all fill this one object; nobody renders twice.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from newsletter.errors import Blocked
from newsletter.mail.segments import decode, fill, html_value, split, text_value
from newsletter.render import gate
from newsletter.render.holes import hole_pattern, holes, nonce_for
from newsletter.render.inline import inline, take_inline_rules
from newsletter.render.labels import labels_for
from newsletter.render.legible import legible
from newsletter.render.lint.faults import Faulty
from newsletter.render.lint.markup import markup_flaws
from newsletter.render.lint.spans import markup_span_flaws, text_span_flaws
from newsletter.render.mjml import MarkupError, to_html
from newsletter.render.spans import Marks, mark_line, mark_pattern, on_lines
from newsletter.render.theme import Theme
from newsletter.values import Body, EditionView, Rendition

HTML_TEMPLATE = "digest.mjml.j2"
TEXT_TEMPLATE = "digest.txt.j2"

SIDES = {"ltr": {"start": "left", "end": "right"}, "rtl": {"start": "right", "end": "left"}}
_PREFORMATTED = re.compile(r"(<pre\b.*?</pre>)", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a theme made of an edition, not yet cut at the holes."""

    edition: EditionView
    nonce: str
    html: str
    text: str


def compile_edition(view: EditionView, theme: Theme, *, plain_hosts: Collection[str] = ()) -> Rendition:
    """The rendition of `view`; pictures may come over plain http from `plain_hosts` only.

    Raises Faulty for a fault of the theme, and Blocked, with every finding, when the gate says no.
    """
    parts = print_parts(view, theme)
    edition = parts.edition
    if findings := [finding for _, finding in unfit(parts, plain_hosts)]:
        raise _refusal(edition, findings)
    html_body = _cut(parts, parts.html, theme, HTML_TEMPLATE)
    text_body = _cut(parts, parts.text, theme, TEXT_TEMPLATE)
    if too_large := list(gate.size_findings(html_body)):
        raise _refusal(edition, too_large)
    return Rendition(
        subject=edition.subject,
        preheader=edition.preheader,
        theme=theme.name,
        html=html_body,
        text=text_body,
        hash=_hash(edition.subject, edition.preheader, html_body, text_body, theme.name),
        words=_words(edition),
    )


def print_parts(view: EditionView, theme: Theme) -> Parts:
    """Both parts of `view`, whole, with tokens for holes and marks. Raises Faulty."""
    edition, nonce = legible(view), nonce_for(repr(view))
    context = context_of(edition, nonce)
    html = html_part(theme, HTML_TEMPLATE, nonce, context)
    return Parts(edition, nonce, html, text_part(theme, TEXT_TEMPLATE, nonce, context))


def unfit(parts: Parts, plain_hosts: Collection[str]) -> Iterator[tuple[str, gate.Said]]:
    """Template and finding of all that the gate has to say."""
    rules = gate.Rules(parts.nonce, parts.edition.postal_address, frozenset(plain_hosts))
    yield from ((HTML_TEMPLATE, finding) for finding in gate.html_findings(parts.html, rules))
    yield from ((TEXT_TEMPLATE, finding) for finding in gate.text_findings(parts.text, rules))


def context_of(edition: EditionView, nonce: str) -> dict[str, Any]:
    """Everything that a theme is given."""
    return {
        "edition": edition,
        "label": labels_for(edition.language),
        "side": SIDES[edition.direction],
        "hole": holes(nonce),
        "span": Marks(nonce, edition.sections),
    }


def neutral_html(rendition: Rendition, values: Mapping[str, str]) -> str:
    """The HTML part with `values` for its holes, as a browser reads it: web view and previews."""
    return decode(fill(rendition.html, {hole: html_value(value) for hole, value in values.items()}))


def plain_text(rendition: Rendition, values: Mapping[str, str]) -> str:
    """The text part with `values` for its holes."""
    return decode(fill(rendition.text, {hole: text_value(value) for hole, value in values.items()}))


def html_part(theme: Theme, template: str, nonce: str, context: dict[str, Any]) -> str:
    """The HTML that a theme's MJML becomes, with tokens for holes and marks. Raises Faulty."""
    mjml = theme.render(template, **context)
    if flaws := markup_flaws(mjml, hole_pattern(nonce)) or markup_span_flaws(mjml, mark_pattern(nonce)):
        raise Faulty(theme.name, theme.place(template, mjml, flaws, **context))
    mjml, rules = take_inline_rules(mjml)
    try:
        return on_lines(_squeeze(inline(to_html(mjml), rules)), nonce)
    except MarkupError as error:
        raise Faulty(theme.name, [theme.fault(template, 0, str(error))]) from error


def text_part(theme: Theme, template: str, nonce: str, context: dict[str, Any]) -> str:
    """The text that a theme prints, without what its tags leave of empty lines. Raises Faulty."""
    text = theme.render(template, **context)
    if flaws := text_span_flaws(text, mark_pattern(nonce)):
        raise Faulty(theme.name, theme.place(template, text, flaws, **context))
    lines = [line.rstrip() for line in text.splitlines()]
    return re.sub(r"\n{4,}", "\n\n\n", "\n".join(lines)).strip() + "\n"


def _squeeze(html: str) -> str:
    """Runs of white space mean one space in HTML: keep one line end of a run, or one space."""
    pieces = _PREFORMATTED.split(html)
    for i in range(0, len(pieces), 2):
        pieces[i] = re.sub(r"[ \t]+", " ", re.sub(r"[ \t\r]*\n\s*", "\n", pieces[i], flags=re.ASCII))
    return "".join(pieces)


def _cut(parts: Parts, text: str, theme: Theme, template: str) -> Body:
    sections = [section.name for section in parts.edition.sections]
    try:
        return split(text, hole_pattern(parts.nonce), mark_line(parts.nonce), sections)
    except ValueError as error:
        fault = theme.fault(template, 0, str(error), "end it with a line of its own")
        raise Faulty(theme.name, [fault]) from error


def _words(edition: EditionView) -> tuple[str, ...]:
    """The newsroom's texts of this day; what stands in every edition finds none."""
    alone = (edition.lead, edition.note, edition.video)
    listed = (story for section in edition.sections for story in section.stories)
    stories = [story for story in (*alone, *listed) if story is not None]
    names = (section.name for section in edition.sections)
    texts = (text for story in stories for text in (story.title, story.summary, story.text, story.byline))
    return tuple(dict.fromkeys(text for text in (edition.subject, *names, *texts) if text))


def _hash(subject: str, preheader: str, html: Body, text: Body, theme: str) -> str:
    words = [subject, preheader, theme, *html.holes, *text.holes]
    words += [f"{span.section} {span.first} {span.end}" for body in (html, text) for span in body.spans]
    pieces = [*(word.encode() for word in words), *html.literals, *text.literals]
    digest = sha256()
    for piece in pieces:
        digest.update(len(piece).to_bytes(8) + piece)
    return digest.hexdigest()


def _refusal(edition: EditionView, findings: list[gate.Said]) -> Blocked:
    listed = "\n".join(f"- {finding}" for _, finding in findings)
    return Blocked(f"Edition {edition.slug} cannot go out as it is.\n{listed}", findings)
