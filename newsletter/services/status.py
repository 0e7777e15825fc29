"""Read-only answers for people and machines: what is due, running, late, stuck, in doubt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from newsletter.config import NewsletterSettings
from newsletter.errors import Misuse
from newsletter.models import DeliveryState, Edition, EditionKind, EditionState
from newsletter.runtime import Runtime
from newsletter.schedule import next_due
from newsletter.store import articles, deliveries, editions, leases
from newsletter.store.audience import audience, count_audience
from newsletter.store.deliveries import Answered
from newsletter.store.newsletters import newsletter_ids
from newsletter.values import Candidate, Placement, Sums

# An edition that has not begun this long after its minute is stuck
STUCK = timedelta(minutes=2)
RECENT = 3


@dataclass(frozen=True, slots=True)
class EditionLine:
    slug: str
    state: EditionState
    kind: EditionKind
    due_at: datetime
    subject: str
    late: bool
    why: str
    sums: Sums


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that needs a person, and the one command that is next."""

    what: str
    next_step: str


@dataclass(frozen=True, slots=True)
class NewsletterLine:
    slug: str
    name: str
    timezone: str
    next_at: datetime
    people: int
    editions: tuple[EditionLine, ...]


@dataclass(frozen=True, slots=True)
class FeedLine:
    name: str
    fetched_at: datetime | None
    failures: int
    trouble: str
    retry_at: datetime | None


@dataclass(frozen=True, slots=True)
class Status:
    at: datetime
    newsletters: tuple[NewsletterLine, ...]
    feeds: tuple[FeedLine, ...]
    delivering: bool
    serving: bool
    problems: tuple[Problem, ...]


def status(runtime: Runtime, now: datetime) -> Status:
    """One screen's worth. Sums come from batches, so a million deliveries cost nothing here."""
    with runtime.database.reading() as session:
        numbers = newsletter_ids(session)
        lines = tuple(
            _newsletter(session, newsletter, numbers.get(newsletter.slug, 0), now)
            for newsletter in runtime.settings.newsletters
        )
        feeds = tuple(
            FeedLine(feed.name, feed.fetched_at, feed.failures, feed.trouble, feed.retry_at)
            for feed in articles.feeds(session)
        )
        delivering = leases.living_holder(session, "delivery") is not None
        serving = leases.living_holder(session, "serve") is not None
    problems = [*_unsigned(runtime), *(problem for line in lines for problem in _problems(line, now))]
    return Status(now, lines, feeds, delivering, serving, tuple(problems))


@dataclass(frozen=True, slots=True)
class EditionStory:
    """One edition with its entries, its deliveries in trouble, and its history."""

    line: EditionLine
    placements: tuple[Placement, ...]
    articles: Mapping[int, Candidate]
    reasons: Mapping[str, str]
    unknown: tuple[Answered, ...]
    failed: tuple[Answered, ...]
    first_at: datetime | None
    last_at: datetime | None


def edition_story(runtime: Runtime, name: str, now: datetime) -> EditionStory:
    """`name` is newsletter/slug, and `today` is a slug. Raises Misuse for one that is unknown."""
    newsletter, slug = split_name(runtime, name, now)
    with runtime.database.reading() as session:
        edition = editions.find(session, newsletter_ids(session).get(newsletter.slug, 0), slug)
        if edition is None or edition.id is None:
            raise Misuse(
                f"{newsletter.slug} has no edition {slug!r}.",
                next_step=f"newsletter editions list {newsletter.slug}",
            )
        placed = editions.placements(session, edition.id)
        first, last = deliveries.span(session, edition.id)
        return EditionStory(
            line=_line(session, edition),
            placements=placed,
            articles={a.id: a for a in articles.by_ids(session, [p.article_id for p in placed])},
            reasons=edition.reasons,
            unknown=tuple(deliveries.in_delivery_state(session, edition.id, DeliveryState.UNKNOWN)),
            failed=tuple(deliveries.in_delivery_state(session, edition.id, DeliveryState.FAILED)),
            first_at=first,
            last_at=last,
        )


def split_name(runtime: Runtime, name: str, now: datetime) -> tuple[NewsletterSettings, str]:
    """`newsletter/slug` → its settings and slug; with one newsletter, the slug alone is enough."""
    head, slash, slug = name.partition("/")
    if not slash and len(runtime.newsletters) == 1:
        head, slug = next(iter(runtime.newsletters)), name
    newsletter = runtime.newsletter(head)
    if slug in ("today", ""):
        slug = now.astimezone(newsletter.zone).date().isoformat()
    return newsletter, slug


def recent_editions(runtime: Runtime, newsletter: NewsletterSettings, limit: int) -> tuple[EditionLine, ...]:
    with runtime.database.reading() as session:
        number = newsletter_ids(session).get(newsletter.slug, 0)
        return tuple(_line(session, edition) for edition in editions.recent(session, number, limit))


def _newsletter(
    session: Session, newsletter: NewsletterSettings, number: int, now: datetime
) -> NewsletterLine:
    ahead = next_due(newsletter, now)
    people = audience(number, EditionKind.DAILY, ahead.day, ahead.at)
    return NewsletterLine(
        slug=newsletter.slug,
        name=newsletter.name,
        timezone=newsletter.timezone,
        next_at=ahead.at,
        people=count_audience(session, people),
        editions=tuple(_line(session, edition) for edition in editions.recent(session, number, RECENT)),
    )


def _line(session: Session, edition: Edition) -> EditionLine:
    return EditionLine(
        slug=edition.slug,
        state=EditionState(edition.state),
        kind=EditionKind(edition.kind),
        due_at=edition.due_at,
        subject=edition.subject,
        late=edition.late,
        why=edition.why,
        sums=deliveries.sums(session, edition.id or 0),
    )


def _unsigned(runtime: Runtime) -> list[Problem]:
    """A key that is missing stops every edition, and nobody should learn that at nine."""
    try:
        _ = runtime.signing
    except Misuse as error:
        return [Problem(error.sentence.removesuffix("."), error.next_step)]
    return []


def _problems(newsletter: NewsletterLine, now: datetime) -> list[Problem]:
    found = []
    for line in newsletter.editions:
        name = f"{newsletter.slug}/{line.slug}"
        if line.state is EditionState.HELD:
            command = f"newsletter send {newsletter.slug} --edition {line.slug}"
            found.append(Problem(f"{name} is held: {line.why}", command))
        elif line.state is EditionState.PAUSED:
            found.append(Problem(f"{name} is paused: {line.why}", f"newsletter resume {name}"))
        elif line.state is EditionState.FROZEN and now > line.due_at + STUCK:
            found.append(Problem(f"{name} is frozen and nobody delivers it", "newsletter tick"))
        elif line.state in (EditionState.DRAFT, EditionState.APPROVED) and now > line.due_at + STUCK:
            found.append(Problem(f"{name} was due and nobody has opened it", "newsletter tick"))
        if line.sums.unknown:
            found.append(
                Problem(
                    f"{name} has {line.sums.unknown} deliveries in doubt", f"newsletter editions show {name}"
                )
            )
        if line.state is EditionState.SENT and line.sums.total and not line.sums.sent + line.sums.unknown:
            found.append(Problem(f"{name} reached nobody", f"newsletter editions show {name}"))
    return found
