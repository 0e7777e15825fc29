"""The wheel, installed alone beside its dependencies, works in an empty folder with an empty HOME."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LIBRARIES = Path(sysconfig.get_paths()["purelib"])


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`newsletter` in an environment of its own: the wheel, and links to the libraries of this one.

    Links instead of a path to this environment, whose editable install would stand in for the wheel.
    """
    home = tmp_path_factory.mktemp("env")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    libraries = home / LIBRARIES.relative_to(sys.prefix)
    for entry in LIBRARIES.iterdir():
        if "newsletter" not in entry.name and entry.suffix != ".pth":
            (libraries / entry.name).symlink_to(entry)
    subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", home / "bin" / "python",
         "install", "--quiet", "--no-deps", "--no-index", wheel],
        check=True,
    )  # fmt: skip
    return home / "bin" / "newsletter"


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    (tmp_path / "here").mkdir()
    return tmp_path / "here"


def call(program: Path, empty: Path, *words: str) -> str:
    done = subprocess.run(
        [program, *words], cwd=empty, env={"HOME": str(empty.parent / "home"), "PATH": os.defpath},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_carries_what_it_needs_and_nothing_of_ours(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    tops = {name.partition("/")[0].partition("-")[0] for name in names}
    assert tops == {"newsletter"}
    templates = {str(path.relative_to(ROOT)) for path in (ROOT / "templates").rglob("*") if path.is_file()}
    assert {f"newsletter/{name}" for name in templates} <= names
    assert {
        "newsletter/config.example.toml",
        "newsletter/render/paper/articles.jsonl",
        "newsletter/render/paper/pictures/market.jpg",
        "newsletter/render/lint/vocabulary.toml",
        "newsletter/locales/uk.po",
        "newsletter/demo/readers.csv",
        "newsletter/web/static/public.css",
        "newsletter/store/migrations/env.py",
    } <= names
    assert not [name for name in names if name.endswith((".pyc", ".db", ".key"))]


def test_it_runs_from_the_wheel_and_not_from_the_checkout(program: Path, empty: Path) -> None:
    told = subprocess.run(
        [program.parent / "python", "-c",
         "import newsletter; from newsletter.render.shipped import shipped;"
         "print(newsletter.__file__); print(shipped('mail'))"],
        cwd=empty, check=True, capture_output=True, text=True,
    ).stdout.splitlines()  # fmt: skip
    assert [str(ROOT) in line for line in told] == [False, False]
    assert [line.startswith(str(program.parents[1])) for line in told] == [True, True]


def test_it_begins_and_shows_a_whole_morning(program: Path, empty: Path) -> None:
    said = json.loads(call(program, empty, "init", "--json"))
    assert Path(said["config"]).name == "config.toml"
    assert (empty / "config.toml").read_bytes() == (ROOT / "config.example.toml").read_bytes()
    assert json.loads(call(program, empty, "db", "check", "--json"))["ok"]
    morning = json.loads(call(program, empty, "demo", "--no-serve", "--json"))
    assert morning["deliveries"]["sent"] == 25
    assert len(list((empty / "demo" / "mails").glob("*.eml"))) == 25
    assert list((empty.parent / "home").iterdir()) == [], "it leaves nothing in HOME"
