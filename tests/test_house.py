"""The house rules that a machine can hold: arrows, one clock, few doors to the world, small rooms."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HOUSE = ROOT / "newsletter"
MIGRATIONS = HOUSE / "store" / "migrations" / "versions"
MODULES = {
    str(path.relative_to(HOUSE)): ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted(HOUSE.rglob("*.py"))
    if MIGRATIONS not in path.parents
}
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]

# Packages that can open a connection, and who may import them
WIRES = {
    "aiosmtpd", "ftplib", "http", "httpcore", "httpx", "poplib", "requests", "smtplib", "socket", "ssl",
    "telnetlib", "urllib3", "urllib.request", "uvicorn", "websockets",
}  # fmt: skip
DOORS = {
    "feeds/door.py": "the one door to foreign addresses: it checks each before it connects",
    "feeds/posting.py": "posts alerts through that door, to the address that the configuration names",
    "feeds/fetch.py": "asks through that door; reads its client's answers and errors",
    "mail/smtp.py": "relays, from the configuration alone: certificates",
    "mail/wire.py": "relays, from the configuration alone: the upgrade to TLS",
    "web/server.py": "listens for readers",
    "demo/catchall.py": "listens on this machine for the demo's mails",
    "store/leases.py": "asks for this machine's name where there is no boot id",
}
# What asks the time or lets it pass, however it is imported
TIME = {"now", "utcnow", "today"}


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def wires(tree: ast.AST) -> set[str]:
    """The packages in `WIRES` that a module imports."""
    return {wire for name in imported(tree) for wire in WIRES if name == wire or name.startswith(f"{wire}.")}


def asks_the_time(tree: ast.AST) -> list[int]:
    """Lines that ask the machine for the time, or sleep."""
    lines = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in TIME:
            owner = node.value.id if isinstance(node.value, ast.Name) else getattr(node.value, "attr", "")
            lines += [node.lineno] if owner in ("datetime", "date", "dt") else []
        elif isinstance(node, ast.Import):
            lines += [node.lineno for alias in node.names if alias.name == "time"]
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            lines.append(node.lineno)
    return lines


def built_sql(tree: ast.AST) -> list[int]:
    """Lines where a statement is put together from text."""
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and _name(node.func) in ("exec_driver_sql", "text", "execute", "literal_column")
        and node.args
        and isinstance(node.args[0], ast.JoinedStr | ast.BinOp)
    ]


def own_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """A function's lines without those of the functions and classes within it."""
    inner = [n for n in ast.walk(function) if n is not function and isinstance(n, ast.ClassDef | FUNCTIONS)]
    lines = set(range(function.lineno, (function.end_lineno or 0) + 1))
    for node in inner:
        lines -= set(range(node.lineno, (node.end_lineno or 0) + 1))
    return len(lines)


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef


def test_imports_point_downwards() -> None:
    program = Path(sys.executable).parent / "lint-imports"
    result = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout
    assert "2 kept, 0 broken" in result.stdout


def test_no_arrow_is_excused() -> None:
    contracts = SETTINGS["importlinter"]["contracts"]
    assert not [contract["name"] for contract in contracts if "ignore_imports" in contract]
    layers = next(contract for contract in contracts if contract["type"] == "layers")
    assert layers["exhaustive"] and layers["exhaustive_ignores"] == ["__main__"]
    services = {f"newsletter.services.{p.stem}" for p in (HOUSE / "services").glob("[a-z]*.py")}
    alone = next(contract for contract in contracts if contract["type"] == "independence")
    # Parts that several stand on, or that were cut off one for its size
    parts = {
        "newcomers", "drafting", "timing", "revising", "standing", "touching", "wording", "events",
        "channels", "lines", "needs", "underway", "columns", "finding", "sheets", "checking",
        "readiness", "planning", "collecting", "reviewing", "seeing", "many", "lettering", "asking",
        "passwords", "persons",
    }  # fmt: skip
    assert services - set(alone["modules"]) == {f"newsletter.services.{part}" for part in parts}


def test_only_the_clock_asks_the_time() -> None:
    asking = {name: asks_the_time(tree) for name, tree in MODULES.items() if name != "clock.py"}
    assert {name: lines for name, lines in asking.items() if lines} == {}


def test_foreign_connections_have_one_door() -> None:
    assert {name for name, tree in MODULES.items() if wires(tree)} == DOORS.keys()


def test_one_module_runs_programs() -> None:
    running = {name for name, tree in MODULES.items() if set(imported(tree)) & {"subprocess", "os.system"}}
    assert running == {"services/channels.py"}


def test_no_sql_is_built_from_text() -> None:
    assert "S" in SETTINGS["ruff"]["lint"]["select"]
    assert not {"S", "S6", "S608"} & set(SETTINGS["ruff"]["lint"]["ignore"])
    assert {name: built_sql(tree) for name, tree in MODULES.items() if built_sql(tree)} == {}
    noted = [p.name for p in HOUSE.rglob("*.py") if "S608" in p.read_text(encoding="utf-8")]
    assert noted == []


def test_files_are_short() -> None:
    long = {
        name: lines
        for name in MODULES
        if (lines := len((HOUSE / name).read_text(encoding="utf-8").splitlines())) > 300
    }
    assert long == {}


def test_functions_are_short() -> None:
    long = {
        f"{name}:{node.lineno} {node.name}": own_lines(node)
        for name, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, FUNCTIONS) and own_lines(node) > 40
    }
    assert long == {}


def test_every_module_tells_its_part() -> None:
    silent = [name for name, tree in MODULES.items() if tree.body and not ast.get_docstring(tree)]
    assert silent == []


@pytest.mark.parametrize(
    "line",
    [
        "datetime.now(UTC)",
        "datetime.datetime.utcnow()",
        "date.today()",
        "import time",
        "from time import sleep",
    ],
)
def test_the_look_for_clocks_finds_one(line: str) -> None:
    assert asks_the_time(ast.parse(line)) == [1]


@pytest.mark.parametrize("line", ["runtime.clock.now()", "from datetime import time", "dates.today"])
def test_the_look_for_clocks_finds_no_ghost(line: str) -> None:
    assert asks_the_time(ast.parse(line)) == []


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("import httpx", {"httpx"}), ("from urllib.request import urlopen", {"urllib.request"}),
        ("from urllib import request", {"urllib.request"}), ("from urllib.parse import urlsplit", set()),
    ],
)  # fmt: skip
def test_the_look_for_wires_finds_one(line: str, found: set[str]) -> None:
    assert wires(ast.parse(line)) == found


def test_the_look_for_built_sql_finds_one() -> None:
    assert built_sql(ast.parse('session.execute(f"SELECT {name}")\ntext("SELECT " + name)')) == [1, 2]


def test_the_measure_of_functions_leaves_out_what_is_within() -> None:
    (outer,) = ast.parse("def a():\n    x = 1\n    def b():\n        y = 2\n    return b").body
    assert isinstance(outer, ast.FunctionDef) and own_lines(outer) == 3


def test_the_pages_links_lead_somewhere() -> None:
    pages = [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")]
    dead = [
        f"{page.name}: {target}"
        for page in pages
        for target in re.findall(r'(?:\]\(|srcset="|src=")([^)"#]+)', page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert dead == []
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    assert [
        page.name for page in pages[2:] if page.name not in ("README.md",) and page.name not in index
    ] == []


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 120
