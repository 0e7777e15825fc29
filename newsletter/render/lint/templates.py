"""What is wrong with a template as it is written, on branches too that no sample edition takes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import fields

from jinja2 import TemplateNotFound, nodes

from newsletter.render import holes, spans
from newsletter.render.labels import Labels
from newsletter.render.letter_labels import LetterLabels
from newsletter.render.sandbox import GLOBALS, unknown_of, ways_out
from newsletter.values import EditionView, LetterView

# What a template is given, and what each of these has
GIVEN: Mapping[str, Collection[str]] = {
    "edition": [field.name for field in fields(EditionView)],
    "letter": [field.name for field in fields(LetterView)],
    "label": [name for name in {*dir(Labels), *dir(LetterLabels)} if not name.startswith("_")],
    "side": ["start", "end"],
    holes.VARIABLE: holes.HOLES,
    spans.VARIABLE: spans.MARKS,
}
_OF_JINJA = {"loop", "super", "caller", "varargs", "kwargs"}
_LOADS = (nodes.Include, nodes.Extends, nodes.Import, nodes.FromImport)


def refused(tree: nodes.Template) -> Iterator[tuple[int, str]]:
    """Line and fault of what no template may do: with these it is not even printed."""
    yield from ways_out(tree)
    yield from holes.misused(tree)
    yield from spans.misused(tree)


def named_in(tree: nodes.Template) -> set[str]:
    """The names that a template gives to something."""
    names = {name.name for name in tree.find_all(nodes.Name) if name.ctx != "load"}
    names |= {macro.name for macro in tree.find_all(nodes.Macro)}
    names |= {str(one.target) for one in tree.find_all(nodes.Import)}
    for one in tree.find_all(nodes.FromImport):
        names |= {name if isinstance(name, str) else name[1] for name in one.names}
    return names


def unknown_in(tree: nodes.Template, named: Collection[str]) -> Iterator[tuple[int, str]]:
    """Line and fault of each name that stands for nothing. A part sees what its includer has named, so
    `named` is what any template of the theme gives a name to."""
    known = {*GIVEN, *GLOBALS, *_OF_JINJA, *named}
    for name in tree.find_all(nodes.Name):
        if name.ctx == "load" and name.name not in known and name.name != "self":
            yield name.lineno, unknown_of(name.name, sorted(known))
    for use in tree.find_all(nodes.Getattr):
        owner = use.node.name if isinstance(use.node, nodes.Name) else ""
        if owner in GIVEN and owner not in named and use.attr not in GIVEN[owner]:
            yield use.lineno, unknown_of(use.attr, list(GIVEN[owner]))


def loaded_by(tree: nodes.Template) -> Iterator[tuple[int, str]]:
    """Line and name of the files that a template includes, extends or imports by a fixed name."""
    for node in tree.find_all(_LOADS):
        if not getattr(node, "ignore_missing", False):
            wanted: nodes.Expr = node.template  # type: ignore[attr-defined]  # each of these has one
            for name in (wanted, *wanted.find_all(nodes.Const)):
                if isinstance(name, nodes.Const) and isinstance(name.value, str):
                    yield node.lineno, name.value


def missing_in(tree: nodes.Template, find: Callable[[str], object]) -> Iterator[tuple[int, str]]:
    """Line and fault of the files that a template wants and `find` does not know."""
    for line, name in loaded_by(tree):
        try:
            find(name)
        except TemplateNotFound as error:
            yield line, str(error.message)
