"""A theme: a folder of mail templates, the operator's own before the shipped one.

A file is looked for in `<themes>/<name>/`, then in the shipped theme of that name (or the shipped
default, when the name is the operator's own). So a theme may be a single file: one part, or a
`digest.mjml.j2` that says `{% extends "shipped:digest.mjml.j2" %}` and overrides one block.
"""

from __future__ import annotations

import re
import traceback
from collections import deque
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import (
    BaseLoader,
    ChainableUndefined,
    Environment,
    TemplateNotFound,
    TemplateSyntaxError,
    UndefinedError,
    nodes,
)

from newsletter.errors import Misuse
from newsletter.render.lint.faults import Fault, Faulty, Flaw
from newsletter.render.lint.templates import refused
from newsletter.render.lint.trace import Traced, TracingLoader
from newsletter.render.sandbox import Sandbox
from newsletter.render.shipped import shipped

DEFAULT = "default"
SHIPPED_PREFIX = "shipped:"
_THEME_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_FILE_NAME = re.compile(r"(?:[a-z0-9_-][a-z0-9_.-]*/)*[a-z0-9_-][a-z0-9_.-]*")


class Theme:
    """A theme that was found; `folders` are searched in their order, the last is the shipped one."""

    def __init__(self, name: str, folders: tuple[Path, ...]) -> None:
        self.name = name
        self.folders = folders
        self.loader = ThemeLoader(folders)
        self.environment = Sandbox(self.loader)

    @property
    def written(self) -> int:
        """When a file of it was last written, in nanoseconds: the same number, the same theme."""
        return max(path.stat().st_mtime_ns for folder in self.folders for path in files_in(folder))

    def render(self, template: str, **context: Any) -> str:
        """The template's text. Raises Faulty with the theme's file and line for any fault of the theme."""
        return self._print(self.environment, template, context)

    def trace(self, template: str, **context: Any) -> Traced:
        """The same text, knowing where it comes from; what is undefined is left out. Raises Faulty."""
        loader = TracingLoader(self.loader)
        marked = self._print(Sandbox(loader, ChainableUndefined), template, context)
        return Traced(marked, loader.stretches)

    def place(self, template: str, text: str, flaws: Iterable[Flaw], **context: Any) -> list[Fault]:
        """Where in its files the theme wrote what is wrong with `text`, which it printed for `template`."""
        traced = self.trace(template, **context)
        return [self._placed(template, flaw, traced if traced.text == text else None) for flaw in flaws]

    def fault(self, file: str, line: int, what: str, mend: str = "", column: int | None = None) -> Fault:
        """A fault in `file`, a path or a template's name. Without a column the last word quoted in `what`
        is looked for."""
        path = Path(file) if Path(file).is_absolute() else self.folders[0] / file
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n") if path.is_file() else []
        source = lines[line - 1] if 0 < line <= len(lines) else ""
        if column is None:
            quoted = re.findall(r"'([^']+)'", what.partition(";")[0])
            column = source.find(quoted[-1]) if quoted else -1
        if column < 0:
            column = len(source) - len(source.lstrip())
        return Fault(self._relative(file), line, what, mend, source, column)

    def _placed(self, template: str, flaw: Flaw, traced: Traced | None) -> Fault:
        place = traced.place(flaw.offset) if traced else None
        if place is None:
            return self.fault(template, 0, flaw.what, flaw.mend)
        filename, line, column = place
        return self.fault(filename, line, flaw.what, flaw.mend, column)

    def _print(self, environment: Sandbox, template: str, context: dict[str, Any]) -> str:
        try:
            return environment.get_template(template).render(context)
        except Exception as error:
            fault = self._fault_of(error, template)
            if fault is None:
                raise
            raise Faulty(self.name, [fault]) from error

    def _fault_of(self, error: Exception, template: str) -> Fault | None:
        if isinstance(error, TemplateSyntaxError):
            return self.fault(error.filename or template, error.lineno, (error.message or "").rstrip("."))
        file, line = self._last_place(error)
        if isinstance(error, TemplateNotFound):
            return self.fault(file or template, line, str(error.message))
        if not file:
            return None
        what = str(error) or type(error).__name__
        mend = (
            "correct the name, or ask with {% if … %} whether it is there"
            if isinstance(error, UndefinedError)
            else ""
        )
        return self.fault(file, line, what, mend)

    def _last_place(self, error: Exception) -> tuple[str, int]:
        """The innermost template line that an error came through; Jinja keeps them in the traceback."""
        for frame in reversed(traceback.extract_tb(error.__traceback__)):
            if any(Path(frame.filename).is_relative_to(folder) for folder in self.folders):
                return frame.filename, frame.lineno or 0
        return "", 0

    def _relative(self, file: str) -> str:
        """A file as a theme names it: its own by name alone, those of the shipped theme behind it as such."""
        for number, folder in enumerate(self.folders):
            if Path(file).is_relative_to(folder):
                name = Path(file).relative_to(folder).as_posix()
                return f"{SHIPPED_PREFIX}{name}" if number else name
        return file


