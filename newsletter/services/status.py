"""Read-only answers for people and machines: what is due, running, late, stuck, in doubt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import Session

from newsletter.clock import machine_now
from newsletter.config import NewsletterSettings
from newsletter.errors import Misuse
from newsletter.models import DeliveryState, Edition, Headcount
from newsletter.runtime import Runtime
from newsletter.schedule import next_due
from newsletter.services.lines import (
    EditionLine,
    FeedLine,
    LettersLine,
    NewsletterLine,
    Problem,
    RelayLine,
    RunLine,
    Status,
    StoreLine,
    edition_line,
    relay_lines,
)
from newsletter.services.needs import needs
from newsletter.services.underway import is_worth_a_look, run_line
from newsletter.store import alerts, articles, control, deliveries, editions, leases, letters, staff, standing
from newsletter.store.audience import count_next
from newsletter.store.deliveries import Answered
from newsletter.store.feeds import is_silent
from newsletter.store.hints import living_workers
from newsletter.store.history import story_of
from newsletter.store.letters import LettersStanding
from newsletter.store.newsletters import newsletter_ids
from newsletter.store.schema import store_version
from newsletter.values import Candidate, Placement, Sums

__all__ = [
    "EditionLine",
    "EditionStory",
    "LettersLine",
    "NewsletterLine",
    "Problem",
    "RelayLine",
    "RunLine",
    "Status",
]

RECENT = 3
OF_THE_WEEK = 2  # a weekly ahead and the last one take no place of the dailies
MOST_IN_DOUBT = 10
CLOCK = "clock"  # the lease that the scheduler signs
UNTOLD = timedelta(hours=24)
LONG = timedelta(minutes=15)  # for a letter to wait


@dataclass(frozen=True, slots=True)
class Act:
    """A line of history: who did what, when and why."""

    at: datetime
    who: str
    act: str
    why: str


def status(runtime: Runtime, now: datetime) -> Status:
    """One screen's worth. Sums come from batches, so a million deliveries cost nothing here."""
    version = store_version(runtime.database)
    with runtime.database.reading() as session:
        posted = letters.standing(session, asked_before=now - LONG, since=now - UNTOLD)
        shown = _editions_to_show(session, runtime)
        workers = living_workers(session, leases.SILENCE) if runtime.has_workers else None
        found = Status(
            at=now,
            newsletters=_newsletters(session, runtime, shown, now),
            running=tuple(
                run_line(session, f"{slug}/{edition.slug}", edition, sums, now)
                for slug, lines in shown.items()
                for edition, sums in lines
                if is_worth_a_look(edition, sums, now)
            ),
            feeds=_feeds(session, runtime, now),
            relays=relay_lines(session, runtime.settings.relays),
            letters=_letters(session, posted),
            stopped_by=stop.who if (stop := control.standing_stop(session)) else "",
            unsigned=_unsigned(runtime),
            store=StoreLine(runtime.database.engine.dialect.name, standing.size(session), version),
            clock=leases.last_sign(session, CLOCK),
            delivering=bool(workers) or leases.living_holder(session, "delivery") is not None,
            workers=workers,
            serving=leases.living_holder(session, "serve") is not None,
            untold=alerts.count_failed(session, now - UNTOLD) + posted.untold,
        )
    return replace(found, problems=needs(found))


Shown = Mapping[str, Sequence[tuple[Edition, Sums]]]


def _editions_to_show(session: Session, runtime: Runtime) -> Shown:
    """Newsletter → its latest editions, and older ones that are unfinished or in doubt; latest first."""
    numbers = newsletter_ids(session)
    waiting = list(standing.unfinished(session))
    doubts = sorted(standing.in_doubt(session), reverse=True)[:MOST_IN_DOUBT]
    waiting += [editions.get(session, number) for number in doubts]
    found = {}
    for slug, newsletter in runtime.newsletters.items():
        number = numbers.get(slug, 0)
        limit = RECENT + (OF_THE_WEEK if newsletter.weekly else 0)
        own = {edition.id: edition for edition in editions.recent(session, number, limit)}
        own |= {edition.id: edition for edition in waiting if edition.newsletter_id == number}
        latest_first = sorted(own.values(), key=lambda edition: (edition.due_at, edition.id), reverse=True)
        found[slug] = [(edition, deliveries.sums(session, edition.id or 0)) for edition in latest_first]
    return found


