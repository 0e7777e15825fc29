"""How a person comes to be at the desk: what they may be called, and the tokens that let them in.

A part of staffing and of signing in, which never meet.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe

from sqlmodel import Session

from newsletter.errors import Misuse, Refused
from newsletter.mail.addresses import parse_address
from newsletter.models import Person, Role
from newsletter.store import history, staff

TOKEN_BYTES = 32
LINK_LIFE = timedelta(minutes=15)
LONGEST_NAME = 64
# Names by which the program signs what it does itself
OURS = ("scheduler", "ops", "engine", "delivery", "telling", "machine")


def new_token() -> str:
    return token_urlsafe(TOKEN_BYTES)


def hashed(token: str) -> str:
    """What the store keeps of a token."""
    return sha256(token.encode()).hexdigest()


def address_of(text: str) -> str:
    """As people's addresses are kept: in one case, for phones begin what is typed with a capital.

    Raises Misuse for what is none.
    """
    return parse_address(text).normalised.lower()


def admit(session: Session, address: str, name: str, role: Role, now: datetime, *, who: str = "") -> Person:
    """Somebody new; `who` did it, or they themselves. Without a name the address's first part is it.

    Raises Misuse for a wrong address or name, Refused for one that somebody has.
    """
    parsed = address_of(address)
    called = _called(name or parsed.partition("@")[0])
    if staff.find(session, parsed) is not None:
        raise Refused(f"{parsed} is on the desk already.", next_step="newsletter people list")
    if staff.has_name(session, called):
        raise Refused(
            f"Somebody is called {called} already, and names tell people apart.",
            next_step=f"newsletter people add {parsed} --name NAME",
        )
    person = staff.add(session, parsed, called, role, now)
    history.note(session, now, who or called, "added", "person", person.id or 0, role)
    return person


def _called(name: str) -> str:
    called = " ".join(name.split())
    if not 1 <= len(called) <= LONGEST_NAME or not called.isprintable() or "@" in called:
        raise Misuse(
            f"A name has 1 to {LONGEST_NAME} letters and no @; it stands beside what its person does.",
            next_step="newsletter people add ADDRESS --name NAME",
        )
    if called.lower() in OURS:
        raise Misuse(
            f"{called!r} is what the program calls itself.",
            next_step="newsletter people add ADDRESS --name NAME",
        )
    return called
