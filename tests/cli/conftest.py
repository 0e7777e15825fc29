"""A newsroom on SQLite and its relay: what the commands are tried on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.newsroom import Newsroom
from tests.smtpd import SmtpServer


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty folder to stand in, and no setting from outside."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name in ("NEWSLETTER_CONFIG", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def relay() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


@pytest.fixture
def room(tmp_path: Path, sqlite_template: Path, relay: SmtpServer) -> Newsroom:
    folder = tmp_path / "room"
    folder.mkdir()
    (folder / "newsletter.db").write_bytes(sqlite_template.read_bytes())
    return Newsroom(folder, "sqlite:///newsletter.db", relay.port)
