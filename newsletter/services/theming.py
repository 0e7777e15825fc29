"""An operator's themes: what there is, a new one, its faults, and how it looks in every state."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from newsletter.errors import Misuse, Refused
from newsletter.render.compile import compile_edition, neutral_html, plain_text
from newsletter.render.frames import SCHEMES, frames_page, in_scheme
from newsletter.render.letters import print_letter
from newsletter.render.lint.check import check_theme
from newsletter.render.lint.faults import Fault
from newsletter.render.sample import NEUTRAL, PICTURES, PICTURES_URL, states
from newsletter.render.sample_letters import letters
from newsletter.render.shipped import shipped
from newsletter.render.theme import DEFAULT, check_theme_name, is_theme_name, load_theme
from newsletter.runtime import Runtime
from newsletter.values import Rendition

MARK = "preview.json"
FIRST_FILE = "digest.mjml.j2"

START = """\
{{# {name}: the shipped theme with one block of its own. Docs: themes.md.
   A file here wins over the shipped one of the same name; what is not here comes from there. #}}
{{% extends "shipped:digest.mjml.j2" %}}

{{% block masthead %}}
<mj-section css-class="band" background-color="#1f4e79">
  <mj-column><mj-spacer height="8px" /></mj-column>
</mj-section>
{{{{ super() }}}}
{{% endblock %}}
"""


@dataclass(frozen=True, slots=True)
class ThemeLine:
    """A theme, who uses it, and how many faults it has; None where a newsletter names one that is not
    there. `own` says that the operator has files of it.
    """

    name: str
    own: bool
    used_by: tuple[str, ...]
    faults: int | None


def list_themes(runtime: Runtime) -> list[ThemeLine]:
    """The shipped themes and the operator's own, each checked."""
    there = _there(runtime)
    return [
        ThemeLine(
            name,
            own=runtime.themes is not None and (runtime.themes / name).is_dir(),
            used_by=tuple(n.slug for n in runtime.settings.newsletters if n.theme == name),
            faults=len(check(runtime, name)) if name in there else None,
        )
        for name in sorted({*there, *used(runtime)})
    ]


def used(runtime: Runtime) -> list[str]:
    """The themes that newsletters use, or the shipped one where there is no newsletter yet."""
    return sorted({newsletter.theme for newsletter in runtime.settings.newsletters}) or [DEFAULT]


def new_theme(runtime: Runtime, name: str) -> Path:
    """Begin a theme; gives its first file. Raises Misuse for a name that is none or where the
    configuration names no folder, Refused where there is something already.
    """
    check_theme_name(name)
    if runtime.themes is None:
        raise Misuse(
            "The configuration names no folder for themes of your own.",
            next_step='write themes = "themes" at the top of the configuration',
        )
    folder = runtime.themes / name
    runtime.themes.mkdir(parents=True, exist_ok=True)
    try:
        folder.mkdir()
    except FileExistsError:
        raise Refused(
            f"{folder} exists already; nothing was changed.", next_step=f"newsletter theme check {name}"
        ) from None
    file = folder / FIRST_FILE
    file.write_text(START.format(name=name), encoding="utf-8")
    return file


def check(runtime: Runtime, name: str) -> list[Fault]:
    """Every fault of a theme, over all sample editions and letters. Raises Misuse where there is no such
    theme."""
    return check_theme(load_theme(name, runtime.themes), states(), letters())


def preview(runtime: Runtime, name: str, folder: Path) -> Path:
    """Write every state and letter of a theme into `folder`, and one page that frames them all; gives
    that page.

    Raises Faulty for a theme that cannot be shown, Misuse for a folder that is a link, Refused for one
    that holds something else.
    """
    theme = load_theme(name, runtime.themes)
    pages = {state: _read(compile_edition(view, theme)) for state, view in states().items()}
    printed = {letter: print_letter(view, theme) for letter, view in letters().items()}
    pages |= {letter: (mail.html, mail.text) for letter, mail in printed.items()}
    _make_room(folder, name)
    shutil.copytree(PICTURES, folder / "pictures")
    for state, (html, text) in pages.items():
        for scheme in SCHEMES:
            _write(folder / f"{_file(state)}-{scheme}.html", in_scheme(html, scheme))
        _write(folder / f"{_file(state)}.txt", text)
    index = folder / "index.html"
    _write(index, frames_page(name, {state: _file(state) for state in pages}))
    return index


def _read(rendition: Rendition) -> tuple[str, str]:
    """Both parts as somebody reads them, with pictures from the preview's own folder."""
    html = neutral_html(rendition, NEUTRAL).replace(PICTURES_URL, "pictures/")
    return html, plain_text(rendition, NEUTRAL)


def _there(runtime: Runtime) -> set[str]:
    """The names of the themes that have a folder; one that cannot be named is none."""
    places = [place for place in (shipped("mail"), runtime.themes) if place and place.is_dir()]
    folders = (folder for place in places for folder in place.iterdir() if folder.is_dir())
    return {folder.name for folder in folders if is_theme_name(folder.name)}


def _make_room(folder: Path, name: str) -> None:
    """Leave an empty folder, in place of an earlier preview if there is one."""
    if folder.is_symlink():
        raise Misuse(
            f"{folder} is a link; a preview is written into a folder of its own.",
            next_step=f"newsletter theme preview {name} -o SOMEWHERE-ELSE",
        )
    if folder.exists():
        if not folder.is_dir() or (any(folder.iterdir()) and not (folder / MARK).is_file()):
            raise Refused(
                f"{folder} holds something that is not an earlier preview.",
                next_step=f"newsletter theme preview {name} -o SOMEWHERE-ELSE",
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    _write(folder / MARK, json.dumps({"preview_of": name}) + "\n")


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8", newline="\n")


def _file(state: str) -> str:
    return re.sub("[^a-z]+", "-", state)
