"""The real servers as fixtures. They start with the first test that wants them, once a test process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers import Server
from tests.servers.exim import Exim
from tests.servers.opensmtpd import OpenSMTPD
from tests.servers.postfix import Postfix

ALL = (Postfix, Exim, OpenSMTPD)


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[type[Server], Server]]:
    """Those that run already, by their kind."""
    servers: dict[type[Server], Server] = {}
    yield servers
    for server in servers.values():
        server.__exit__()


@pytest.fixture
def postfix(running: dict[type[Server], Server], tmp_path_factory: pytest.TempPathFactory) -> Server:
    return ready(Postfix, running, tmp_path_factory)


@pytest.fixture(params=ALL, ids=lambda kind: kind.name)
def real_server(
    request: pytest.FixtureRequest,
    running: dict[type[Server], Server],
    tmp_path_factory: pytest.TempPathFactory,
) -> Server:
    """Each of them in turn, with an empty mailbox."""
    return ready(request.param, running, tmp_path_factory)


def ready(kind: type[Server], running: dict[type[Server], Server], factory: pytest.TempPathFactory) -> Server:
    if kind not in running:
        running[kind] = kind(factory.mktemp(kind.name)).__enter__()
    running[kind].empty()
    return running[kind]
