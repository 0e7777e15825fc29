"""Writes the golden mails again: `python -m tests.render.goldens`; look at the difference."""

from __future__ import annotations

from pathlib import Path

from newsletter.render.compile import compile_edition, neutral_html, plain_text
from newsletter.render.sample import NEUTRAL
from newsletter.render.theme import load_theme
from tests.render.sample import FULL

GOLDEN = Path(__file__).parents[1] / "golden"


def golden_mail() -> dict[str, str]:
    """The full sample in the shipped theme: file name to content."""
    rendition = compile_edition(FULL, load_theme("default"))
    return {
        "default.html": neutral_html(rendition, NEUTRAL),
        "default.txt": plain_text(rendition, NEUTRAL),
    }


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for name, content in golden_mail().items():
        (GOLDEN / name).write_text(content, encoding="utf-8", newline="\n")
