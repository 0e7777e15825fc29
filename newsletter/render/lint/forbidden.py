"""What no mail may carry, found where a theme writes it; the gate says the same of the finished mail."""

from __future__ import annotations

from collections.abc import Iterator

from newsletter.render import gate
from newsletter.render.lint.faults import Flaw
from newsletter.render.lint.scan import Opening, Words, scan
from newsletter.render.lint.styles import without_comments


def forbidden_flaws(mjml: str) -> Iterator[Flaw]:
    """Tags and attributes that would run or load something, and what a style sheet would fetch. Inlined
    rules have a stricter guard."""
    is_sheet = False
    for token in scan(mjml):
        if isinstance(token, Opening):
            is_sheet = token.name in ("style", "mj-style") and "inline" not in token.attributes
            yield from _in_tag(token)
        elif isinstance(token, Words) and is_sheet:
            yield from _in_css(token)


def _in_tag(tag: Opening) -> Iterator[Flaw]:
    if tag.name in gate.FORBIDDEN_TAGS:
        yield Flaw(tag.offset, f"<{tag.name}> may not stand in a mail", "take it out")
    for name, attribute in tag.attributes.items():
        if name.lower().startswith("on"):
            yield Flaw(attribute.offset, f"{name}= may not stand in a mail", "take it out")
        if "javascript:" in "".join(attribute.value.lower().split()):
            yield Flaw(attribute.offset, f"{name}= of <{tag.name}> is a script", "link to an https address")


def _in_css(sheet: Words) -> Iterator[Flaw]:
    css = without_comments(sheet.text)
    for found in gate.CSS_FORBIDDEN.finditer(css):
        yield Flaw(
            sheet.offset + found.start(), f"{found[0]!r} may not stand in a style sheet",
            "write the rules themselves: a mail loads no others",
        )  # fmt: skip
    for found in gate.CSS_URL.finditer(css):
        if not gate.is_permitted(found[1].strip(), ()):
            what = f"url() in a style sheet is not a whole https address: {found[1][:80]!r}"
            yield Flaw(sheet.offset + found.start(), what, "name a whole https address")
