"""What a glance at the program consists of, line by line. A part of status; nothing here acts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from newsletter.models import DeliveryState, EditionKind, EditionState
from newsletter.services.readiness import Readiness
from newsletter.store.deliveries import Open
from newsletter.values import Sums

NOTHING_OPEN = Open()


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that needs a person, and the one command that is next."""

    what: str
    next_step: str


@dataclass(frozen=True, slots=True)
class EditionLine:
    """`preflight` is what is known of it so far: open (until `closes_at`), ready, or blocked. One that is
    `by_hand` waits for somebody to send it; `still` is what one that is on its way has yet to begin."""

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
