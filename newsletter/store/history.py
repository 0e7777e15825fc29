"""Who did what, when, to what, and why. Ids, never addresses.

What is noted here is logged too, once it is committed: one event for each act, `edition_frozen`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import func, insert
from sqlmodel import Session, col, select

from newsletter import logs
from newsletter.models import History

NOTED = "noted"
_INSERT = insert(History.__table__)  # type: ignore[attr-defined]

log = logs.get(__name__)


def note(session: Session, at: datetime, who: str, act: str, what: str, what_id: int, why: str = "") -> None:
    session.add(History(at=at, who=who, act=act, what=what, what_id=what_id, why=why))
    _remember(session, who, act, what, what_id, why)


def note_each(
    session: Session, at: datetime, who: str, act: str, what: str, told: Sequence[tuple[int, str]]
) -> None:
    """Note what was done to many at this moment, (id, why) of each, in one statement."""
    if told:
        rows = [
            {"at": at, "who": who, "act": act, "what": what, "what_id": number, "why": why}
            for number, why in told
        ]
        session.connection().execute(_INSERT, rows)
    for number, why in told:
        _remember(session, who, act, what, number, why)


def _remember(session: Session, who: str, act: str, what: str, what_id: int, why: str) -> None:
    session.info.setdefault(NOTED, []).append((f"{what}_{act}", {what: what_id, "who": who, "why": why}))


def log_noted(session: Session) -> None:
    """Log the acts of a session that has been committed: what is rolled back never happened."""
    for event, told in session.info.pop(NOTED, ()):
        log.info(event, **{key: value for key, value in told.items() if value != ""})


def count_since(session: Session, act: str, since: datetime) -> int:
    """How often `act` was done since then, whoever did it."""
    return session.exec(select(func.count()).where(col(History.act) == act, col(History.at) >= since)).one()


def last_act(session: Session, what: str, what_id: int, *, among: Collection[str]) -> str:
    """The latest of these acts that was done to one thing; empty when none was."""
    return (
        session.exec(
            select(History.act)
            .where(History.what == what, History.what_id == what_id, col(History.act).in_(among))
            .order_by(col(History.id).desc())
        ).first()
        or ""
    )


def story_of(session: Session, what: str, what_id: int) -> list[History]:
    """Everything that happened to one thing, oldest first."""
    return list(
        session.exec(
            select(History).where(History.what == what, History.what_id == what_id).order_by(col(History.id))
        )
    )
