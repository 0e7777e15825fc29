"""Letters: asked for within whatever transaction makes them necessary, and carried by one courier.

A letter's purpose key makes it one, however often it is asked for. The courier holds a lease; it
*claims* a letter before its content may go on the wire, and *settles* it afterwards. What another
courier had claimed and never settled becomes `unknown`, and is not sent again: who still needs the
letter asks anew, under a new key.

A letter may hold a link that opens something, so its values are blanked with its fate.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, delete, exists, func, or_, update
from sqlmodel import Session, col, select

from newsletter.models import Control, DeliveryState, Letter, LetterKind
from newsletter.store import leases
from newsletter.store.control import LETTERS
from newsletter.store.dialect import insert_for
from newsletter.store.history import note
from newsletter.store.leases import Holder
from newsletter.values import Fate, LetterInHand, Outcome

LEASE = "letters"
ASKED = "letters asked"  # in a session's `info`: its database rings the courier's bell after the commit
USUAL_LIFE = timedelta(hours=24)
LONGEST_REPLY = 500
# These go even when a person has stopped letters, and before others
ALWAYS = (LetterKind.SIGN_IN, LetterKind.ALERT)
OPEN = (DeliveryState.QUEUED, DeliveryState.DEFERRED)


def ask(
    session: Session, *, kind: LetterKind, key: str, address: str, values: Mapping[str, Any], now: datetime,
    subscriber_id: int | None = None, person_id: int | None = None, newsletter_id: int | None = None,
    deadline: datetime | None = None, avoid: str = "",
) -> bool:  # fmt: skip
    """Write a letter down within the caller's transaction; it goes out as soon as that is committed.

    False when a letter with the same purpose key exists, whatever became of it: nothing is written
    then. A key holds no address and no token, for it stays when both are gone. The letter expires at
    `deadline`, a day from now unless the caller knows better.
    """
    row = {
        "kind": kind, "key": key, "address": address, "values": dict(values), "avoid": avoid,
        "subscriber_id": subscriber_id, "person_id": person_id, "newsletter_id": newsletter_id,
        "state": DeliveryState.QUEUED, "fate": "", "attempt": 0, "owner": "", "relay": "", "reply": "",
        "created_at": now, "next_at": now, "deadline": deadline or now + USUAL_LIFE,
    }  # fmt: skip
    asked = session.execute(
        insert_for(session)(Letter)
        .values(row)
        .on_conflict_do_nothing(index_elements=["key"])
        .returning(Letter.id)
    ).scalar_one_or_none()
    if asked is not None:
        session.info[ASKED] = True
    return asked is not None


# ── the courier ─────────────────────────────────────────────────────────────────────────────────


def due(session: Session, now: datetime, *, without: Collection[int], limit: int) -> list[int]:
    """Letters that may go now, those that somebody waits for at a door first."""
    is_first = case((col(Letter.kind).in_(ALWAYS), 0), else_=1)
    query = (
        select(col(Letter.id))
        .where(_may_go(now), col(Letter.id).not_in(without))
        .order_by(is_first, col(Letter.id))
        .limit(limit)
    )
    return [number for number in session.execute(query).scalars() if number is not None]


def claim(session: Session, letter_id: int, me: Holder, now: datetime) -> LetterInHand | None:
    """Begin a letter; None when it may not go any more, or when the lease is no longer mine."""
    if not leases.holds(session, LEASE, me):
        return None
    row = session.execute(
        update(Letter)
        .where(col(Letter.id) == letter_id, _may_go(now))
        .values(state=DeliveryState.QUEUED, owner=me.owner, attempt=Letter.attempt + 1)
        .returning(
            Letter.kind, Letter.address, Letter.values, Letter.subscriber_id, Letter.newsletter_id,
            Letter.attempt, Letter.created_at, Letter.avoid,
        )  # type: ignore[call-overload]
    ).one_or_none()  # fmt: skip
    if row is None:
        return None
    kind, *others = row
    return LetterInHand(letter_id, LetterKind(kind), *others)


def settle(
    session: Session, letter: LetterInHand, me: Holder, state: DeliveryState, outcome: Outcome, now: datetime,
    *, next_at: datetime | None = None,
) -> None:  # fmt: skip
    """Write down what came of a letter that I had claimed. A late truth replaces a doubt; one that would
    send it again cannot, for its words are blanked by then, so that the letter has expired.

    Of who was forgotten meanwhile nothing is kept that a server may have said.
    """
    reply = case((col(Letter.address) == "", ""), else_=outcome.reply[:LONGEST_REPLY])
    told = {"fate": outcome.fate, "relay": outcome.relay, "reply": reply, "settled_at": now}
    is_final = state is not DeliveryState.DEFERRED
    end: dict[str, Any] = {"values": {}} if is_final else {"owner": "", "next_at": next_at}
    if not _settle(session, letter, me, DeliveryState.QUEUED, {"state": state, **told, **end}):
        late = state if is_final else DeliveryState.EXPIRED
        _settle(session, letter, me, DeliveryState.UNKNOWN, {"state": late, **told})


def doubt(session: Session, me: Holder, now: datetime) -> int:
    """What other couriers began and never settled, now that the lease is mine; returns how many."""
    doubted = (
        session.execute(
            update(Letter)
            .where(col(Letter.state) == DeliveryState.QUEUED, col(Letter.owner).not_in(["", me.owner]))
            .values(state=DeliveryState.UNKNOWN, fate=Fate.DOUBT, settled_at=now, values={})
            .returning(col(Letter.id))
        )
        .scalars()
        .all()
    )
    for number in doubted:
        note(session, now, "delivery", "in doubt", "letter", number or 0)
    return len(doubted)


def forget(session: Session, whose: ColumnElement[bool]) -> None:
    """These letters lose all words, and those that have not begun do not go; of one that is on the wire the
    answer is written down without what a server says (`settle`)."""
    is_waiting = and_(col(Letter.state).in_(OPEN), col(Letter.owner) == "")
    session.execute(update(Letter).where(whose, is_waiting).values(state=DeliveryState.CANCELLED))
    session.execute(update(Letter).where(whose).values(address="", values={}, reply=""))


def expire(session: Session, now: datetime) -> None:
    """Whatever has not begun by its deadline never will."""
    session.execute(
        update(Letter)
        .where(col(Letter.state).in_(OPEN), col(Letter.owner) == "", col(Letter.deadline) <= now)
        .values(state=DeliveryState.EXPIRED, settled_at=now, values={})
    )


# ── questions ───────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class DoubtedLetter:
    """A letter of which nobody knows whether it arrived."""

    id: int
    kind: LetterKind
    address: str
    at: datetime | None
    reply: str


def in_doubt(session: Session) -> tuple[DoubtedLetter, ...]:
    rows = session.exec(select(Letter).where(Letter.state == DeliveryState.UNKNOWN).order_by(col(Letter.id)))
    return tuple(
        DoubtedLetter(row.id or 0, LetterKind(row.kind), row.address, row.settled_at, row.reply)
        for row in rows
    )


@dataclass(frozen=True, slots=True)
class LettersStanding:
    """How many letters wait, how many of them for long, how many are in doubt, and how many alerts by mail
    reached nobody."""

    waiting: int
    stuck: int
    in_doubt: int
    untold: int


def standing(session: Session, *, asked_before: datetime, since: datetime) -> LettersStanding:
    """Those that wait and were asked for before `asked_before` are stuck; what is over counts `since`."""
    is_open, is_lately = col(Letter.state).in_(OPEN), col(Letter.created_at) >= since
    is_lost = col(Letter.state).in_([DeliveryState.FAILED, DeliveryState.EXPIRED])
    questions = (
        is_open,
        and_(is_open, col(Letter.created_at) < asked_before),
        and_(col(Letter.state) == DeliveryState.UNKNOWN, is_lately),
        and_(is_lost, is_lately, col(Letter.kind) == LetterKind.ALERT),
    )
    count = select(func.count()).select_from(Letter)
    return LettersStanding(*(session.exec(count.where(question)).one() for question in questions))


def prune(session: Session, before: datetime) -> None:
    """Drop letters that were asked for before then and are settled."""
    session.execute(delete(Letter).where(col(Letter.created_at) < before, col(Letter.state).not_in(OPEN)))


def _settle(
    session: Session, letter: LetterInHand, me: Holder, from_state: DeliveryState, values: Mapping[str, Any]
) -> bool:
    settled = session.execute(
        update(Letter)
        .where(
            col(Letter.id) == letter.id,
            col(Letter.attempt) == letter.attempt,
            col(Letter.owner) == me.owner,
            col(Letter.state) == from_state,
        )
        .values(**values)
    )
    return bool(settled.rowcount == 1)  # type: ignore[attr-defined]


def _may_go(now: datetime) -> Any:
    """Waiting, come due, not too late, and not stopped by a person. The first attempt is due at once: who
    asked may be another machine, whose clock is ahead of ours."""
    is_stopped = exists().where(col(Control.name) == LETTERS, col(Control.value) != "")
    return and_(
        col(Letter.state).in_(OPEN),
        col(Letter.owner) == "",
        or_(col(Letter.attempt) == 0, col(Letter.next_at) <= now),
        col(Letter.deadline) > now,
        or_(col(Letter.kind).in_(ALWAYS), ~is_stopped),
    )
