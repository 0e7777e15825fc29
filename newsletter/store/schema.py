"""The schema's version: brought forward by `newsletter db upgrade`, checked by everything else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from newsletter.errors import StoreFailed
from newsletter.store.database import Database

if TYPE_CHECKING:  # alembic takes long to load, and only an upgrade needs it
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"
_LINK = re.compile(r'^revision = "(\w+)"\ndown_revision = (?:None|"(\w+)")$', re.MULTILINE)


def upgrade(database: Database) -> str:
    """Bring the store to this program's version, creating it when empty; returns that version.

    Raises StoreFailed when the store is ahead of this program.
    """
    from alembic import command

    _make_private(database)
    _refuse_newer(store_version(database))
    config = _config()
    with database.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()
    return expected_version()


def expected_version() -> str:
    return _versions()[-1]


def store_version(database: Database) -> str:
    """The version that the store is at; empty when it has never been set up."""
    with database.reading() as session:
        if not sa.inspect(session.connection()).has_table("alembic_version"):
            return ""
        return session.scalar(sa.text("SELECT version_num FROM alembic_version")) or ""


def require_current(database: Database) -> None:
    """Raises StoreFailed unless the store is exactly at this program's version."""
    if database.file is not None and not database.file.exists():
        raise StoreFailed(f"There is no store at {database.file}.", next_step="newsletter db upgrade")
    version, expected = store_version(database), expected_version()
    if version == expected:
        return
    _refuse_newer(version)
    raise StoreFailed(
        f"The store is behind this program (version {version or 'empty'}, needed {expected}).",
        next_step="newsletter db upgrade",
    )


def _refuse_newer(version: str) -> None:
    if version and version not in _versions():
        raise StoreFailed(
            f"The store is ahead of this program (version {version}).",
            next_step="install the newer program again; nothing was changed",
        )


def _versions() -> list[str]:
    """Oldest first, as each migration names the one before it."""
    after: dict[str, str] = {}
    for file in (MIGRATIONS / "versions").glob("v*.py"):
        for version, before in _LINK.findall(file.read_text(encoding="utf-8")):
            after[before] = version
    versions = [after[""]]
    while versions[-1] in after:
        versions.append(after[versions[-1]])
    return versions


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config


def _make_private(database: Database) -> None:
    """A store holds addresses: readable by its owner only (SQLite's -wal and -shm copy its mode)."""
    if database.file is not None and not database.file.exists():
        database.file.touch(mode=0o600)
