"""People who sign in, their sessions and login links. Tokens come here as hashes and never as themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, delete, func, or_, update
from sqlmodel import Session, col, select

from newsletter.models import DeskSession, Letter, LoginLink, Person, Presence, Role, Throttle
from newsletter.store import letters
from newsletter.store.dialect import insert_for

IDLE = timedelta(hours=12)
LONGEST = timedelta(days=14)
FRESH = timedelta(minutes=1)  # between two notes of when a session was last seen
PRESENT = timedelta(seconds=30)  # after its last sign of life a page counts as closed


# ── people ──────────────────────────────────────────────────────────────────────────────────────


def everybody(session: Session) -> Sequence[Person]:
    return session.exec(select(Person).order_by(col(Person.name))).all()


def is_nobody_here(session: Session) -> bool:
    return session.exec(select(Person.id).limit(1)).first() is None


def find(session: Session, address: str, *, lock: bool = False) -> Person | None:
    """By the normalised address; with `lock` nobody else changes the person until the transaction ends."""
    query = select(Person).where(Person.address == address)
    return session.exec(query.with_for_update() if lock else query).first()


def get(session: Session, person_id: int) -> Person | None:
    return session.exec(select(Person).where(Person.id == person_id)).first()


def has_name(session: Session, name: str) -> bool:
    """Whether somebody is called so already, in whatever case."""
    return session.exec(select(Person.id).where(func.lower(Person.name) == name.lower())).first() is not None


def admins(session: Session) -> Sequence[Person]:
    """All admins, locked: of two who take each other's rights away the second finds itself the last."""
    query = select(Person).where(Person.role == Role.ADMIN).order_by(col(Person.id)).with_for_update()
    return session.exec(query).all()


def add(session: Session, address: str, name: str, role: Role, now: datetime) -> Person:
    person = Person(address=address, name=name, role=role, created_at=now)
    session.add(person)
    session.flush()
    return person


def amend(session: Session, person_id: int, **values: str) -> None:
    session.execute(update(Person).where(col(Person.id) == person_id).values(**values))


def remove(session: Session, person_id: int) -> None:
    """The person with all that lets them in, and what was mailed to them to let them in."""
    letters.forget(session, col(Letter.person_id) == person_id)
    end_sessions(session, person_id)
    end_links(session, person_id)
    session.execute(delete(Person).where(col(Person.id) == person_id))


# ── sessions ────────────────────────────────────────────────────────────────────────────────────


def open_session(
    session: Session, token: str, person_id: int, now: datetime, *, browser: str, network: str
) -> int:
    """Sessions that have run out are swept away in passing."""
    dead = select(DeskSession.id).where(
        or_(col(DeskSession.seen_at) < now - IDLE, col(DeskSession.created_at) < now - LONGEST)
    )
    _end(session, session.exec(dead).all())
    opened = DeskSession(
        token=token, person_id=person_id, created_at=now, seen_at=now, browser=browser, network=network
    )
    session.add(opened)
    session.flush()
    return opened.id or 0


def living_session(session: Session, token: str, now: datetime) -> tuple[DeskSession, Person] | None:
    """The session of this token with its person, unless it has run out."""
    return session.exec(
        select(DeskSession, Person)
        .join(Person, col(Person.id) == col(DeskSession.person_id))
        .where(
            DeskSession.token == token,
            col(DeskSession.seen_at) >= now - IDLE,
            col(DeskSession.created_at) >= now - LONGEST,
        )
    ).first()


def saw(session: Session, session_id: int, now: datetime) -> None:
    session.execute(update(DeskSession).where(col(DeskSession.id) == session_id).values(seen_at=now))


def sessions_of(session: Session, person_id: int, now: datetime) -> Sequence[DeskSession]:
    """Living ones, the latest first."""
    return session.exec(
        select(DeskSession)
        .where(
            DeskSession.person_id == person_id,
            col(DeskSession.seen_at) >= now - IDLE,
            col(DeskSession.created_at) >= now - LONGEST,
        )
        .order_by(col(DeskSession.seen_at).desc(), col(DeskSession.id).desc())
    ).all()


