"""Procrastinate's tables beside ours: made once, anew for another version, and never another program's."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from newsletter.errors import Refused, StoreFailed
from newsletter.store import hints
from newsletter.store.database import Database


@pytest.fixture
def database_url(postgresql_url: str) -> str:
    return postgresql_url


def jobs(database: Database) -> int:
    with database.reading() as session:
        return int(session.execute(text("SELECT count(*) FROM procrastinate_jobs")).scalar_one())


def add_job(database: Database) -> None:
    with database.writing() as session:
        session.execute(text("INSERT INTO procrastinate_jobs (queue_name, task_name) VALUES ('q', 't')"))


def test_they_are_made_once(database: Database) -> None:
    with pytest.raises(StoreFailed, match="lacks the tables"):
        hints.require(database)
    hints.set_up(database)
    hints.require(database)
    add_job(database)
    hints.set_up(database)
    assert jobs(database) == 1


def test_those_of_another_version_are_made_anew(database: Database) -> None:
    hints.set_up(database)
    add_job(database)
    with database.writing() as session:
        session.execute(text("COMMENT ON TABLE procrastinate_jobs IS 'newsletter, Procrastinate 2.0.0'"))
    with pytest.raises(StoreFailed, match="another version"):
        hints.require(database)
    hints.set_up(database)
    hints.require(database)
    assert jobs(database) == 0


def test_another_programs_are_left_alone(database: Database) -> None:
    with database.writing() as session:
        session.execute(text("CREATE TABLE procrastinate_jobs (theirs text)"))
    with pytest.raises(Refused, match="another program"):
        hints.set_up(database)
    with database.reading() as session:
        assert session.execute(text("SELECT count(theirs) FROM procrastinate_jobs")).scalar_one() == 0
