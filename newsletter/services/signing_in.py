"""From a password or a link to a session, and out again.

Whatever was tried in vain says the same to everybody and takes as long, so nobody learns who works
here. Guessing is slowed by person and by network; a login link always lets its person in.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from newsletter.errors import Misuse, Refused, TooOften
from newsletter.mail.links import Purpose
from newsletter.models import Person, Role
from newsletter.runtime import Runtime
from newsletter.services import lettering, passwords, persons
from newsletter.services.lettering import Addressee
from newsletter.store import history, staff

TRIES = 5
WITHIN = timedelta(minutes=1)
LETTERS = 3
LETTERS_WITHIN = timedelta(hours=1)
LINK_LIFE = persons.LINK_LIFE


@dataclass(frozen=True, slots=True)
class Caller:
    """Where somebody knocks from: a network, and a browser in two words."""

    network: str
    browser: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody with a living session."""

    session_id: int
    person_id: int
    name: str
    address: str
    role: Role


@dataclass(frozen=True, slots=True)
class SessionLine:
    number: int
    browser: str
    network: str
    created_at: datetime
    seen_at: datetime


# ── in ──────────────────────────────────────────────────────────────────────────────────────────


def by_password(runtime: Runtime, address: str, password: str, now: datetime, caller: Caller) -> str:
    """The token of a new session.

    Raises TooOften for the sixth try within a minute, Refused for whatever is not right.
    """
    _slow_down(runtime, address, now, caller)
    with runtime.database.reading() as session:
        person = staff.find(session, _normalised(address))
    if not passwords.fits(password, person.password if person else "") or person is None:
        raise Refused("That address and password do not belong together.", next_step="try once more")
    with runtime.database.writing() as session:
        known = staff.get(session, person.id or 0)
        if known is None or known.password != person.password:
            raise Refused("Your password has just been changed.", next_step="sign in with the new one")
        return _enter(session, known, now, caller, "with a password")


def whose_link(runtime: Runtime, token: str, now: datetime) -> str | None:
    """The name of whoever a living link signs in, empty for the first admin's; None for one that is dead."""
    with runtime.database.reading() as session:
        link = staff.living_link(session, persons.hashed(token), now)
        if link is None:
            return None
        person = staff.get(session, link.person_id) if link.person_id else None
        return person.name if person else ""


def by_link(
    runtime: Runtime, token: str, now: datetime, caller: Caller, *, first: tuple[str, str] = ("", "")
) -> str:
    """Use a link up; the token of a new session. `first` are name and address of the first admin.

    Raises Refused for a link that is dead, used or too old, Misuse for a name or address that is none.
    """
    with runtime.database.writing() as session:
        link = staff.living_link(session, persons.hashed(token), now)
        if link is None or not staff.use_link(session, persons.hashed(token), now):
            raise Refused("This link is worn out.", next_step="ask for a new one")
        if link.person_id is None:
            person = _first_admin(session, now, *first)
        else:
            known = staff.get(session, link.person_id)
            if known is None:
                raise Refused("This link is worn out.", next_step="ask for a new one")
            person = known
        return _enter(session, person, now, caller, "with a link")


def _enter(session: Session, person: Person, now: datetime, caller: Caller, how: str) -> str:
    token = persons.new_token()
    staff.open_session(
        session, persons.hashed(token), person.id or 0, now, browser=caller.browser, network=caller.network
    )
    history.note(session, now, person.name, "signed in", "person", person.id or 0, how)
    return token


def _first_admin(session: Session, now: datetime, name: str, address: str) -> Person:
    if not staff.is_nobody_here(session):
        raise Refused("Somebody was here first.", next_step="ask an admin to add you")
    return persons.admit(session, address, name, Role.ADMIN, now)


def mail_link(runtime: Runtime, address: str, now: datetime, caller: Caller) -> None:
    """A letter with a link, if somebody here has the address; an earlier link of theirs is dead then.

    Raises TooOften, whoever is asked for: for the fourth within an hour, or the sixth try from a network
    within a minute. A letter is carried by the clock of the news, like every mail.
    """
    _slow_down(runtime, "", now, caller)
    if _count(runtime, "letter", _normalised(address), now, LETTERS_WITHIN) > LETTERS:
        raise TooOften("Several letters are on their way there.", next_step="look for the newest")
    with runtime.database.writing() as session:
        person = staff.find(session, _normalised(address))
        if person is None:
            return
        token = persons.new_token()
        staff.make_link(session, persons.hashed(token), person.id, now + LINK_LIFE)
        lettering.sign_in(
            session, Addressee(person.address, person_id=person.id), f"sign-in {persons.hashed(token)}",
            runtime.clock.now(), url=f"{runtime.public_url}/desk/sign-in/{token}", good_for=LINK_LIFE,
        )  # fmt: skip
        history.note(session, now, person.name, "asked for a link", "person", person.id or 0)


