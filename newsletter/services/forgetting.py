"""Somebody is forgotten: of them a number stays, and the sums of what was sent.

What the store's tables hold goes in one transaction. On SQLite its files remember longer than its tables:
the log beside the file is emptied, and if the file's free parts still know the address it is written anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from newsletter.models import EditionState
from newsletter.runtime import Runtime
from newsletter.services.finding import find_person
from newsletter.store import editions, erasing, people
from newsletter.store.history import note

_BLOCK = 1 << 20  # bytes
BUSY = (EditionState.FROZEN, EditionState.SENDING)


@dataclass(frozen=True, slots=True)
class Known:
    """Who is about to be forgotten. `address` is empty when they have been."""

    id: int
    address: str
    newsletters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """`is_new` unless they had been forgotten before; `is_clean` when the store's files forgot, too."""

    id: int
    is_new: bool
    is_clean: bool


def look_up(runtime: Runtime, which: str) -> Known:
    """Raises Misuse for nobody."""
    with runtime.database.reading() as session:
        person = find_person(session, runtime, which)
        standings = people.standings(session, subscriber_id=person.id or 0)
        return Known(person.id or 0, person.address or "", tuple(one.newsletter for one in standings))


def forget(runtime: Runtime, which: str, now: datetime, *, who: str) -> Forgotten:
    """Erase one person; of who has been forgotten, only the store's files are cleaned. Raises Misuse for
    nobody."""
    with runtime.database.writing() as session:
        person = find_person(session, runtime, which)
        number, name = person.id or 0, person.name
        is_sole = erasing.is_sole_name(session, name)
        address = erasing.erase(session, number, now)
        if address:
            note(session, now, who, "forget", "subscriber", number)
    if not address:
        return Forgotten(number, False, _clean(runtime, []))
    with runtime.database.reading() as session:
        is_named = erasing.is_named(session, address)
    if is_named:
        with runtime.database.writing() as session:
            erasing.take_out(session, address)
    return Forgotten(number, True, _clean(runtime, [address, name] if is_sole else [address]))


def _clean(runtime: Runtime, words: list[str]) -> bool:
    """Make the store's own files forget these words, or whatever it was when they are not known any more.

    While an edition goes out the file is not written anew.
    """
    file = runtime.database.file
    if file is None:
        return True
    if not runtime.database.empty_log():
        return False
    if words and not _holds(file, words):
        return True
    with runtime.database.reading() as session:
        if editions.in_state(session, BUSY):
            return False
    runtime.database.rewrite()
    return runtime.database.empty_log() and not _holds(file, words)


def _holds(file: Path, words: list[str]) -> bool:
    """Whether a file holds one of the words, also across the borders of what is read at once."""
    wanted = [word.encode() for word in words]
    overlap = max(map(len, wanted), default=0) - 1
    rest = b""
    with file.open("rb") as opened:
        while block := opened.read(_BLOCK):
            block = rest + block
            if any(word in block for word in wanted):
                return True
            rest = block[-overlap:] if overlap > 0 else b""
    return False
