"""MJML to HTML, by mrml. What it gets has passed `lint.markup`, for it takes much in silence and dies of
some.

Non-ASCII characters go in as references, because mrml prints some of them escaped for Rust instead of
for HTML.
"""

from __future__ import annotations

from mjml import mjml2html


class MarkupError(ValueError):
    """What mrml cannot read."""


def to_html(mjml: str) -> str:
    """The HTML that mrml makes of `mjml`, in which nothing is wrong. Raises MarkupError."""
    try:
        # fonts={}: otherwise mrml links to a font vendor; no include loader: mj-include fails closed
        html = mjml2html(mjml.encode("ascii", "xmlcharrefreplace").decode(), fonts={}, disable_comments=False)
    except ValueError as error:
        raise MarkupError(f"MJML cannot be read: {error}") from error
    return str(html).replace("<!doctype html>", "<!DOCTYPE html>", 1)
