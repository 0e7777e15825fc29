"""One person's whole story, newest first: why they did or did not get what, in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from newsletter.mail.addresses import as_written
from newsletter.models import Subscriber, SubscriptionState, Suppression
from newsletter.runtime import Runtime
from newsletter.services.finding import find_person
from newsletter.store import people
from newsletter.store.audience import is_for
from newsletter.store.people import Handled, Standing
from newsletter.store.sections import PassedBy, passed_by

# What the history calls an act, and what a person reads
_ACTS = {
    "add": "given a place", "leave": "left", "return": "came back", "forget": "forgotten",
    "export": "their data was exported", "sections": "chose sections",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Event:
    at: datetime
    what: str


@dataclass(frozen=True, slots=True)
class PersonStory:
    """Who somebody is, where they stand, and what befell them. `address` is empty for who was forgotten."""

    id: int
    address: str
    written: str
    name: str
    attributes: dict[str, str]
    known_since: datetime
    suppressed: str
    standings: tuple[Standing, ...]
    events: tuple[Event, ...]
    is_whole: bool


def person_story(runtime: Runtime, which: str, limit: int) -> PersonStory:
    """The latest `limit` events. Raises Misuse for nobody."""
    with runtime.database.reading() as session:
        person = find_person(session, runtime, which)
        number = person.id or 0
        suppression = people.suppression_of(session, person.address_key)
        standings = tuple(people.standings(session, subscriber_id=number))
        told = sorted(
            _events(session, person, standings, suppression, limit + 1),
            key=lambda event: event.at,
            reverse=True,
        )
    return PersonStory(
        number, person.address or "", as_written(person.address or ""), person.name, dict(person.attributes),
        person.created_at, _suppression(suppression), standings, tuple(told[:limit]), len(told) <= limit,
    )  # fmt: skip


def _events(
    session: Session, person: Subscriber, standings: tuple[Standing, ...], suppression: Suppression | None,
    limit: int,
) -> Iterator[Event]:  # fmt: skip
    yield Event(person.created_at, "first known here")
    slugs = {standing.newsletter_id: standing.newsletter for standing in standings}
    for standing in standings:
        yield from _place(standing)
    if suppression is not None:
        yield Event(suppression.since, _suppression(suppression))
    for one in people.handled(session, person.id or 0, limit):
        yield Event(one.at or one.due_at, _delivery(one))
    for passed in passed_by(session, person.id or 0, limit):
        if (told := _passed_by(passed, standings, suppression)) is not None:
            yield told
    for line in people.history_of(session, person.id or 0, limit):
        yield Event(line.at, f"{_ACTS.get(line.act, line.act)}{_why(line.why, slugs)} (by {line.who})")


def _place(standing: Standing) -> Iterator[Event]:
    if standing.consent_at:
        words = f": “{standing.consent_text}”" if standing.consent_text else ""
        source = f" ({standing.consent_source})" if standing.consent_source else ""
        yield Event(standing.consent_at, f"agreed to {standing.newsletter}{words}{source}")
    if standing.active_since:
        source = "" if standing.consent_at else f" ({standing.consent_source or 'source unknown'})"
        yield Event(standing.active_since, f"gets {standing.newsletter} from here on{source}")
    if standing.state is SubscriptionState.ENDED and standing.ended_at:
        yield Event(standing.ended_at, f"place on {standing.newsletter} ended")


def _passed_by(
    one: PassedBy, standings: tuple[Standing, ...], suppression: Suppression | None
) -> Event | None:
    """None where the edition would not have been for them anyway."""
    place = next(place for place in standings if place.newsletter == one.edition.partition("/")[0])
    is_paused = place.paused_until is not None and place.paused_until > one.frozen_at
    is_barred = suppression is not None and suppression.since <= one.frozen_at
    if is_paused or is_barred or not is_for(one.kind, one.day, place.cadence):
        return None
    return Event(one.frozen_at, f"{one.edition} not planned: it had nothing of {', '.join(one.sections)}")


def _delivery(one: Handled) -> str:
    attempt = f", attempt {one.attempt}" if one.attempt > 1 else ""
    relay = f" by {one.relay}" if one.relay else ""
    reply = f": {one.reply}" if one.reply else ""
    return f"{one.edition} {one.state}{relay}{attempt}{reply}"


def _why(why: str, slugs: dict[int, str]) -> str:
    """The history names newsletters by number."""
    about, colon, more = why.partition(": ")
    kind, _, number = about.partition(" ")
    if kind == "newsletter" and number.isdecimal():
        return f" on {slugs.get(int(number), about)}{colon}{more}"
    return f": {why}" if why else ""


def _suppression(found: Suppression | None) -> str:
    if found is None:
        return ""
    return f"suppressed ({found.reason})" + (f": {found.detail}" if found.detail else "")
