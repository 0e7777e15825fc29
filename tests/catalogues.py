"""Writes what the program says into its catalogues: `make words`.

A sentence that is new stands there without its translation until somebody writes one; one that is no
longer said is taken out. Nothing is guessed: a near sentence of another meaning would pass for done.
"""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from newsletter.languages import CATALOGUES

ROOT = Path(__file__).parents[1]
METHODS = [("**.py", "python"), ("**.html", "jinja2"), ("**.j2", "jinja2")]
# As the pages' own environment reads its templates
OPTIONS = {"**.html": {"trimmed": "true"}, "**.j2": {"trimmed": "true"}}
HEADER = (
    b"# What the program says, in this language; `make words` keeps the list, people write the words.\n\n"
)


def said() -> Catalog:
    """Every sentence in the program and its templates, with the files that say it."""
    catalogue = Catalog()
    for folder in ("newsletter", "templates"):
        found: Iterable[tuple[str, int, str | tuple[str, ...], list[str], str | None]] = extract_from_dir(
            ROOT / folder, method_map=METHODS, options_map=OPTIONS
        )
        for file, _line, message, _comments, context in found:
            catalogue.add(message, locations=[(f"{folder}/{file}", 0)], context=context)
    return catalogue


def read(file: Path) -> Catalog:
    with file.open("rb") as source:
        return read_po(source, locale=file.stem)


def renewed(file: Path) -> bytes:
    """`file` with all that is said, and with the translations that it had."""
    old, new = read(file), said()
    new.locale = file.stem  # type: ignore[assignment]
    for message in new:
        if message.id and (known := old.get(message.id, message.context)):
            message.string = known.string
    written = BytesIO()
    write_po(written, new, width=100, sort_output=True, include_lineno=False, omit_header=True)
    return HEADER + written.getvalue().lstrip()


if __name__ == "__main__":
    for each in sorted(CATALOGUES.glob("*.po")):
        each.write_bytes(renewed(each))
