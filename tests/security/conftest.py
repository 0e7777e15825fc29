"""A newsroom and its relay for whole stories; a paper with its web server for pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from newsletter.demo.catchall import free_port
from tests.newsroom import Newsroom
from tests.smtpd import SmtpServer
from tests.web.conftest import paper, runtime, site

__all__ = ["paper", "runtime", "site"]

PROOF = "desk@town.example"


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


@pytest.fixture
def room(tmp_path: Path, database_url: str, server: SmtpServer) -> Newsroom:
    """Empty: the story imports its own articles and readers."""
    folder = tmp_path / "room"
    return Newsroom(
        folder, database_url, server.port, newsletter=f'proof = ["{PROOF}"]', web_port=free_port()
    )