@dataclass(frozen=True, slots=True)
class EditionStory:
    """One edition with its entries, its deliveries in trouble, and its history."""

    line: EditionLine
    placements: tuple[Placement, ...]
    articles: Mapping[int, Candidate]
    reasons: Mapping[str, str]
    unknown: tuple[Answered, ...]
    failed: tuple[Answered, ...]
    expired: tuple[Answered, ...]
    first_at: datetime | None
    last_at: datetime | None
    history: tuple[Act, ...]


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
        sums = deliveries.sums(session, edition.id)
        first, last = deliveries.span(session, edition.id)
        return EditionStory(
            line=edition_line(session, edition, sums, newsletter.cutoff, now),
            placements=placed,
            articles={a.id: a for a in articles.by_ids(session, [p.article_id for p in placed])},
            reasons=edition.reasons,
            unknown=tuple(deliveries.in_delivery_state(session, edition.id, DeliveryState.UNKNOWN)),
            failed=tuple(deliveries.in_delivery_state(session, edition.id, DeliveryState.FAILED)),
            expired=tuple(deliveries.in_delivery_state(session, edition.id, DeliveryState.EXPIRED)),
            first_at=first,
            last_at=last,
            history=tuple(
                Act(line.at, line.who, line.act, line.why)
                for line in story_of(session, "edition", edition.id)
            ),
        )


def split_name(runtime: Runtime, name: str, now: datetime) -> tuple[NewsletterSettings, str]:
    """`newsletter/slug` → its settings and slug; with one newsletter, the slug alone is enough. A slug may
    say `today` for its date: `today`, `today-weekly`.

    Raises Misuse for a name that names nothing: no act may fall on an edition that nobody named.
    """
    head, slash, slug = name.partition("/")
    if not slash and len(runtime.newsletters) == 1:
        head, slug = next(iter(runtime.newsletters)), name
    if not slug.strip():
        raise Misuse("No edition is named.", next_step="newsletter editions list")
    newsletter = runtime.newsletter(head)
    day, dash, kind = slug.partition("-")
    if day == "today":
        slug = f"{now.astimezone(newsletter.zone).date()}{dash}{kind}"
    return newsletter, slug


def recent_editions(runtime: Runtime, newsletter: NewsletterSettings, limit: int) -> tuple[EditionLine, ...]:
    now = runtime.clock.now()
    with runtime.database.reading() as session:
        number = newsletter_ids(session).get(newsletter.slug, 0)
        return tuple(
            edition_line(session, edition, deliveries.sums(session, edition.id or 0), newsletter.cutoff, now)
            for edition in editions.recent(session, number, limit)
        )


def _newsletters(
    session: Session, runtime: Runtime, shown: Shown, now: datetime
) -> tuple[NewsletterLine, ...]:
    numbers, kept = newsletter_ids(session), standing.kept_counts(session)
    leads = editions.leads(
        session, [edition.id for own in shown.values() for edition, _ in own if edition.id]
    )
    names: dict[str, tuple[str, ...]] = {}
    for one in staff.present(session, machine_now()):
        names[one.place] = (*names.get(one.place, ()), one.name)
    lines = []
    for newsletter in runtime.settings.newsletters:
        ahead = next_due(newsletter, now)
        number = numbers.get(newsletter.slug, 0)
        people, people_at = _people(session, newsletter, number, kept.get(number), now)
        lines.append(
            NewsletterLine(
                slug=newsletter.slug,
                name=newsletter.name,
                timezone=newsletter.timezone,
                next_at=ahead.at,
                people=people,
                people_at=people_at,
                editions=tuple(
                    replace(
                        edition_line(session, edition, sums, newsletter.cutoff, now),
                        lead=leads.get(edition.id or 0, ""),
                        present=names.get(f"{newsletter.slug}/{edition.slug}", ()),
                    )
                    for edition, sums in shown[newsletter.slug]
                ),
            )
        )
    return tuple(lines)


def _people(
    session: Session, newsletter: NewsletterSettings, number: int, kept: Headcount | None, now: datetime
) -> tuple[int | None, datetime | None]:
    """How many the next daily is for, and of which moment that figure is: many are not counted anew."""
    if standing.is_small(session, number):
        ahead = next_due(newsletter, now)
        return count_next(session, number, ahead.day, ahead.at), now
    return (kept.people, kept.at) if kept else (None, None)


def _feeds(session: Session, runtime: Runtime, now: datetime) -> tuple[FeedLine, ...]:
    configured = {feed.name for feed in runtime.settings.feeds}
    return tuple(
        FeedLine(
            feed.name, feed.fetched_at, feed.failures, feed.trouble, feed.retry_at, feed.failing_since,
            is_silent(feed, now),
        )
        for feed in articles.feeds(session)
        if feed.name in configured
    )  # fmt: skip


def _letters(session: Session, found: LettersStanding) -> LettersLine:
    return LettersLine(
        found.waiting, found.stuck, found.in_doubt, control.order(session, control.LETTERS).who,
        carrying=leases.living_holder(session, letters.LEASE) is not None,
    )  # fmt: skip


def _unsigned(runtime: Runtime) -> Problem | None:
    """A key that is missing stops every edition, and nobody should learn that at nine."""
    try:
        _ = runtime.signing
    except Misuse as error:
        return Problem(error.sentence.removesuffix("."), error.next_step)
    return None
