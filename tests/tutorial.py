"""The steps of `docs/themes.md`, as a new theme author follows them: each file that the page writes."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "themes.md"
_FILE = re.compile(r"^`(themes/gazette/[^`]+)`:\n\n```\n(.*?)^```", re.MULTILINE | re.DOTALL)


def files() -> dict[str, str]:
    """Each file's name in the order of the steps, and what the page puts there."""
    return dict(_FILE.findall(PAGE.read_text(encoding="utf-8")))


def follow(home: Path) -> None:
    """Write them all below `home`, where the configuration lies."""
    for name, text in files().items():
        file = home / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
