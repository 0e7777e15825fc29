"""Themes made for one test: a folder of files beside the shipped theme, found as an operator's own."""

from __future__ import annotations

from pathlib import Path

from newsletter.render.theme import Theme, load_theme

EXTENDS = '{% extends "shipped:digest.mjml.j2" %}\n'


def own_theme(folder: Path, files: dict[str, str]) -> Theme:
    """The operator's theme `mine`, holding `files` by their names."""
    for name, content in files.items():
        path = folder / "mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return load_theme("mine", folder)


def with_footer(folder: Path, mjml: str) -> Theme:
    """The shipped theme with `mjml` in an extra row before its footer."""
    row = f"<mj-section><mj-column><mj-text>\n{mjml}\n</mj-text></mj-column></mj-section>"
    block = f"{{% block footer %}}\n{row}\n{{{{ super() }}}}\n{{% endblock %}}"
    return own_theme(folder, {"digest.mjml.j2": EXTENDS + block})