def load_theme(name: str, themes: Path | None = None) -> Theme:
    """The theme `name`; `themes` is the folder of the operator's own, if any. Raises Misuse."""
    check_theme_name(name)
    own = [themes / name] if themes else []
    shipped_one = shipped("mail", name)
    folders = [folder for folder in [*own, shipped_one] if folder.is_dir()]
    if not folders:
        places = " or ".join(str(folder.parent) for folder in [*own, shipped_one])
        raise Misuse(f"There is no theme {name!r} in {places}.", next_step="newsletter theme list")
    if shipped_one not in folders:
        folders.append(shipped("mail", DEFAULT))
    return _opened(name, tuple(folder.resolve() for folder in folders))


@lru_cache(maxsize=16)
def _opened(name: str, folders: tuple[Path, ...]) -> Theme:
    """Each theme once: its templates stay read until their files change."""
    return Theme(name, folders)


def check_theme_name(name: str) -> None:
    """Raise Misuse for a name that could be a path."""
    if not is_theme_name(name):
        raise Misuse(
            f"{name!r} cannot be a theme's name: use small letters, digits, '-' and '_'.",
            next_step="newsletter theme list",
        )


def is_theme_name(name: str) -> bool:
    return _THEME_NAME.fullmatch(name) is not None


class ThemeLoader(BaseLoader):
    """Reads theme files, and only those: no path out of the folders, by name or by symbolic link."""

    def __init__(self, folders: tuple[Path, ...]) -> None:
        self._folders = folders

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        path = self.find(template)
        written = path.stat().st_mtime_ns
        source, tree = self.read(environment, path)
        for line, what in refused(tree):
            raise TemplateSyntaxError(what, line, template, str(path))
        return source, str(path), lambda: self._stands(template, path, written)

    def _stands(self, template: str, path: Path, written: int) -> bool:
        """Whether the file is as it was, and no other has come before it since."""
        try:
            return self.find(template) == path and path.stat().st_mtime_ns == written
        except (TemplateNotFound, OSError):
            return False

    def read(self, environment: Environment, path: Path) -> tuple[str, nodes.Template]:
        """A file's text, and what Jinja reads in it. Raises TemplateSyntaxError."""
        try:
            source = path.read_text(encoding="utf-8")
            tree = environment.parse(source, filename=str(path))
            deque(tree.find_all(nodes.Node), maxlen=0)  # too deep to be walked is too deep to be compiled
        except UnicodeDecodeError:
            raise TemplateSyntaxError("is not UTF-8 text", 0, filename=str(path)) from None
        except RecursionError:
            raise TemplateSyntaxError("nests too deep to be read", 0, filename=str(path)) from None
        return source, tree

    def find(self, template: str) -> Path:
        """Raises TemplateNotFound, with a sentence, for what is not there or may not be read."""
        folders = self._folders[-1:] if template.startswith(SHIPPED_PREFIX) else self._folders
        name = template.removeprefix(SHIPPED_PREFIX)
        if not _FILE_NAME.fullmatch(name):
            raise TemplateNotFound(
                name,
                f"{name!r} cannot be a theme file: names hold small letters, digits, '-', '_' and '.',"
                " and stay inside the theme",
            )
        for folder in folders:
            path = folder / name
            if not path.is_file():
                continue
            if not path.resolve().is_relative_to(folder):
                raise TemplateNotFound(name, f"{name!r} is a link that leads out of its theme")
            return path
        raise TemplateNotFound(name, f"there is no file {name!r}")


def files_in(folder: Path) -> list[Path]:
    """The templates and style sheets of one of a theme's folders; a link that leads out of it is none."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix in (".j2", ".css") and path.is_file() and path.resolve().is_relative_to(folder)
    ]
