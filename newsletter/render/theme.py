"""A theme: a folder of mail templates, the operator's own before the shipped one.

A file is looked for in `<themes>/<name>/`, then in the shipped theme of that name (or the shipped
default, when the name is the operator's own). So a theme may be a single file: one part, or a
`digest.mjml.j2` that says `{% extends "shipped:digest.mjml.j2" %}` and overrides one block.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import BaseLoader, Environment, TemplateNotFound, TemplateSyntaxError

from newsletter.errors import Misuse, NewsletterError
from newsletter.render.holes import forbid_misuse
from newsletter.render.sandbox import Sandbox, forbid_ways_out
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
        self._environment = Sandbox(_ThemeLoader(folders))

    def render(self, template: str, **context: Any) -> str:
        """The template's text. Raises Misuse with the theme's file and line for any fault of the theme."""
        try:
            return self._environment.get_template(template).render(context)
        except NewsletterError:
            raise
        except TemplateSyntaxError as error:
            raise self.fault(self._place(error.filename or template, error.lineno), error.message) from error
        except TemplateNotFound as error:
            raise self.fault(self._last_place(error) or template, f"there is no file {error.name}") from error
        except Exception as error:
            place = self._last_place(error)
            if not place:
                raise
            raise self.fault(place, str(error) or type(error).__name__) from error

    def fault(self, place: str, what: str | None) -> Misuse:
        return Misuse(f"Theme {self.name}, {place}: {what}.", next_step="mend the theme, then preview it")

    def _last_place(self, error: Exception) -> str:
        """The innermost template line that an error came through; Jinja keeps them in the traceback."""
        for frame in reversed(traceback.extract_tb(error.__traceback__)):
            if any(Path(frame.filename).is_relative_to(folder) for folder in self.folders):
                return self._place(frame.filename, frame.lineno)
        return ""

    def _place(self, filename: str, line: int | None) -> str:
        for folder in self.folders:
            if Path(filename).is_relative_to(folder):
                filename = Path(filename).relative_to(folder).as_posix()
        return f"{filename}:{line}" if line else filename


def load_theme(name: str, themes: Path | None = None) -> Theme:
    """The theme `name`; `themes` is the folder of the operator's own, if any. Raises Misuse."""
    if not _THEME_NAME.fullmatch(name):
        raise Misuse(f"{name!r} cannot be a theme's name: use small letters, digits, '-' and '_'.")
    own = [themes / name] if themes else []
    shipped_one = shipped("mail", name)
    folders = [folder for folder in [*own, shipped_one] if folder.is_dir()]
    if not folders:
        places = " or ".join(str(folder.parent) for folder in [*own, shipped_one])
        raise Misuse(f"There is no theme {name!r} in {places}.", next_step=f'set theme = "{DEFAULT}"')
    if shipped_one not in folders:
        folders.append(shipped("mail", DEFAULT))
    return Theme(name, tuple(folder.resolve() for folder in folders))


class _ThemeLoader(BaseLoader):
    """Reads theme files, and only those: no path out of the folders, by name or by symbolic link."""

    def __init__(self, folders: tuple[Path, ...]) -> None:
        self._folders = folders

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        name = template.removeprefix(SHIPPED_PREFIX)
        folders = self._folders[-1:] if template.startswith(SHIPPED_PREFIX) else self._folders
        path = self._find(name, folders)
        try:
            source = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise Misuse(f"The theme file {path} is not UTF-8 text: {error}.") from error
        written = path.stat().st_mtime_ns
        tree = environment.parse(source, template, str(path))
        forbid_misuse(tree, template, str(path))
        forbid_ways_out(tree, template, str(path))
        return source, str(path), lambda: path.exists() and path.stat().st_mtime_ns == written

    def _find(self, name: str, folders: tuple[Path, ...]) -> Path:
        if not _FILE_NAME.fullmatch(name):
            raise Misuse(
                f"{name!r} cannot be a theme file: names hold small letters, digits, '-', '_' and '.',"
                " and stay inside the theme."
            )
        for folder in folders:
            path = folder / name
            if not path.is_file():
                continue
            if not path.resolve().is_relative_to(folder):
                raise Misuse(f"The theme file {path} is a link that leads out of its theme.")
            return path
        raise TemplateNotFound(name)
