"""Nothing with a known hole is locked, asked for or installed: each package is at or above its floor."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[2]
FLOORS = tomllib.loads((ROOT / "tests/floors.toml").read_text(encoding="utf-8"))
PACKAGES: dict[str, dict[str, Any]] = FLOORS["packages"]


def locked(lock: str) -> dict[str, Version]:
    return {
        name: Version(found) for name, found in re.findall(r"^([a-z0-9-]+)==([^\s;\\]+)", lock, re.MULTILINE)
    }


LOCK = locked((ROOT / "requirements.lock").read_text(encoding="utf-8"))


def too_old(versions: dict[str, Version]) -> list[str]:
    """Packages below their floor, and those that must be there and are not."""
    return [
        name
        for name, told in PACKAGES.items()
        if (name in versions or not told.get("if_present"))
        and versions.get(name, Version("0")) < Version(told["floor"])
    ]


def test_the_lock_is_above_every_floor() -> None:
    assert len(LOCK) > 50
    assert too_old(LOCK) == []
    assert Version(FLOORS["python"]["floor"]) <= Version(".".join(map(str, sys.version_info[:3])))


def test_the_look_finds_what_is_old_and_what_is_gone() -> None:
    assert too_old(LOCK | {"jinja2": Version("3.1.5"), "urllib3": Version("2.6.9")}) == ["jinja2", "urllib3"]
    without = {name: found for name, found in LOCK.items() if name not in ("starlette", "urllib3")}
    assert too_old(without) == ["starlette"]


@pytest.mark.parametrize("name", PACKAGES)
def test_what_runs_here_is_above_its_floor(name: str) -> None:
    try:
        found = Version(version(name))
    except PackageNotFoundError:
        assert PACKAGES[name].get("if_present"), f"{name} is not installed"
    else:
        assert found >= Version(PACKAGES[name]["floor"]), PACKAGES[name]["why"]


def test_whoever_installs_without_the_lock_gets_no_older_ones() -> None:
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    ranges = {one.name.lower(): one.specifier for one in map(Requirement, asked)}
    for name in PACKAGES.keys() & ranges.keys():
        lower = [Version(part.version) for part in ranges[name] if part.operator == ">="]
        assert lower and lower[0] >= Version(PACKAGES[name]["floor"]), name