def _slow_down(runtime: Runtime, address: str, now: datetime, caller: Caller) -> None:
    """Count the try before anything is looked at, so that many at once are not each the first."""
    tries = [_count(runtime, "network", caller.network, now, WITHIN)]
    if address:
        tries.append(_count(runtime, "person", _normalised(address), now, WITHIN))
    if max(tries) > TRIES:
        raise TooOften("That was tried too often.", next_step="wait a minute, or use a login link")


def _count(runtime: Runtime, kind: str, value: str, now: datetime, span: timedelta) -> int:
    bucket = runtime.keys.digest(Purpose.DESK, f"sign-in {kind} {value}".encode())
    with runtime.database.writing() as session:
        staff.sweep_tries(session, now - LETTERS_WITHIN)
        return staff.count_try(session, bucket, now, span)


def _normalised(address: str) -> str:
    """As stored; for what is no address something that nobody has."""
    try:
        return persons.address_of(address)
    except Misuse:
        return ""


# ── there ───────────────────────────────────────────────────────────────────────────────────────


def who_is(runtime: Runtime, token: str, now: datetime) -> SignedIn | None:
    """Who has this session, if it lives; that it was seen is noted once a minute."""
    with runtime.database.reading() as session:
        found = staff.living_session(session, persons.hashed(token), now)
    if found is None:
        return None
    living, person = found
    if now - living.seen_at >= staff.FRESH:
        with runtime.database.writing() as session:
            staff.saw(session, living.id or 0, now)
    return SignedIn(living.id or 0, person.id or 0, person.name, person.address, Role(person.role))


def be_at(runtime: Runtime, person: SignedIn, place: str, now: datetime) -> None:
    """Note that somebody has a page open, which is about `place`."""
    with runtime.database.writing() as session:
        staff.be_at(session, person.session_id, place, now)


def has_password(runtime: Runtime, person: SignedIn) -> bool:
    with runtime.database.reading() as session:
        known = staff.get(session, person.person_id)
        return bool(known and known.password)


def set_password(runtime: Runtime, person: SignedIn, old: str, new: str, now: datetime) -> None:
    """Ends the person's other sessions. Raises Misuse for a bad password, Refused unless `old` is the
    present one, if there is any."""
    with runtime.database.reading() as session:
        known = staff.get(session, person.person_id)
    if known is None or (known.password and not passwords.fits(old, known.password)):
        raise Refused("That is not your present password.", next_step="nothing was changed; try once more")
    kept = passwords.keep(new)
    with runtime.database.writing() as session:
        staff.amend(session, person.person_id, password=kept)
        staff.end_sessions(session, person.person_id, but=person.session_id)
        history.note(session, now, person.name, "changed password", "person", person.person_id)


def sessions(runtime: Runtime, person: SignedIn, now: datetime) -> tuple[SessionLine, ...]:
    """The person's own, the latest first."""
    with runtime.database.reading() as session:
        return tuple(
            SessionLine(one.id or 0, one.browser, one.network, one.created_at, one.seen_at)
            for one in staff.sessions_of(session, person.person_id, now)
        )


# ── out ─────────────────────────────────────────────────────────────────────────────────────────


def sign_out(runtime: Runtime, person: SignedIn, now: datetime) -> None:
    _end(runtime, person, now, "signed out", only=person.session_id)


def end_session(runtime: Runtime, person: SignedIn, number: int, now: datetime) -> None:
    """End one of the person's own sessions. Raises Misuse for one that is not theirs, or over."""
    if not _end(runtime, person, now, "ended a session", only=number):
        raise Misuse("That session is over already.", next_step="open the page again")


def end_other_sessions(runtime: Runtime, person: SignedIn, now: datetime) -> int:
    """Everywhere but here; returns how many there were."""
    return _end(runtime, person, now, "ended sessions", but=person.session_id)


def _end(runtime: Runtime, person: SignedIn, now: datetime, act: str, *, but: int = 0, only: int = 0) -> int:
    with runtime.database.writing() as session:
        ended = staff.end_sessions(session, person.person_id, but=but, only=only)
        if ended:
            history.note(session, now, person.name, act, "person", person.person_id)
        return ended
