"""Who works at the desk: people are added, removed, given a role, and let in by a link.

Whatever takes rights away ends the person's sessions with it. The desk never loses its last admin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from newsletter.errors import Misuse, Refused
from newsletter.models import Person, Role
from newsletter.runtime import Runtime
from newsletter.services import persons
from newsletter.store import history, staff


@dataclass(frozen=True, slots=True)
class PersonLine:
    """Somebody who signs in; `sessions` are browsers signed in just now, `seen_at` when the latest was."""

    address: str
    name: str
    role: Role
    has_password: bool
    sessions: int
    seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class LoginLink:
    """A link that works once, until `expires_at`."""

    url: str
    expires_at: datetime


def everybody(runtime: Runtime, now: datetime) -> tuple[PersonLine, ...]:
    with runtime.database.reading() as session:
        return tuple(_line(session, person, now) for person in staff.everybody(session))


def add(
    runtime: Runtime, address: str, now: datetime, *, name: str = "", role: Role = Role.EDITOR, who: str
) -> PersonLine:
    """Without a name the address's first part is it.

    Raises Misuse for a wrong address or name, Refused for one that somebody has.
    """
    with runtime.database.writing() as session:
        return _line(session, persons.admit(session, address, name, role, now, who=who), now)


def remove(runtime: Runtime, address: str, now: datetime, *, who: str) -> None:
    """Raises Misuse for somebody who is not here, Refused for the last admin."""
    with runtime.database.writing() as session:
        person = _person(session, address)
        _keep_an_admin(session, person)
        staff.remove(session, person.id or 0)
        history.note(session, now, who, "removed", "person", person.id or 0)


def change_role(runtime: Runtime, address: str, role: Role, now: datetime, *, who: str) -> PersonLine:
    """The person signs in anew. Raises Misuse for somebody who is not here, Refused for the last admin
    and when it is so already."""
    with runtime.database.writing() as session:
        person = _person(session, address)
        if person.role == role:
            raise Refused(f"{person.address} is {role} already.", next_step="newsletter people list")
        _keep_an_admin(session, person)
        before, person.role = person.role, role
        staff.end_sessions(session, person.id or 0)
        history.note(session, now, who, "given a role", "person", person.id or 0, f"{before} → {role}")
        return _line(session, person, now)


def login_link(runtime: Runtime, address: str, now: datetime, *, who: str) -> LoginLink:
    """A link that signs somebody in, once, within a quarter of an hour; an earlier one is dead.

    Raises Misuse for somebody who is not here.
    """
    with runtime.database.writing() as session:
        person = _person(session, address)
        history.note(session, now, who, "given a link", "person", person.id or 0)
        return _link(session, runtime, person.id, now)


def first_link(runtime: Runtime, now: datetime) -> LoginLink | None:
    """A link for whoever is to be the first admin, or None when somebody is here already."""
    with runtime.database.writing() as session:
        return _link(session, runtime, None, now) if staff.is_nobody_here(session) else None


def _link(session: Session, runtime: Runtime, person_id: int | None, now: datetime) -> LoginLink:
    token = persons.new_token()
    staff.make_link(session, persons.hashed(token), person_id, now + persons.LINK_LIFE)
    return LoginLink(f"{runtime.public_url}/desk/sign-in/{token}", now + persons.LINK_LIFE)


def _person(session: Session, address: str) -> Person:
    parsed = persons.address_of(address)
    person = staff.find(session, parsed, lock=True)
    if person is None:
        raise Misuse(f"Nobody on the desk has the address {parsed}.", next_step="newsletter people list")
    return person


def _keep_an_admin(session: Session, person: Person) -> None:
    if [admin.id for admin in staff.admins(session)] == [person.id]:
        raise Refused(
            f"{person.address} is the only admin, and the desk needs one.",
            next_step="newsletter people add ADDRESS --role admin",
        )


def _line(session: Session, person: Person, now: datetime) -> PersonLine:
    living: Sequence[datetime] = [one.seen_at for one in staff.sessions_of(session, person.id or 0, now)]
    return PersonLine(
        person.address, person.name, Role(person.role), has_password=bool(person.password),
        sessions=len(living), seen_at=max(living, default=None),
    )  # fmt: skip
