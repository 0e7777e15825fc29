"""Hints among many machines: Procrastinate's jobs, each of which says "look at batch n of edition e".

The ledger is the truth and a job only a hint, so Procrastinate's tables may be lost, emptied, or made
anew by an upgrade at any time: what no job holds is found here, and hinted at again. A job holds its
batch while it runs, or once it may be fetched; one that waits for a later moment holds nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from sqlalchemy import Select, String, cast, column, delete, exists, func, or_, select, table, text
from sqlmodel import Session, col

from newsletter.errors import Refused, StoreFailed
from newsletter.models import Batch, BatchState, Edition, EditionState
from newsletter.store.control import goes_on
from newsletter.store.database import Database
from newsletter.store.ledger import SENDABLE, is_batch
from newsletter.values import BatchKey

_JOBS = table(
    "procrastinate_jobs", column("lock", String), column("status"), column("scheduled_at"),
    column("queue_name", String),
)  # fmt: skip
_WORKERS = table("procrastinate_workers", column("last_heartbeat"))
_STATUS = cast(_JOBS.c.status, String)


def lock_of(key: BatchKey) -> str:
    """The lock by which jobs name a batch: no two of them run at once."""
    return f"{key.edition_id}/{key.no}"


_LOCK = cast(col(Batch.edition_id), String) + "/" + cast(col(Batch.no), String)
_HINTED = exists().where(_JOBS.c.lock == _LOCK, _STATUS.in_(["todo", "doing"]))
_HELD = _HINTED.where(or_(_JOBS.c.scheduled_at.is_(None), _JOBS.c.scheduled_at <= func.now()))


@dataclass(frozen=True, slots=True)
class Unheld:
    """A batch that no job holds; `standing` changes whenever somebody works on it."""

    key: BatchKey
    lane: str
    not_before: datetime
    is_running: bool
    standing: tuple[int, int, int]


def unhinted(session: Session, edition_id: int) -> list[Unheld]:
    """Open batches of an edition that no job speaks of, due or not."""
    return _read(session, _open_batches().where(col(Batch.edition_id) == edition_id, ~_HINTED))


def unheld(session: Session, now: datetime) -> list[Unheld]:
    """Due batches that no job holds, of editions that may be sent, and of cancelled ones left open."""
    may_go = col(Edition.state).in_(SENDABLE) & goes_on()
    query = (
        _open_batches()
        .join(Edition, col(Edition.id) == col(Batch.edition_id))
        .where(
            or_(may_go, col(Edition.state) == EditionState.CANCELLED),
            col(Batch.due_at) <= now,
            col(Batch.not_before) <= now,
            ~_HELD,
        )
    )
    return _read(session, query)


def is_due(session: Session, key: BatchKey, now: datetime) -> bool:
    """Whether a batch is there, open, and may begin."""
    query = select(Batch.no).where(  # type: ignore[call-overload]
        is_batch(key), col(Batch.state) != BatchState.DONE, col(Batch.not_before) <= now
    )
    return session.execute(query).first() is not None


def take_back(session: Session, keys: Sequence[BatchKey]) -> None:
    """Delete the jobs that wait to speak of these batches."""
    locks = [lock_of(key) for key in keys]
    session.execute(delete(_JOBS).where(_JOBS.c.lock.in_(locks), _STATUS == "todo"))


def queues(session: Session) -> list[str]:
    """The queues in which jobs wait, whatever their time."""
    waiting = select(_JOBS.c.queue_name).where(_STATUS == "todo").distinct()
    return list(session.execute(waiting).scalars())


def living_workers(session: Session, silence: timedelta) -> int:
    """How many workers have said within `silence` that they live."""
    living = select(func.count()).where(_WORKERS.c.last_heartbeat > func.now() - silence)
    return int(session.execute(living).scalar_one())


def _open_batches() -> Select[Any]:
    settled = Batch.sent + Batch.deferred + Batch.failed + Batch.unknown
    found: Select[Any] = (
        select(  # type: ignore[call-overload]
            Batch.edition_id, Batch.no, Batch.lane, Batch.not_before, Batch.state, Batch.token, Batch.begun,
            settled.label("settled"),  # type: ignore[attr-defined]
        )
        .where(col(Batch.state) != BatchState.DONE)
        .order_by(Batch.due_at, Batch.edition_id, Batch.no)
    )  # fmt: skip
    return found


def _read(session: Session, query: Select[Any]) -> list[Unheld]:
    return [
        Unheld(
            BatchKey(row.edition_id, row.no), row.lane, row.not_before, row.state == BatchState.RUNNING,
            (row.token, row.begun, row.settled),
        )
        for row in session.execute(query)
    ]  # fmt: skip


# ── Procrastinate's own tables ──────────────────────────────────────────────────────────────────

_MARK = "newsletter, Procrastinate "
_STANDING = text(
    "SELECT to_regclass('procrastinate_jobs'), obj_description(to_regclass('procrastinate_jobs'))"
)
_SIGN = text("SELECT set_config('newsletter.mark', :mark, true)")
_COMMENT = text(
    "DO $$ BEGIN EXECUTE format('COMMENT ON TABLE procrastinate_jobs IS %L', "
    "current_setting('newsletter.mark')); END $$"
)
_DROP = text("""
DO $$ DECLARE thing record; BEGIN
    DROP TABLE IF EXISTS procrastinate_periodic_defers, procrastinate_events, procrastinate_jobs,
        procrastinate_workers CASCADE;
    FOR thing IN SELECT oid\\:\\:regprocedure AS name FROM pg_proc
        WHERE proname LIKE 'procrastinate\\_%' AND pronamespace = current_schema()\\:\\:regnamespace
    LOOP EXECUTE format('DROP FUNCTION %s CASCADE', thing.name); END LOOP;
    FOR thing IN SELECT typname AS name FROM pg_type
        WHERE typname LIKE 'procrastinate\\_%' AND typtype IN ('c', 'e')
            AND typnamespace = current_schema()\\:\\:regnamespace
    LOOP EXECUTE format('DROP TYPE IF EXISTS %I CASCADE', thing.name); END LOOP;
END $$
""")


def set_up(database: Database) -> None:
    """Give Procrastinate its tables, by its own SQL; those of another version are made anew, for hints
    may be lost.

    Raises Refused where the tables are another program's.
    """
    with database.writing() as session:
        there, mark = _tables(session)
        if there and not mark.startswith(_MARK):
            raise Refused(
                "The database has Procrastinate's tables already, and they are another program's.",
                next_step="give newsletter a database of its own",
            )
        if mark == _expected():
            return
        session.execute(_DROP)
        driver: Any = session.connection().connection.driver_connection
        driver.execute((files("procrastinate") / "sql" / "schema.sql").read_text(encoding="utf-8"))
        session.execute(_SIGN, {"mark": _expected()})
        session.execute(_COMMENT)


def require(database: Database) -> None:
    """Raises StoreFailed unless Procrastinate has the tables of the version that is installed."""
    with database.reading() as session:
        _, mark = _tables(session)
    if mark != _expected():
        raise StoreFailed(
            'The store lacks the tables of engine = "procrastinate", or they are of another version.',
            next_step="newsletter db upgrade",
        )


def _tables(session: Session) -> tuple[bool, str]:
    there, mark = session.execute(_STANDING).one()
    return there is not None, mark or ""


def _expected() -> str:
    return _MARK + version("procrastinate")