def end_sessions(session: Session, person_id: int, *, but: int = 0, only: int = 0) -> int:
    """End a person's sessions: all, all `but` one, or `only` one; returns how many."""
    query = select(DeskSession.id).where(DeskSession.person_id == person_id, col(DeskSession.id) != but)
    ended = session.exec(query.where(col(DeskSession.id) == only) if only else query).all()
    _end(session, ended)
    return len(ended)


def _end(session: Session, numbers: Sequence[int | None]) -> None:
    if numbers:
        session.execute(delete(Presence).where(col(Presence.session_id).in_(numbers)))
        session.execute(delete(DeskSession).where(col(DeskSession.id).in_(numbers)))


# ── who is where ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Present:
    """Somebody who has a page open; `place` is what the page is about."""

    place: str
    person_id: int
    name: str


def be_at(session: Session, session_id: int, place: str, now: datetime) -> None:
    """A sign of life of a page. What that session gave no sign of for long is forgotten."""
    insert = insert_for(session)(Presence)
    session.execute(
        insert.on_conflict_do_update(index_elements=["session_id", "place"], set_={"at": insert.excluded.at}),
        [{"session_id": session_id, "place": place, "at": now}],
    )
    session.execute(
        delete(Presence).where(col(Presence.session_id) == session_id, col(Presence.at) < now - PRESENT)
    )


def present(session: Session, now: datetime) -> Sequence[Present]:
    """Everybody who has a page open, once for each place."""
    rows = session.execute(
        select(Presence.place, Person.id, Person.name)
        .join(DeskSession, col(DeskSession.id) == col(Presence.session_id))
        .join(Person, col(Person.id) == col(DeskSession.person_id))
        .where(col(Presence.at) >= now - PRESENT)
        .distinct()
        .order_by(Presence.place, Person.name)
    )
    return [Present(*row) for row in rows]


# ── login links ─────────────────────────────────────────────────────────────────────────────────


def make_link(session: Session, token: str, person_id: int | None, expires_at: datetime) -> None:
    """The one living link of a person; an earlier one is dead from now on."""
    end_links(session, person_id)
    session.add(LoginLink(token=token, person_id=person_id, expires_at=expires_at))


def living_link(session: Session, token: str, now: datetime) -> LoginLink | None:
    return session.exec(
        select(LoginLink).where(LoginLink.token == token, col(LoginLink.expires_at) > now)
    ).first()


def use_link(session: Session, token: str, now: datetime) -> bool:
    """Use a link up; of many at once only one is told True."""
    used = session.execute(
        delete(LoginLink).where(col(LoginLink.token) == token, col(LoginLink.expires_at) > now)
    )
    return bool(used.rowcount == 1)  # type: ignore[attr-defined]


def end_links(session: Session, person_id: int | None) -> None:
    whose = col(LoginLink.person_id).is_(None) if person_id is None else col(LoginLink.person_id) == person_id
    session.execute(delete(LoginLink).where(whose))


# ── guessing ────────────────────────────────────────────────────────────────────────────────────


def count_try(session: Session, bucket: str, now: datetime, span: timedelta) -> int:
    """Count one more try; returns how many there were within the span that the first of them began."""
    insert = insert_for(session)(Throttle)
    is_over = col(Throttle.since) <= now - span
    counted = insert.on_conflict_do_update(
        index_elements=["bucket"],
        set_={
            "count": case((is_over, 1), else_=col(Throttle.count) + 1),
            "since": case((is_over, insert.excluded.since), else_=col(Throttle.since)),
        },
    ).values(bucket=bucket, count=1, since=now)
    return int(session.execute(counted.returning(Throttle.count)).scalar_one())


def sweep_tries(session: Session, before: datetime) -> None:
    session.execute(delete(Throttle).where(col(Throttle.since) < before))
