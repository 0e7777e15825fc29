"""How the relays stand, for every process to see: up or down, since when and why, and which one carries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlmodel import Session, col, select

from newsletter.models import RelayRecord
from newsletter.store import control
from newsletter.store.dialect import insert_for
from newsletter.store.history import note

WHO = "delivery"
# An older word about a relay is no reason to pass it over
FRESH = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class News:
    """Something that other processes should know of a relay: that it carries now, or how it was found."""

    relay: str
    trouble: str = ""
    carries_because: str = ""


def records(session: Session) -> Mapping[str, RelayRecord]:
    return {record.name: record for record in session.exec(select(RelayRecord))}


def preferred(session: Session, names: Sequence[str]) -> str:
    """Of relays in their order the one for a mail beside the ledger: a person's choice, else the first that
    nobody found down, else the first."""
    chosen = control.order(session, control.RELAY).value
    if chosen in names:
        return chosen
    down = {name for name, record in records(session).items() if not record.is_up}
    return next((name for name in names if name not in down), names[0])


def carrier(session: Session) -> str:
    """The relay that carries the editions; empty while none ever has."""
    carries = select(RelayRecord.name).where(col(RelayRecord.carries_since).is_not(None))
    return session.exec(carries).first() or ""


def down_lately(session: Session, now: datetime) -> Mapping[str, str]:
    """Relays that were found down a short while ago → why."""
    return {
        name: record.trouble
        for name, record in records(session).items()
        if not record.is_up and now - record.looked_at < FRESH
    }


def tell(session: Session, news: Iterable[News], now: datetime) -> None:
    for item in news:
        if item.carries_because:
            carries(session, item.relay, now, item.carries_because)
        else:
            saw(session, item.relay, now, item.trouble)


def saw(session: Session, name: str, now: datetime, trouble: str = "", *, who: str = WHO) -> None:
    """Write down how a relay was found; `trouble` is what it said when it could not be opened.

    A change is noted once, however many processes saw it.
    """
    is_up = not trouble
    is_new = _add(session, name, now, is_up=is_up, trouble=trouble)
    changed = session.execute(
        update(RelayRecord)
        .where(col(RelayRecord.name) == name, col(RelayRecord.is_up) != is_up)
        .values(is_up=is_up, since=now)
    )
    session.execute(
        update(RelayRecord).where(col(RelayRecord.name) == name).values(looked_at=now, trouble=trouble)
    )
    if changed.rowcount == 1 or (is_new and not is_up):  # type: ignore[attr-defined]
        act = "relay up" if is_up else "relay down"
        note(session, now, who, act, "relay", _number(session, name), trouble)


def carries(session: Session, name: str, now: datetime, why: str) -> None:
    """From now on this relay carries the mail, and no other; noted when another did before."""
    _add(session, name, now, is_up=True)
    ended = session.execute(
        update(RelayRecord)
        .where(col(RelayRecord.name) != name, col(RelayRecord.carries_since).is_not(None))
        .values(carries_since=None)
    )
    session.execute(
        update(RelayRecord)
        .where(col(RelayRecord.name) == name, col(RelayRecord.carries_since).is_(None))
        .values(carries_since=now)
    )
    if ended.rowcount:  # type: ignore[attr-defined]
        note(session, now, WHO, "relay used", "relay", _number(session, name), why)


def _add(session: Session, name: str, now: datetime, *, is_up: bool, trouble: str = "") -> bool:
    added = session.execute(
        insert_for(session)(RelayRecord)
        .values(name=name, is_up=is_up, since=now, looked_at=now, trouble=trouble)
        .on_conflict_do_nothing(index_elements=["name"])
        .returning(RelayRecord.id)
    ).scalar_one_or_none()
    return added is not None


def _number(session: Session, name: str) -> int:
    return session.exec(select(RelayRecord.id).where(RelayRecord.name == name)).one() or 0
