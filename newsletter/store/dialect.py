"""What differs between the two stores' SQL, in one place."""

from __future__ import annotations

from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session


def is_postgresql(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def insert_for(session: Session) -> Any:
    """The dialect's own `insert`, which knows ON CONFLICT; both spell it alike."""
    return postgresql.insert if is_postgresql(session) else sqlite.insert
