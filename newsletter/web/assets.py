"""Our own style sheets, scripts and pictures, read from the package once.

Only names found then are ever served, so no path of a request reaches the file system. The folder's
hash stands in the address: a new release is a new address, and caches may keep an old one for ever.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

ASSETS = {
    file.name: file.read_bytes()
    for file in sorted((Path(__file__).parent / "static").iterdir())
    if file.suffix in TYPES
}
VERSION = sha256(b"\0".join(name.encode() + b"\0" + body for name, body in ASSETS.items())).hexdigest()[:12]


def asset_url(name: str) -> str:
    """The address of a file that we ship; KeyError for one that we do not."""
    ASSETS[name]
    return f"/static/{VERSION}/{name}"


def asset_type(name: str) -> str:
    return TYPES[Path(name).suffix]
