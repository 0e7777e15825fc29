"""One door to either store: SQLite, the embedded default, or PostgreSQL.

`writing()` begins a transaction that may write (on SQLite `BEGIN IMMEDIATE`, because its driver
opens none for a SELECT and a read followed by a write would lose updates); `reading()` begins one
that only reads; `preparing()` one that writes only after a while. All commit when the block ends well
and roll back when it does not.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlmodel import Session

from newsletter.errors import Misuse, StoreFailed
from newsletter.store.history import log_noted
from newsletter.store.letters import ASKED
from newsletter.store.network_files import refuse_network_file
from newsletter.store.postgresql import postgresql_engine

SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    # NORMAL may lose the watermark in a power cut, and then a mail would double
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    # For each connection, and a send has half a dozen: more would cost memory by the number of readers
    "PRAGMA cache_size=-2048",
    "PRAGMA secure_delete=ON",
)


READ_ONLY = "25006"  # PostgreSQL's code for a write where only reading is allowed


class Database:
    """The store behind a URL; safe to share between threads.

    Raises Misuse for a URL that names no supported store, StoreFailed when the store does not answer.
    """

    def __init__(self, url: str, *, busy_timeout: int = 30) -> None:
        self.engine = _engine(url, busy_timeout)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self.letters_asked = threading.Event()  # rung for a courier in this very process

    @contextmanager
    def reading(self) -> Iterator[Session]:
        with self._session("BEGIN") as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        with self._session("BEGIN IMMEDIATE") as session:
            yield session

    @contextmanager
    def preparing(self) -> Iterator[Session]:
        """Lets others write until its first statement to a table of the store, which must write, too."""
        with self._session("BEGIN") as session:
            yield session

    @contextmanager
    def _session(self, begin: str) -> Iterator[Session]:
        try:
            with self.engine.connect() as connection:
                connection.info["begin"] = begin
                with Session(connection, expire_on_commit=False) as session:
                    yield session
                    session.commit()
                    log_noted(session)
                    if session.info.pop(ASKED, False):
                        self.letters_asked.set()
        except DBAPIError as error:
            if _is_of_the_world(error):
                raise StoreFailed(self._sentence(error), next_step="newsletter db check") from error
            raise

    @property
    def file(self) -> Path | None:
        """The SQLite file, or None on PostgreSQL and in memory."""
        name = self.engine.url.database
        return Path(name) if self.is_sqlite and name and name != ":memory:" else None

    def empty_log(self) -> bool:
        """SQLite: bring everything into the file and empty the log beside it, which remembers what was.

        False when a reader would not let go within the busy timeout.
        """
        is_busy, *_ = self._alone("PRAGMA wal_checkpoint(TRUNCATE)")
        return not is_busy

    def rewrite(self) -> None:
        """SQLite: write the file anew, without what its free parts remember. Nobody writes meanwhile."""
        self._alone("VACUUM")

    def _alone(self, statement: str) -> Any:
        """Run a statement outside of any transaction, and give its first row. Raises StoreFailed."""
        connection = self.engine.raw_connection()
        try:
            return connection.cursor().execute(statement).fetchone()
        except self.engine.dialect.loaded_dbapi.Error as error:
            raise StoreFailed(
                f"The store {self.file} is not to be had: {error}.", next_step="newsletter db check"
            ) from error
        finally:
            connection.close()

    def close(self) -> None:
        self.engine.dispose()

    def _sentence(self, error: DBAPIError) -> str:
        name = f"The store {self.file}" if self.file else "The store"
        # The first line only: PostgreSQL's DETAIL may quote a row
        return f"{name} does not answer: {str(error.orig).splitlines()[0]}."


def _engine(url: str, busy_timeout: int) -> Engine:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # Not chained: the error quotes what it could not read, and that may be half a password
        raise Misuse(
            "[database] url is not a database URL.",
            next_step="write sqlite:///newsletter.db or postgresql://user@host/name",
        ) from None
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed, busy_timeout)
    if parsed.get_backend_name() == "postgresql":
        return postgresql_engine(parsed)
    raise Misuse(
        f"[database] url names {parsed.get_backend_name()!r}, which is no store of ours.",
        next_step="write sqlite:///newsletter.db or postgresql://user@host/name",
    )


def _sqlite(url: Any, busy_timeout: int) -> Engine:
    if url.database and url.database != ":memory:":
        refuse_network_file(Path(url.database))
    # hide_parameters: an IntegrityError would otherwise print a reader's address into the log
    plain = url.set(drivername="sqlite")
    engine = create_engine(
        plain, connect_args={"timeout": busy_timeout}, hide_parameters=True, pool_use_lifo=True
    )

    @event.listens_for(engine, "connect")
    def prepare(driver: Any, _record: Any) -> None:
        driver.isolation_level = None
        cursor = driver.cursor()
        for pragma in SQLITE_PRAGMAS:
            cursor.execute(pragma)
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.info.get("begin", "BEGIN IMMEDIATE"))

    return engine


def _is_of_the_world(error: DBAPIError) -> bool:
    """True for what a full disk, a restart or a fail-over does; anything else is our bug."""
    is_standby = getattr(error.orig, "sqlstate", "") == READ_ONLY
    return isinstance(error, OperationalError) or error.connection_invalidated or is_standby
