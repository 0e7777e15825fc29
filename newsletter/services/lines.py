"""What a glance at the program consists of, line by line. A part of status and watching; none of it acts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmodel import Session

from newsletter.config import Relay
from newsletter.models import DeliveryState, Edition, EditionKind, EditionState
from newsletter.services.readiness import Readiness, readiness_of
from newsletter.store import control, deliveries
from newsletter.store.deliveries import Open
from newsletter.store.relays import records
from newsletter.values import Sums

NOTHING_OPEN = Open()
ON_THE_WAY = (EditionState.FROZEN, EditionState.SENDING, EditionState.PAUSED)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that needs a person, and the one command that is next; `edition` is which one it is about,
    if any. What is not `urgent` can wait until somebody has time."""

    what: str
    next_step: str
    edition: str = ""
    urgent: bool = True


@dataclass(frozen=True, slots=True)
class EditionLine:
    """`preflight` is what is known of it so far: open (until `closes_at`), ready, or blocked. One that is
    `by_hand` waits for somebody to send it; `still` is what one that is on its way has yet to begin. `lead`
    is its first headline, `present` who has it open at the desk."""

    slug: str
    state: EditionState
    kind: EditionKind
    due_at: datetime
    subject: str
    late: bool
    why: str
    sums: Sums
    version: int
    by_hand: bool
    still: Open = NOTHING_OPEN
    preflight: Readiness = Readiness.NONE
    closes_at: datetime | None = None
    lead: str = ""
    present: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NewsletterLine:
    """`people` is how many its next daily is for, counted at `people_at`; None when there are many and
    nobody has counted them yet."""

    slug: str
    name: str
    timezone: str
    next_at: datetime
    people: int | None
    people_at: datetime | None
    editions: tuple[EditionLine, ...]


@dataclass(frozen=True, slots=True)
class Words:
    """What a server said, and of how many of the deliveries that were looked at."""

    count: int
    domain: str
    state: DeliveryState
    reply: str


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run under way, or one that ended lately with trouble.

    `per_second` is the average since it began; `seconds_left` is for those who are due already, and None
    when nothing can be foretold. `still` tells of those whose time has yet to come.
    `words` are of `sampled` rows, the latest, of all `troubled` ones.
    """

    edition: str
    state: EditionState
    sums: Sums
    per_second: float
    seconds_left: float | None
    lanes: Mapping[str, Sums]
    words: tuple[Words, ...]
    sampled: int
    troubled: int
    still: Open = NOTHING_OPEN


@dataclass(frozen=True, slots=True)
class FeedLine:
    name: str
    fetched_at: datetime | None
    failures: int
    trouble: str
    retry_at: datetime | None
    failing_since: datetime | None
    is_silent: bool


@dataclass(frozen=True, slots=True)
class RelayLine:
    """A relay as the configuration has it, and how it was when somebody last looked: `is_up` is None
    while nobody has. One `carries` the mail, by the rule or `by_hand`."""

    name: str
    host: str
    port: int
    tls: str
    priority: int
    is_up: bool | None = None
    since: datetime | None = None
    trouble: str = ""
    carries: bool = False
    by_hand: bool = False


@dataclass(frozen=True, slots=True)
class LettersLine:
    """Letters that wait, those of them that have waited for long, and those of the last day in doubt.
    `stopped_by` is who has stopped them, empty when nobody has."""

    waiting: int
    stuck: int
    in_doubt: int
    stopped_by: str
    carrying: bool


@dataclass(frozen=True, slots=True)
class StoreLine:
    kind: str
    bytes: int
    version: str


@dataclass(frozen=True, slots=True)
class Status:
    """`clock` is seconds since the scheduler last looked, None when it never has; `untold` are alerts
    of the last day that reached nobody so far. `stopped_by` is whose stop-all is in force, empty when none
    is; `unsigned` why mail cannot be signed as it should be. `workers` are those that live on any machine,
    None where one process delivers. `problems` come worst first."""

    at: datetime
    newsletters: tuple[NewsletterLine, ...]
    running: tuple[RunLine, ...]
    feeds: tuple[FeedLine, ...]
    relays: tuple[RelayLine, ...]
    letters: LettersLine
    stopped_by: str
    unsigned: Problem | None
    store: StoreLine
    clock: float | None
    delivering: bool
    workers: int | None
    serving: bool
    untold: int
    problems: tuple[Problem, ...] = field(default=())


def edition_line(session: Session, edition: Edition, sums: Sums, cutoff: int, now: datetime) -> EditionLine:
    """`cutoff` is in seconds."""
    is_under_way = edition.state in ON_THE_WAY
    readiness = readiness_of(edition)
    is_awaited = readiness is Readiness.OPEN and not edition.by_hand
    return EditionLine(
        slug=edition.slug,
        state=EditionState(edition.state),
        kind=EditionKind(edition.kind),
        due_at=edition.due_at,
        subject=edition.subject,
        late=edition.late,
        why=edition.why,
        sums=sums,
        version=edition.version,
        by_hand=edition.by_hand,
        still=deliveries.still_open(session, edition.id or 0, now) if is_under_way else NOTHING_OPEN,
        preflight=readiness,
        closes_at=edition.due_at - timedelta(seconds=cutoff) if is_awaited else None,
    )


def relay_lines(session: Session, configured: Sequence[Relay]) -> tuple[RelayLine, ...]:
    """How each was when somebody last looked; the first in use comes first."""
    known = records(session)
    chosen = control.order(session, control.RELAY).value
    return tuple(
        RelayLine(
            relay.name, relay.host, relay.port, relay.tls, relay.priority,
            is_up=record.is_up if record else None,
            since=record.since if record else None,
            trouble=record.trouble if record else "",
            carries=bool(record and record.carries_since),
            by_hand=relay.name == chosen,
        )
        for relay in sorted(configured, key=lambda relay: relay.priority)
        for record in (known.get(relay.name),)
    )  # fmt: skip
