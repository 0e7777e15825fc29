"""A small configuration, and pieces to add to it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from newsletter.config import Loaded, load_settings
from newsletter.errors import Misuse

PAPER = """\
[[newsletters]]
slug = "paper"
name = "The Paper"
from_address = "desk@news.example"
postal_address = "1 Main Street"
"""
RELAY = """\
[[relays]]
name = "main"
host = "127.0.0.1"
tls = "none"
"""
ABROAD = RELAY.replace("127.0.0.1", "smtp.news.example").replace('"none"', '"implicit"')
PUBLIC = """\
[web]
public_url = "https://letters.news.example"
"""


def load(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> Loaded:
    (folder / "config.toml").write_text(text)
    return load_settings(None, environ or {}, folder)


def refusal(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> str:
    """The sentence, with `~` for the file's path."""
    with pytest.raises(Misuse) as refused:
        load(folder, text, environ)
    assert refused.value.next_step
    return refused.value.sentence.replace(str(folder / "config.toml"), "~")


def paper(line: str) -> str:
    return PAPER + line + "\n"
