"""What PostgreSQL alone needs: encrypted ways to it, errors that quote no row, and rows by the thousand.

SQLite's side stands in `database`; everything else is the same code for both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, LiteralString

from sqlalchemy import URL, Engine, ExceptionContext, create_engine, event
from sqlalchemy.exc import NoSuchModuleError
from sqlmodel import Session

from newsletter.config import is_loopback
from newsletter.errors import Misuse, StoreFailed


def postgresql_engine(url: URL) -> Engine:
    """Raises Misuse when the driver is not installed."""
    try:
        engine = create_engine(
            url.set(drivername="postgresql+psycopg"), connect_args=_encryption(url), hide_parameters=True,
            pool_pre_ping=True, pool_size=10, pool_use_lifo=True,
        )  # fmt: skip
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise Misuse(
            "[database] url names PostgreSQL, but its driver is not installed.",
            next_step="pip install 'newsletter[postgres]'",
        ) from error
    event.listen(engine, "handle_error", _quote_no_row)
    return engine


def connection_keys(engine: Engine) -> dict[str, Any]:
    """What psycopg needs to open a connection of its own to the same store, encrypted alike."""
    _, keys = engine.dialect.create_connect_args(engine.url)
    return {**keys, **_encryption(engine.url)}


LETS_GO = "lets go after"  # in a connection's `info`


def let_go_when_asleep(engine: Engine, seconds: float) -> None:
    """End a transaction of ours that stands still so long: a process that was stopped in the middle of one
    would keep its locks from everybody else. It is a StoreFailed for whoever wakes."""
    value = str(round(seconds * 1000))

    @event.listens_for(engine, "checkout")
    def prepare(driver: Any, record: Any, _proxy: Any) -> None:
        if record.info.get(LETS_GO) != value:
            driver.execute("SELECT set_config('idle_in_transaction_session_timeout', %s, false)", [value])
            driver.commit()
            record.info[LETS_GO] = value


def copy_in(session: Session, statement: LiteralString, rows: Iterable[Sequence[Any]]) -> None:
    """Give rows to a COPY … FROM STDIN, which is many times as quick as INSERT. Raises StoreFailed."""
    connection = session.connection()
    driver: Any = connection.connection.driver_connection
    errors: Any = connection.dialect.dbapi
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except errors.Error as error:
        # Not chained: the error quotes the row that it was about
        raise StoreFailed(f"The store did not take a list in: {_first_line(error)}.") from None


def _encryption(url: URL) -> dict[str, str]:
    """Over a network the server must prove its name, unless the URL itself decides otherwise."""
    if "sslmode" in url.query or all(map(_stays_here, _hosts(url))):
        return {}
    return {"sslmode": "verify-full"}


def _hosts(url: URL) -> list[str]:
    """Every host that the URL names; libpq takes several, and each may have its port."""
    named: list[str] = [url.host or ""]
    for key in ("host", "hostaddr"):
        value = url.query.get(key, ())
        named += [value] if isinstance(value, str) else value
    return [host for entry in named for host in entry.split(",")]


def _stays_here(host: str) -> bool:
    """A socket's folder, this machine, or nothing: libpq then takes the socket."""
    return not host or host.startswith(("/", "@")) or is_loopback(host)


def _quote_no_row(context: ExceptionContext) -> None:
    """DETAIL and CONTEXT say which values an error was about, and those are readers' addresses."""
    for error in (context.original_exception, context.sqlalchemy_exception):
        if error is not None and error.args:
            error.args = (_first_line(error.args[0]), *error.args[1:])


def _first_line(text: Any) -> str:
    return next(iter(str(text).splitlines()), "")
