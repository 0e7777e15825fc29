"""An edition to its rendition: once per edition, and the same bytes whenever it is done again.

    view → theme (Jinja) → MJML → mrml → premailer → squeeze → gate → cut at the holes → encoded
    view → theme (Jinja) → text                                → gate → cut at the holes → encoded

Preview, test mail, web view and the real send all fill this one object; nobody renders twice.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from hashlib import sha256

from newsletter.errors import Blocked
from newsletter.mail.segments import decode, fill, html_value, split, text_value
from newsletter.render import gate
from newsletter.render.holes import hole_pattern, holes, nonce_for
from newsletter.render.inline import RulesError, inline, take_inline_rules
from newsletter.render.labels import labels_for
from newsletter.render.legible import legible
from newsletter.render.mjml import MarkupError, to_html
from newsletter.render.theme import Theme
from newsletter.values import Body, EditionView, Rendition

HTML_TEMPLATE = "digest.mjml.j2"
TEXT_TEMPLATE = "digest.txt.j2"

_SIDES = {"ltr": {"start": "left", "end": "right"}, "rtl": {"start": "right", "end": "left"}}
_PREFORMATTED = re.compile(r"(<pre\b.*?</pre>)", re.DOTALL | re.IGNORECASE)


def compile_edition(view: EditionView, theme: Theme, *, plain_hosts: Collection[str] = ()) -> Rendition:
    """The rendition of `view`; pictures may come over plain http from `plain_hosts` only.

    Raises Misuse for a fault of the theme, and Blocked, with every finding, when the gate says no.
    """
    edition = legible(view)
    nonce = nonce_for(repr(view))
    html = _html(edition, theme, nonce)
    text = _text(edition, theme, nonce)
    rules = gate.Rules(nonce, edition.postal_address, frozenset(plain_hosts))
    findings = [*gate.html_findings(html, rules), *gate.text_findings(text, rules)]
    if findings:
        raise _refusal(edition, findings)
    html_body = _cut(html, nonce, theme, HTML_TEMPLATE)
    text_body = _cut(text, nonce, theme, TEXT_TEMPLATE)
    if too_large := list(gate.size_findings(html_body)):
        raise _refusal(edition, too_large)
    return Rendition(
        subject=edition.subject,
        preheader=edition.preheader,
        theme=theme.name,
        html=html_body,
        text=text_body,
        hash=_hash(edition.subject, edition.preheader, html_body, text_body, theme.name),
    )


def neutral_html(rendition: Rendition, values: Mapping[str, str]) -> str:
    """The HTML part with `values` for its holes, as a browser reads it: web view and previews."""
    return decode(fill(rendition.html, {hole: html_value(value) for hole, value in values.items()}))


def plain_text(rendition: Rendition, values: Mapping[str, str]) -> str:
    """The text part with `values` for its holes."""
    return decode(fill(rendition.text, {hole: text_value(value) for hole, value in values.items()}))


def _html(edition: EditionView, theme: Theme, nonce: str) -> str:
    mjml = _print(HTML_TEMPLATE, edition, theme, nonce)
    try:
        mjml, rules = take_inline_rules(mjml)
        return _squeeze(inline(to_html(mjml), rules))
    except (MarkupError, RulesError) as error:
        raise theme.fault(HTML_TEMPLATE, str(error)) from error


def _text(edition: EditionView, theme: Theme, nonce: str) -> str:
    lines = [line.rstrip() for line in _print(TEXT_TEMPLATE, edition, theme, nonce).splitlines()]
    return re.sub(r"\n{4,}", "\n\n\n", "\n".join(lines)).strip() + "\n"


def _print(template: str, edition: EditionView, theme: Theme, nonce: str) -> str:
    return theme.render(
        template,
        edition=edition,
        label=labels_for(edition.language),
        side=_SIDES["rtl" if edition.direction == "rtl" else "ltr"],
        hole=holes(nonce),
    )


def _squeeze(html: str) -> str:
    """Runs of white space mean one space in HTML: keep one line end of a run, or one space."""
    pieces = _PREFORMATTED.split(html)
    for i in range(0, len(pieces), 2):
        pieces[i] = re.sub(r"[ \t]+", " ", re.sub(r"[ \t\r]*\n\s*", "\n", pieces[i], flags=re.ASCII))
    return "".join(pieces)


def _cut(text: str, nonce: str, theme: Theme, template: str) -> Body:
    try:
        return split(text, hole_pattern(nonce))
    except ValueError as error:
        raise theme.fault(template, f"{error}; end it with a line of its own") from error


def _hash(subject: str, preheader: str, html: Body, text: Body, theme: str) -> str:
    words = [subject, preheader, theme, *html.holes, *text.holes]
    pieces = [*(word.encode() for word in words), *html.literals, *text.literals]
    digest = sha256()
    for piece in pieces:
        digest.update(len(piece).to_bytes(8) + piece)
    return digest.hexdigest()


def _refusal(edition: EditionView, findings: list[str]) -> Blocked:
    listed = "\n".join(f"- {finding}" for finding in findings)
    return Blocked(f"Edition {edition.slug} cannot go out as it is.\n{listed}", findings)
