"""What a compiled edition is checked for once more before it goes out, whoever compiled it and when.

The gate has read the parts while they were made; this reads the finished rendition.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape

from newsletter.mail.segments import kept
from newsletter.render.compile import neutral_html, plain_text
from newsletter.render.gate import MAX_BYTES, Said
from newsletter.render.holes import REQUIRED_HOLES
from newsletter.values import Check, Rendition

NEARLY = 90_000  # bytes of the encoded HTML part
_TAG = re.compile(r"<[^>]*>")


def size_of(rendition: Rendition) -> int:
    """Bytes of the HTML part as it is encoded, before anything personal is filled in."""
    return sum(map(len, rendition.html.literals))


def neutral_page(rendition: Rendition) -> str:
    """The HTML part as it is before anything personal is filled in."""
    return neutral_html(rendition, dict.fromkeys(rendition.html.holes, ""))


def blockers(rendition: Rendition, postal_address: str) -> Iterator[Said]:
    """Everything without which it may not go out, a sentence each."""
    # What stands in a span is not what every reader gets
    for_all = replace(rendition, html=kept(rendition.html, ()), text=kept(rendition.text, ()))
    for part, body in (("HTML", for_all.html), ("text", for_all.text)):
        for hole in REQUIRED_HOLES:
            if hole not in body.holes:
                yield Check.NO_UNSUBSCRIBE, f"The {part} part lacks {{{{ hole.{hole} }}}}."
    nothing = dict.fromkeys(for_all.text.holes, "")
    html = unescape(_TAG.sub("", neutral_page(for_all)))
    wanted = "".join(postal_address.split())
    for part, shown in (("HTML", html), ("text", plain_text(for_all, nothing))):
        if wanted not in "".join(shown.split()):
            told = f"The {part} part lacks the postal address that the configuration has now."
            yield Check.NO_POSTAL_ADDRESS, told
    if size_of(rendition) > MAX_BYTES:
        told = f"The HTML part has {size_of(rendition):,} bytes encoded, and Gmail cuts what is longer."
        yield Check.TOO_LARGE, told
