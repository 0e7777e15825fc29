"""Who works here: people who sign in, what lets them in, and where at the desk they are just now.

Whatever opens a door (a session's cookie, a login link) is kept as its SHA-256 alone.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from newsletter.models.states import Role
from newsletter.models.table import Table, one_of

SHA256 = 64  # hexadecimal digits


class Person(Table, table=True):
    """Somebody who signs in. The name stands in histories, so no two people share one; without a
    password only login links let them in."""

    __table_args__ = (one_of("role", Role),)

    id: int | None = Field(default=None, primary_key=True)
    address: str = Field(max_length=320, unique=True)
    name: str = Field(max_length=64, unique=True)
    role: str = Field(max_length=16)
    password: str = Field(default="", max_length=200)
    created_at: datetime


class DeskSession(Table, table=True):
    """One browser of one person, signed in."""

    __tablename__ = "session"

    id: int | None = Field(default=None, primary_key=True)
    token: str = Field(max_length=SHA256, unique=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    created_at: datetime
    seen_at: datetime
    browser: str = Field(default="", max_length=64)
    network: str = Field(default="", max_length=64)


class Presence(Table, table=True):
    """Where a session was when its page last gave a sign of life."""

    session_id: int = Field(primary_key=True, foreign_key="session.id")
    place: str = Field(primary_key=True, max_length=160)
    at: datetime


class LoginLink(Table, table=True):
    """A link that signs its person in, once. Nobody's is for the first admin of an empty desk."""

    __tablename__ = "login_link"
    __table_args__ = (UniqueConstraint("token"),)

    id: int | None = Field(default=None, primary_key=True)
    token: str = Field(max_length=SHA256)
    person_id: int | None = Field(default=None, foreign_key="person.id", index=True)
    expires_at: datetime


class Throttle(Table, table=True):
    """How often something was tried since a moment, by whom or from where: a keyed hash."""

    bucket: str = Field(primary_key=True, max_length=64)
    count: int
    since: datetime
