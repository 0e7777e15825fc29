"""Where the templates that come with the program lie: beside the code in a wheel, else in a checkout."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parents[1]
_IN_WHEEL = PACKAGE / "templates"
_TEMPLATES = _IN_WHEEL if _IN_WHEEL.is_dir() else PACKAGE.parent / "templates"


def shipped(*parts: str) -> Path:
    """A file or folder of the shipped templates: `shipped("mail", "default")`, `shipped("web")`."""
    return _TEMPLATES.joinpath(*parts)


def example_config() -> str:
    """The commented configuration that `newsletter init` starts from."""
    beside = PACKAGE if _IN_WHEEL.is_dir() else PACKAGE.parent
    return (beside / "config.example.toml").read_text(encoding="utf-8")
