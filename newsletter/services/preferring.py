"""How somebody gets a newsletter: how often, in which zone, and not before a date.

Behind the signed link of any mail. A change names what it changes, and leaves everything else as it was.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import available_timezones

from newsletter.config import NewsletterSettings
from newsletter.errors import Misuse
from newsletter.mail.addresses import masked
from newsletter.models import Cadence, SubscriptionState
from newsletter.runtime import Runtime
from newsletter.schedule import WEEK, due_instant
from newsletter.services.newcomers import chosen_sections
from newsletter.store import places, subscribers
from newsletter.store.history import note
from newsletter.store.newsletters import newsletter_ids
from newsletter.store.places import Place
from newsletter.store.sections import choose

WHO = "reader"
LONGEST_PAUSE = timedelta(days=366)
MIDNIGHT = time(0)
WEEKEND = (5, 6)
# The usual ones; those without a place in them (EST5EDT, Etc/GMT+3) mean nothing to a reader
ZONES = tuple(sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/")))


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is to change; None leaves a thing as it is. `pause_until` is a local date of the newsletter, on
    which it comes again, and an empty text ends a pause. No `sections` are all of them."""

    cadence: str | None = None
    zone: str | None = None
    pause_until: str | None = None
    sections: Collection[str] | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A newsletter as somebody gets it, or used to; `pause_day` is the newsletter's local date on which it
    comes again, and an empty zone is the newsletter's own."""

    newsletter_id: int
    slug: str
    name: str
    state: SubscriptionState
    can_return: bool
    cadence: Cadence
    zone: str
    pause_day: date | None
    sections: tuple[str, ...]
    all_sections: tuple[str, ...]
    has_own_zone: bool
    cadences: tuple[Cadence, ...]


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a person's own link shows: the address only as a reminder, for mails get forwarded."""

    masked_address: str
    places: tuple[Kept, ...]


def preferences(runtime: Runtime, subscriber_id: int, now: datetime) -> Preferences | None:
    """None for nobody and for who was forgotten."""
    with runtime.database.reading() as session:
        address = subscribers.address_of(session, subscriber_id)
        if address is None:
            return None
        found = places.places_of(session, subscriber_id)
    return Preferences(masked(address), tuple(_kept(runtime, place, now) for place in found))


def _kept(runtime: Runtime, place: Place, now: datetime) -> Kept:
    newsletter = runtime.newsletters.get(place.slug)
    until = place.paused_until
    is_paused = newsletter is not None and until is not None and until > now
    return Kept(
        place.newsletter_id, place.slug, place.name, place.state, place.can_return, place.cadence, place.zone,
        until.astimezone(newsletter.zone).date() if is_paused and newsletter and until else None,
        place.sections, _sections_of(newsletter) if newsletter else (),
        has_own_zone=newsletter is not None and newsletter.delivery_time == "subscriber",
        cadences=_cadences(newsletter) if newsletter else (),
    )  # fmt: skip


def _sections_of(newsletter: NewsletterSettings) -> tuple[str, ...]:
    """Those that a reader can choose from: in the newsletter's order, or as its feeds name them."""
    named = newsletter.selection.sections or tuple(use.section for use in newsletter.feeds if use.section)
    return tuple(dict.fromkeys(named))


def prefer(runtime: Runtime, subscriber_id: int, slug: str, wishes: Wishes, now: datetime) -> bool:
    """False where nothing changed: they do not get it, or it is so already. Raises Misuse for a wish that is
    none.

    Editions that are frozen already keep their readers; a mail that has not begun is filled anew.
    """
    newsletter = runtime.newsletters.get(slug)
    if newsletter is None:
        return False
    values: dict[str, object] = {}
    if wishes.cadence is not None:
        values["cadence"] = _cadence(newsletter, wishes.cadence)
    if wishes.zone is not None:
        values["zone"] = _zone(wishes.zone)
    if wishes.pause_until is not None:
        values["paused_until"] = _pause(newsletter, wishes.pause_until, now)
    sections = None if wishes.sections is None else chosen_sections(wishes.sections)
    with runtime.database.writing() as session:
        number = newsletter_ids(session).get(slug, 0)
        changed = bool(values) and places.prefer(session, subscriber_id, number, values)
        if changed:
            what = ", ".join(values)
            note(session, now, WHO, "prefer", "subscriber", subscriber_id, f"newsletter {number}: {what}")
        chose = sections is not None and choose(session, subscriber_id, number, sections, now)
        if chose and sections is not None:
            what = ", ".join(sections) or "all"
            note(session, now, WHO, "sections", "subscriber", subscriber_id, f"newsletter {number}: {what}")
    return changed or chose


def _cadences(newsletter: NewsletterSettings) -> tuple[Cadence, ...]:
    """Those that mean something: weekdays only where it comes on them and on others."""
    kinds = {WEEK.index(day) in WEEKEND for day in newsletter.days}
    offered = {
        Cadence.DAILY: True,
        Cadence.WEEKDAYS: len(kinds) == 2,
        Cadence.WEEKLY: bool(newsletter.weekly),
    }
    return tuple(cadence for cadence, is_offered in offered.items() if is_offered)


def _cadence(newsletter: NewsletterSettings, text: str) -> Cadence:
    if text not in _cadences(newsletter):
        raise Misuse("That is no way of getting a newsletter.", next_step="choose one of those offered")
    return Cadence(text)


def _zone(text: str) -> str:
    if text and text not in available_timezones():
        raise Misuse("That is no time zone.", next_step="choose one of those offered")
    return text


def _pause(newsletter: NewsletterSettings, text: str, now: datetime) -> datetime | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Misuse("That is no date.", next_step="write it like 2026-03-01") from None
    until = due_instant(day, MIDNIGHT, newsletter.zone)
    if not now < until <= now + LONGEST_PAUSE:
        raise Misuse("A pause ends on a day that comes, within a year.", next_step="choose another day")
    return until
