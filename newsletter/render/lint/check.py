"""All faults of a theme: those that its files show as they are written, and those of every sample edition
and letter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from jinja2 import TemplateNotFound, TemplateSyntaxError, nodes

from newsletter.errors import Refused
from newsletter.render.compile import (
    HTML_TEMPLATE,
    TEXT_TEMPLATE,
    Parts,
    compile_edition,
    context_of,
    print_parts,
    unfit,
)
from newsletter.render.holes import nonce_for
from newsletter.render.legible import legible
from newsletter.render.lint.faults import Fault, Faulty
from newsletter.render.lint.letters import letter_faults
from newsletter.render.lint.printing import faults_as_printed
from newsletter.render.lint.templates import loaded_by, missing_in, named_in, refused, unknown_in
from newsletter.render.lint.vocabulary import did_you_mean
from newsletter.render.spans import without_spans
from newsletter.render.theme import Theme, files_in
from newsletter.values import EditionView, LetterView


def check_theme(
    theme: Theme, states: Mapping[str, EditionView], letters: Mapping[str, LetterView] = MappingProxyType({})
) -> list[Fault]:
    """Every fault, by file and line, each once; `states` and `letters` by what a person calls them, the
    fullest state first.

    One that the first state does not show names the state that does.
    """
    found: dict[tuple[str, int, str], Fault] = {}
    written = list(_as_written(theme))
    for fault in written:
        found.setdefault((fault.file, fault.line, fault.what), fault)
    # What a name that is unknown did when it was printed need not be told twice
    told = {(fault.file, fault.line) for fault in written}
    first = next(iter(states))
    shown = [(state, _printed(theme, view)) for state, view in states.items()]
    shown += [(letter, letter_faults(theme, view)) for letter, view in letters.items()]
    for state, faults in shown:
        for fault in faults:
            if (fault.file, fault.line) not in told or not fault.line:
                named = replace(fault, state="" if state == first else state)
                found.setdefault((fault.file, fault.line, fault.what), named)
    return sorted(found.values(), key=lambda fault: (fault.file, fault.line, fault.column))


def _as_written(theme: Theme) -> Iterator[Fault]:
    own = files_in(theme.folders[0])
    trees: dict[Path, nodes.Template] = {}
    for path in own:
        try:
            _, trees[path] = theme.loader.read(theme.environment, path)
        except TemplateSyntaxError as error:
            yield theme.fault(str(path), error.lineno, (error.message or "").rstrip("."))
    everywhere = [*trees.values(), *_shipped(theme, own)]
    named = set().union(*map(named_in, everywhere))
    loaded = {name for tree in everywhere for _, name in loaded_by(tree)}
    for path, tree in trees.items():
        flaws = (*refused(tree), *unknown_in(tree, named), *missing_in(tree, theme.loader.find))
        yield from (theme.fault(str(path), line, what) for line, what in flaws)
    yield from _unused(theme, own, loaded)


def _shipped(theme: Theme, own: Iterable[Path]) -> Iterator[nodes.Template]:
    """The files of the shipped theme that stand behind those of its own."""
    for path in set(files_in(theme.folders[-1])) - set(own):
        yield theme.loader.read(theme.environment, path)[1]


def _unused(theme: Theme, own: Iterable[Path], loaded: Iterable[str]) -> Iterator[Fault]:
    """Files that nothing prints: most often a name that is misspelt."""
    last = theme.folders[-1]
    shipped = {path.relative_to(last).as_posix() for path in files_in(last)}
    for path in own:
        name = path.relative_to(theme.folders[0]).as_posix()
        try:
            theme.loader.find(name)
        except TemplateNotFound as error:
            yield theme.fault(str(path), 0, str(error.message), "give it another name")
            continue
        if name not in shipped and name not in loaded:
            mend = did_you_mean(name, shipped, "include it somewhere, or take it away")
            yield theme.fault(str(path), 0, "no template uses this file", mend)


def _printed(theme: Theme, view: EditionView) -> Iterator[Fault]:
    """What is wrong with a sample edition: as MJML, and when nothing is, as a mail."""
    nonce = nonce_for(repr(view))
    context = context_of(legible(view), nonce)
    faults = faults_as_printed(theme, HTML_TEMPLATE, [TEXT_TEMPLATE], nonce, context)
    yield from faults or _of_the_mail(theme, view)


_FOR_ALL = "stories stand outside the spans of their sections: whoever switched a section off gets it"
_SPANNED = "print {{ span.begin(section) }} before each section, and {{ span.end(section) }} behind"


def _without_spans(parts: Parts) -> Iterator[str]:
    """The templates that show a story to readers who do not want its section."""
    urls = [story.url for section in parts.edition.sections for story in section.stories]
    for template, part in ((HTML_TEMPLATE, parts.html), (TEXT_TEMPLATE, parts.text)):
        for_all = without_spans(part, parts.nonce)
        if any(url in for_all for url in urls):
            yield template


def _of_the_mail(theme: Theme, view: EditionView) -> Iterator[Fault]:
    try:
        parts = print_parts(view, theme)
        findings = list(unfit(parts, ()))
        yield from (theme.fault(template, 0, finding.rstrip(".")) for template, (_, finding) in findings)
        yield from (theme.fault(template, 0, _FOR_ALL, _SPANNED) for template in _without_spans(parts))
        if not findings:
            compile_edition(view, theme)
    except Faulty as faulty:
        yield from faulty.faults
    except Refused as refusal:
        yield theme.fault(HTML_TEMPLATE, 0, refusal.sentence)
