"""The schema's version, the migrations, and how the two stores are opened."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from newsletter.errors import Misuse, StoreFailed
from newsletter.models import Newsletter, Table
from newsletter.store import public, schema
from newsletter.store.database import Database
from newsletter.store.schema import MIGRATIONS, expected_version, require_current, store_version, upgrade
from newsletter.store.words import wanted
from tests.people import make_newsletter

INDEX = "ix_rendition_words"


def set_version(database: Database, version: str) -> None:
    with database.writing() as session:
        session.execute(sa.text("DELETE FROM alembic_version"))
        if version:
            session.execute(sa.text("INSERT INTO alembic_version VALUES (:v)"), {"v": version})


def test_the_migrations_make_exactly_the_models(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "compare_server_default": True,
                # Each store's index of words is of its own kind, and no model's
                "include_name": lambda name, *_: not str(name).startswith(("rendition_words", INDEX)),
            },
        )
        assert compare_metadata(context, Table.metadata) == []


def test_the_migrations_make_the_models_checks_too(database: Database) -> None:
    made = sa.inspect(database.engine)
    for table in Table.metadata.sorted_tables:
        wanted = {str(c.name) for c in table.constraints if isinstance(c, sa.CheckConstraint)}
        assert {c["name"] for c in made.get_check_constraints(table.name)} == wanted, table.name


def test_upgrading_again_changes_nothing(database: Database) -> None:
    with database.writing() as session:
        number = make_newsletter(session, "kept")
    assert upgrade(database) == upgrade(database) == store_version(database) == expected_version()
    require_current(database)
    with database.reading() as session:
        assert session.get_one(Newsletter, number).slug == "kept"


def test_the_migrations_versions_are_told_without_loading_them() -> None:
    scripts = ScriptDirectory.from_config(schema._config())
    assert [script.revision for script in scripts.walk_revisions()][::-1] == schema._versions()


def test_a_store_behind_is_refused_with_that_sentence(database: Database) -> None:
    set_version(database, "")
    with pytest.raises(StoreFailed, match=r"is behind this program \(version empty, needed ") as refused:
        require_current(database)
    assert refused.value.next_step == "newsletter db upgrade"
    assert refused.value.exit_code == 5


def test_a_store_ahead_is_refused_with_that_sentence(database: Database) -> None:
    set_version(database, "v9999")
    with pytest.raises(StoreFailed, match=r"is ahead of this program \(version v9999\)"):
        require_current(database)


def test_a_missing_file_is_not_created_by_asking(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/none.db")
    with pytest.raises(StoreFailed, match="There is no store at"):
        require_current(database)
    assert list(tmp_path.iterdir()) == []


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/newsletter.db")
    upgrade(database)
    with database.writing() as session:
        session.execute(sa.text("CREATE TABLE held_open (n INTEGER)"))
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    database.close()
    assert modes == dict.fromkeys(("newsletter.db", "newsletter.db-wal", "newsletter.db-shm"), 0o600)


def test_every_sqlite_connection_is_durable_and_strict(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/newsletter.db")
    upgrade(database)
    connections = [database.engine.connect() for _ in range(3)]
    for connection in connections:
        connection.info["begin"] = "BEGIN"
        told = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "busy_timeout")
        }
        assert told == {
            "journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1,
            "busy_timeout": 30_000,
        }  # fmt: skip
    for connection in connections:
        connection.close()
    database.close()


@pytest.mark.parametrize("url", ["mysql://host/news", "newsletter.db"])
def test_a_store_that_is_none_of_ours_is_refused(url: str) -> None:
    with pytest.raises(Misuse) as refused:
        Database(url)
    assert "sqlite:///newsletter.db" in refused.value.next_step


def test_a_store_that_does_not_answer_says_so_in_one_line() -> None:
    database = Database("postgresql://nobody@127.0.0.1:1/none?connect_timeout=2")
    with pytest.raises(StoreFailed) as refused, database.reading() as session:
        session.execute(sa.select(1))
    database.close()
    assert re.fullmatch(r"The store does not answer: .*Connection refused\.", refused.value.sentence)


def test_what_went_out_before_there_was_a_search_is_found(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/old.db")
    before = ScriptDirectory(str(MIGRATIONS)).get_revision("0014").down_revision
    with database.engine.connect() as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(MIGRATIONS))
        config.set_main_option("path_separator", "os")
        command.upgrade(config, str(before))
        for statement in AN_OLD_EDITION:
            connection.exec_driver_sql(statement)
        connection.commit()
    upgrade(database)
    with database.reading() as session:
        for query in ("geneva", "TALKS", "ferr sail"):
            (found,) = public.found(session, "town", wanted(query), limit=9)
            assert found.subject == "Geneva talks end"
        assert public.found(session, "town", ["thursday"], limit=9) == ()
    database.close()


AN_OLD_EDITION = (
    "INSERT INTO newsletter (id, slug, name, created_at) VALUES (1, 'town', 'Town', '2026-01-01')",
    "INSERT INTO article (id, url, identity, kind, title, summary, byline, section, language, picture_url,"
    " picture_width, picture_height, picture_alt, duration, html, published_at, first_seen_at, updated_at)"
    " VALUES (1, 'u', 'i', 'story', 'On Thursday', 'The ferries', '', '', '', '', 0, 0, '', '', '',"
    " '2026-01-01', '2026-01-01', '2026-01-01')",
    "INSERT INTO edition (id, newsletter_id, slug, kind, local_date, due_at, state, version, late, why,"
    " resume_to, subject, began_at, rendition_id, reasons, created_at) VALUES (1, 1, '2026-01-02', 'daily',"
    " '2026-01-02', '2026-01-02', 'sent', 1, 0, '', '', 'x', '2026-01-02', 1, '{}', '2026-01-01')",
    "INSERT INTO rendition (id, edition_id, edition_version, theme, hash, subject, preheader, body,"
    " created_at) VALUES (1, 1, 1, 'default', 'h', 'Geneva talks end', '', x'00', '2026-01-02')",
    "INSERT INTO entry (edition_id, article_id, slot, section, position, pinned, headline, summary, why)"
    " VALUES (1, 1, 'lead', '', 0, 0, 'It sails on', '', '')",
    "INSERT INTO batch (edition_id, no, lane, due_at, not_before, deadline, state, size, begun, token, sent,"
    " deferred, failed, unknown, expired, cancelled, moved) VALUES (1, 1, 'rest', '2026-01-02',"
    " '2026-01-02', '2026-01-02', 'done', 1, 1, 0, 1, 0, 0, 0, 0, 0, 0)",
)
