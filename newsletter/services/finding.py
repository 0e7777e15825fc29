"""Which person is meant: by an address in any of its spellings, or by the number that stays for ever."""

from __future__ import annotations

from sqlmodel import Session

from newsletter.errors import Misuse
from newsletter.mail.addresses import parse_address
from newsletter.models import Subscriber, Suppression
from newsletter.runtime import Runtime
from newsletter.store import people


def find_person(session: Session, runtime: Runtime, which: str) -> Subscriber:
    """Raises Misuse for what is neither, and for nobody: then it says whether the address is suppressed."""
    if not which.strip():
        raise Misuse("Nobody is named.", next_step="name an address, or a subscriber's number")
    if which.isascii() and which.isdecimal():
        person = session.get(Subscriber, int(which)) if len(which) < 19 else None
        if person is None:
            raise Misuse(
                f"There is no subscriber number {which[:20]}.", next_step="newsletter subscribers list"
            )
        return person
    address = parse_address(which)
    key = runtime.address_key.of(address.normalised)
    person = people.find(session, key)
    if person is None:
        told = _suppression(people.suppression_of(session, key))
        raise Misuse(
            f"Nobody here has the address {address.normalised}{told}.",
            next_step="newsletter subscribers list",
        )
    return person


def _suppression(found: Suppression | None) -> str:
    if found is None:
        return ", and it is not suppressed"
    if found.reason == "forgotten":
        return f"; whoever had it was forgotten on {found.since:%d %B %Y}, and it is not mailed"
    return f"; it is suppressed since {found.since:%d %B %Y} ({found.reason})"
