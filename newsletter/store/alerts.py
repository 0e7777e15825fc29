"""Alerts: which event is told over which channel, claimed before it is told and settled after.

A claim moves the alert's next try on, so nobody else takes it meanwhile; whoever dies between claim
and settling leaves it to that next try.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, update
from sqlmodel import Session, col, select

from newsletter.models import Alert, AlertKind, AlertState, Edition, EditionState, History
from newsletter.store.dialect import insert_for

# States in which an edition may still have something to say, however long ago it was due
LASTING = (EditionState.HELD, EditionState.PAUSED, EditionState.SENDING)
PATIENCE = 3  # tries in vain that may happen to any channel, before somebody is needed
KEY = ("kind", "what", "what_id", "mark", "channel")


@dataclass(frozen=True, slots=True)
class Event:
    """Something worth telling, by its key; `mark` tells apart what can happen to one thing again."""

    kind: AlertKind
    what: str
    what_id: int
    at: datetime
    mark: str = ""


Told = tuple[str, str, int, str, str]


def lately(session: Session, since: datetime) -> Sequence[Edition]:
    """Editions that were due since then, or still wait for their end; not those that are far ahead."""
    return session.exec(
        select(Edition)
        .where(or_(col(Edition.due_at) >= since, col(Edition.state).in_(LASTING)))
        .order_by(col(Edition.due_at))
    ).all()


def acts(session: Session, edition_ids: Collection[int], since: datetime) -> Sequence[History]:
    """What happened to these editions since then, oldest first."""
    return session.exec(
        select(History)
        .where(History.what == "edition", col(History.what_id).in_(edition_ids), History.at >= since)
        .order_by(col(History.id))
    ).all()


def known(session: Session, events: Sequence[Event]) -> set[Told]:
    """Keys of the alerts that exist of these things already."""
    numbers = {event.what_id for event in events}
    rows = session.exec(select(Alert).where(col(Alert.what_id).in_(numbers)))
    return {(row.kind, row.what, row.what_id, row.mark, row.channel) for row in rows}


def plan(session: Session, wanted: Iterable[tuple[Event, str, datetime]]) -> None:
    """An alert for each event, channel and time of its first try; whoever comes second adds none."""
    rows = [
        {
            "kind": event.kind, "what": event.what, "what_id": event.what_id, "mark": event.mark,
            "channel": channel, "at": event.at, "state": AlertState.WAITING, "tries": 0,
            "next_at": first_try, "trouble": "",
        }
        for event, channel, first_try in wanted
    ]  # fmt: skip
    if rows:
        session.execute(insert_for(session)(Alert).on_conflict_do_nothing(index_elements=KEY), rows)


def due(session: Session, now: datetime, limit: int) -> Sequence[Alert]:
    """Alerts whose next try has come, in the order in which their events happened."""
    return session.exec(
        select(Alert)
        .where(Alert.state == AlertState.WAITING, Alert.next_at <= now)
        .order_by(col(Alert.at), col(Alert.id))
        .limit(limit)
    ).all()


def claim(session: Session, alert: Alert, again_at: datetime) -> bool:
    """Begin a try that nobody else may begin; False when somebody was first."""
    return _change(session, alert, tries=alert.tries + 1, next_at=again_at)


def settle(session: Session, alert: Alert, state: AlertState, trouble: str = "") -> bool:
    """Write down how a claimed try ended; `alert` is as it was before its claim."""
    claimed = alert.model_copy(update={"tries": alert.tries + 1})
    return _change(session, claimed, state=state, trouble=trouble)


def count_failed(session: Session, since: datetime) -> int:
    """Alerts of events since then that were given up, or have been tried in vain again and again."""
    is_stuck = (col(Alert.tries) >= PATIENCE) & (col(Alert.trouble) != "")
    return session.exec(
        select(func.count()).where(
            col(Alert.at) >= since,
            or_(
                col(Alert.state) == AlertState.FAILED,
                (col(Alert.state) == AlertState.WAITING) & is_stuck,
            ),
        )
    ).one()


def _change(session: Session, alert: Alert, **values: object) -> bool:
    changed = session.execute(
        update(Alert)
        .where(
            col(Alert.id) == alert.id,
            col(Alert.state) == AlertState.WAITING,
            col(Alert.tries) == alert.tries,
        )
        .values(**values)
        .execution_options(synchronize_session=False)  # the caller's alert stays as it was read
    )
    return bool(changed.rowcount == 1)  # type: ignore[attr-defined]
