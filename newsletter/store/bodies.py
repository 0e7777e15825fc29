"""The two bodies of a compiled mail as the store keeps them: one text for each rendition."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from newsletter.values import Body, Rendition, Span


def pack(rendition: Rendition) -> bytes:
    # Quoted-printable is ASCII, so the segments travel as plain JSON strings
    parts = {
        name: {
            "literals": [part.decode("ascii") for part in body.literals],
            "holes": body.holes,
            "spans": [(span.section, span.first, span.end) for span in body.spans],
        }
        for name, body in (("html", rendition.html), ("text", rendition.text))
    }
    return json.dumps(parts).encode("ascii")


def unpack(packed: bytes) -> tuple[Body, Body]:
    """The HTML and the text body."""
    parts = json.loads(packed)
    return _body(parts["html"]), _body(parts["text"])


def _body(part: Mapping[str, Any]) -> Body:
    spans = tuple(Span(*span) for span in part.get("spans", ()))  # an old rendition has none
    return Body(tuple(text.encode("ascii") for text in part["literals"]), tuple(part["holes"]), spans)
