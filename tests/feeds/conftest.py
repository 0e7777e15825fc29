"""A web server for every test that fetches."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.feeds.server import Server


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()
