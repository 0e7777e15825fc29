"""One run as somebody watches it: how it stands, what holds it back, who has not got it, and why.

Reads batches' sums and bounded samples, so a million deliveries cost no more than a thousand.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from newsletter.config import NewsletterSettings
from newsletter.models import DeliveryState, Edition, EditionState
from newsletter.runtime import Runtime
from newsletter.services.finding import find_edition
from newsletter.services.lines import EditionLine, RelayLine, RunLine, edition_line, relay_lines
from newsletter.services.underway import run_line
from newsletter.store import control, deliveries, history, leases, missing, reopening, standing
from newsletter.store.audience import count_audience
from newsletter.store.deliveries import Answered
from newsletter.store.missing import Missed

SHOWN = 100
ACTS = 12
STEERED = ("paused", "resumed", "cancelled", "breaker", "stopped", "missing", "resent", "counted sent",
           "frozen", "sending", "sent", "undone", "held", "approved")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Act:
    at: datetime
    who: str
    act: str
    why: str


@dataclass(frozen=True, slots=True)
class Run:
    """`hindrance` says in a sentence why nothing moves, empty while it does. `missing` is how many have
    not received it, None while it is not over or when they are too many to be counted for every look.
    After the breaker somebody must say what is to become of those who were refused.
    """

    line: EditionLine
    run: RunLine
    began_at: datetime | None
    finished_at: datetime | None
    hindrance: str
    retry_at: datetime | None
    is_after_breaker: bool
    stopped_by: str
    relays: tuple[RelayLine, ...]
    doubts: tuple[Answered, ...]
    missing: int | None
    may_miss: bool
    acts: tuple[Act, ...]


def run(runtime: Runtime, newsletter: NewsletterSettings, slug: str, now: datetime) -> Run:
    """Raises Misuse for an edition that is unknown."""
    with runtime.database.reading() as session:
        edition = find_edition(session, newsletter, slug)
        number = edition.id or 0
        sums = deliveries.sums(session, number)
        relays = relay_lines(session, runtime.settings.relays)
        stop = control.order(session, control.EDITIONS)
        retry_at = deliveries.next_retry(session, number) if sums.deferred else None
        may_miss = edition.state == EditionState.SENT and edition.frozen_at is not None
        is_counted = may_miss and standing.is_small(session, edition.newsletter_id)
        return Run(
            line=edition_line(session, edition, sums, newsletter.cutoff, now),
            run=run_line(session, f"{newsletter.slug}/{slug}", edition, sums, now),
            began_at=edition.began_at,
            finished_at=edition.finished_at,
            hindrance=_hindrance(session, edition, relays, stop.who, now),
            retry_at=retry_at,
            is_after_breaker=edition.state == EditionState.PAUSED and edition.why.startswith("breaker:"),
            stopped_by=stop.who,
            relays=relays,
            doubts=tuple(deliveries.in_delivery_state(session, number, DeliveryState.UNKNOWN, SHOWN))
            if sums.unknown
            else (),
            missing=_count_missing(session, edition, now) if is_counted else None,
            may_miss=may_miss,
            acts=_acts(session, number),
        )


@dataclass(frozen=True, slots=True)
class Missing:
    """How many have not received an edition, and the first of them."""

    people: int
    listed: tuple[Missed, ...]


def who_is_missing(runtime: Runtime, newsletter: NewsletterSettings, slug: str, now: datetime) -> Missing:
    """The very people whom `send --missing` would plan. Raises Misuse for an edition that is unknown."""
    with runtime.database.reading() as session:
        edition = find_edition(session, newsletter, slug)
        if edition.frozen_at is None:
            return Missing(0, ())
        return Missing(
            _count_missing(session, edition, now), tuple(missing.listed(session, edition, now, SHOWN))
        )


def _count_missing(session: Session, edition: Edition, now: datetime) -> int:
    never = count_audience(session, missing.without_row(session, edition, now))
    return never + reopening.count(session, edition.id or 0, reopening.PASSED_OVER)


def _hindrance(
    session: Session, edition: Edition, relays: tuple[RelayLine, ...], stopped_by: str, now: datetime
) -> str:
    if edition.state == EditionState.PAUSED:
        return f"It is {edition.why or 'paused'}."
    if edition.state not in (EditionState.FROZEN, EditionState.SENDING):
        return ""
    if stopped_by:
        return f"Everything is stopped, by {stopped_by}."
    if edition.state == EditionState.FROZEN and now < edition.due_at:
        return ""
    usable = [relay for relay in relays if relay.by_hand] or list(relays)
    if usable and all(relay.is_up is False for relay in usable):
        return f"It waits for a relay. {usable[0].name}: {usable[0].trouble}"
    if leases.living_holder(session, "delivery") is None:
        return "Nobody delivers it: newsletter serve is not running."
    return ""


def _acts(session: Session, number: int) -> tuple[Act, ...]:
    """The latest that concern its run, newest first."""
    story = [line for line in history.story_of(session, "edition", number) if line.act in STEERED]
    return tuple(Act(line.at, line.who, line.act, line.why) for line in reversed(story[-ACTS:]))
