"""The schema's version: brought forward by `newsletter db upgrade`, checked by everything else."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from newsletter.errors import StoreFailed
from newsletter.store.database import Database

MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(database: Database) -> str:
    """Bring the store to this program's version, creating it when empty; returns that version.

    Raises StoreFailed when the store is ahead of this program.
    """
    _make_private(database)
    _refuse_newer(store_version(database))
    config = _config()
    with database.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()
    return expected_version()


def expected_version() -> str:
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def store_version(database: Database) -> str:
    """The version that the store is at; empty when it has never been set up."""
    with database.reading() as session:
        return MigrationContext.configure(session.connection()).get_current_revision() or ""


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
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if version and version not in known:
        raise StoreFailed(
            f"The store is ahead of this program (version {version}).",
            next_step="install the newer program again; nothing was changed",
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config


def _make_private(database: Database) -> None:
    """A store holds addresses: readable by its owner only (SQLite's -wal and -shm copy its mode)."""
    if database.file is not None and not database.file.exists():
        database.file.touch(mode=0o600)
