"""The help has an example that works for each command, and what is advised can be done."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from newsletter.cli import run
from tests.cli.commands import COMMANDS, understand

ROOT = Path(__file__).parents[2]
ADVICE = re.compile(r"newsletter [a-z]")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_an_example_that_it_understands(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*name.split(), "--help"]) == 0
    told = capsys.readouterr()
    assert told.err == ""
    assert max(map(len, told.out.splitlines())) <= 80
    examples = re.findall(r"^ +Example: (newsletter .*)$", told.out, re.MULTILINE)
    assert [understand(line) for line in examples] == [name], "wrapped, or wrong"
    assert all(f"--{option}" in told.out for option in ("json", "quiet", "config", "now"))


@pytest.mark.parametrize("words", [[], ["--help"]])
def test_the_program_lists_its_commands_each_in_a_whole_line(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) == 0
    listed = capsys.readouterr().out.partition("Commands:")[2].splitlines()[1:]
    assert {line.split()[0] for line in listed} == {name.split()[0] for name in COMMANDS}
    assert [line for line in listed if line.endswith("...")] == []
    assert max(map(len, listed)) <= 80


def texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and text of every string; X stands for what is filled in."""
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner:
            yield node.lineno, node.value
        elif isinstance(node, ast.JoinedStr):
            parts = (part.value if isinstance(part, ast.Constant) else "X" for part in node.values)
            yield node.lineno, "".join(map(str, parts))


def advice() -> Iterator[tuple[str, str]]:
    """Where, and each string of the program that is a command to be given next."""
    for path in sorted((ROOT / "newsletter").rglob("*.py")):
        for line, text in texts(ast.parse(path.read_text(encoding="utf-8"))):
            if ADVICE.match(text) and not text.endswith(" --help"):
                yield f"{path.relative_to(ROOT)}:{line}", text


def commands_in(text: str) -> list[str]:
    """`newsletter gather, or newsletter articles import FILE` → both commands."""
    return [
        part.strip()
        for part in re.split(r"[,:;]| goes on| writes one| or (?=newsletter)", text)
        if ADVICE.match(part.strip())
    ]


def test_advice_can_be_followed() -> None:
    told = list(advice())
    wrong = {}
    for place, text in told:
        for line in commands_in(text):
            try:
                understand(line)
            except (ValueError, typer.TyperException) as error:
                wrong[f"{place} {line}"] = str(error)
    assert len(told) > 20
    assert wrong == {}


def written(page: Path) -> Iterator[str]:
    """The command lines of a page's code blocks, comments and options' brackets taken off."""
    for block in re.findall(
        r"^```[a-z]*\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    ):
        for line in block.splitlines():
            if line.startswith("newsletter "):
                yield re.sub(r"[\[\]]", "", re.split(r" {2,}", line)[0])


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=lambda p: p.name
)
def test_a_page_names_commands_that_exist(page: Path) -> None:
    for line in written(page):
        assert understand(line)


def test_the_pages_name_most_commands() -> None:
    named = {understand(line) for page in (ROOT / "docs").glob("*.md") for line in written(page)}
    assert len(named) >= 12
