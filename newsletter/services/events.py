"""What is worth telling, read from what the others have recorded, and the words for it.

A part of telling. No service announces anything: states, history, sums and feeds say what has
happened, so any process may notice it, and one that was off notices it later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from newsletter.config import NewsletterSettings
from newsletter.models import AlertKind, Edition, EditionState, Feed, History, Slot
from newsletter.runtime import Runtime
from newsletter.services.checking import examine
from newsletter.services.readiness import Readiness, readiness_of
from newsletter.store import alerts, articles, control, deliveries, editions, looks
from newsletter.store.alerts import Event
from newsletter.store.feeds import is_silent
from newsletter.store.newsletters import newsletter_ids
from newsletter.store.standing import in_doubt

# What is older was somebody's news long ago: a store that is opened after months tells no tales
LOOK_BACK = timedelta(hours=24)
MACHINE = "scheduler"
MOST_HEADLINES = 20
# Told of an edition that still can be mended, so with what its checks found
CHECKED = (AlertKind.READY, AlertKind.UNAPPROVED, AlertKind.BLOCKED)
ACTIONS = {
    AlertKind.READY: "newsletter editions show {name}",
    AlertKind.BLOCKED: "newsletter editions show {name}",
    AlertKind.UNAPPROVED: "newsletter editions approve {name}",
    AlertKind.HELD: "newsletter send {newsletter} --edition {slug}",
    AlertKind.SKIPPED: "newsletter editions show {name} --why",
    AlertKind.LATE: "newsletter status",
    AlertKind.STOPPED: "newsletter resume {name}",
    AlertKind.BREAKER: "newsletter editions show {name}",
    AlertKind.FINISHED: "newsletter editions show {name}",
    AlertKind.DOUBT: "newsletter unknown list {name}",
    AlertKind.FLOODED: "newsletter status",
    AlertKind.DEAD_LINK: "newsletter editions check {name} --links",
}


@dataclass(frozen=True, slots=True)
class _Known:
    """An edition with what belongs to it."""

    edition: Edition
    newsletter: NewsletterSettings
    acts: tuple[History, ...]


# ── noticing ────────────────────────────────────────────────────────────────────────────────────


def noticed(session: Session, runtime: Runtime, now: datetime) -> list[Event]:
    """Everything of the last day that is worth telling, whether or not it was told already."""
    doubts = in_doubt(session)
    found = [*_of_feeds(articles.feeds(session), runtime, now), *_of_sign_ups(session, now)]
    for known in _editions(session, runtime, now - LOOK_BACK):
        found += _of_edition(known, now)
        found += _of_links(session, known, now)
        if known.edition.id in doubts:
            found.append(Event(AlertKind.DOUBT, "edition", known.edition.id, now))
    return found


def _editions(session: Session, runtime: Runtime, since: datetime) -> Iterator[_Known]:
    slugs = {number: slug for slug, number in newsletter_ids(session).items()}
    recent = alerts.lately(session, since)
    acts = alerts.acts(session, [edition.id for edition in recent if edition.id], since)
    for edition in recent:
        newsletter = runtime.newsletters.get(slugs[edition.newsletter_id])
        if newsletter is not None:
            yield _Known(edition, newsletter, tuple(act for act in acts if act.what_id == edition.id))


def _of_edition(known: _Known, now: datetime) -> Iterator[Event]:
    number = known.edition.id or 0
    for act in known.acts:
        kind = _kind(known.edition, act, now)
        if kind is not None:
            # Held, paused and held again are three events; the others happen to an edition once
            mark = str(act.id) if kind in RECURRING else ""
            yield Event(kind, "edition", number, act.at, mark)
    if _lacks_approval(known, now):
        yield Event(AlertKind.UNAPPROVED, "edition", number, now)


CLOSED = (EditionState.DRAFT, EditionState.APPROVED, EditionState.HELD, EditionState.FROZEN)
RECURRING = (AlertKind.BLOCKED, AlertKind.HELD, AlertKind.STOPPED, AlertKind.BREAKER)


def _kind(edition: Edition, act: History, now: datetime) -> AlertKind | None:
    """What an act on an edition means to somebody who is not looking, if anything."""
    by_machine = act.who == MACHINE
    match act.act:
        case "closed" if by_machine and readiness_of(edition) is Readiness.READY and now < edition.due_at:
            return AlertKind.READY
        case "held":
            return AlertKind.BLOCKED if by_machine and act.at < edition.due_at else AlertKind.HELD
        case "skipped" if by_machine and (edition.closed_at or act.at >= edition.due_at):
            return AlertKind.SKIPPED  # one skipped ahead was meant to be: a holiday
        case "frozen" if edition.late:
            return AlertKind.LATE
        case "breaker":
            return AlertKind.BREAKER
        case "paused" | "stopped":
            return AlertKind.STOPPED
        case "sent":
            return AlertKind.FINISHED
    return None


def _lacks_approval(known: _Known, now: datetime) -> bool:
    """From half-way between cut-off and the minute on: before, everybody was just told that it is ready."""
    edition, newsletter = known.edition, known.newsletter
    waits = newsletter.approval == "required" and edition.state == EditionState.DRAFT
    half_way = edition.due_at - timedelta(seconds=newsletter.cutoff / 2)
    return waits and edition.closed_at is not None and half_way <= now < edition.due_at


def _of_links(session: Session, known: _Known, now: datetime) -> Iterator[Event]:
    """Pages that are gone since the edition was closed: the machine changes nothing there any more."""
    edition = known.edition
    if edition.closed_at is None or edition.id is None or edition.state not in CLOSED:
        return
    page = editions.placements(session, edition.id)
    urls = {
        candidate.id: candidate.url for candidate in articles.by_ids(session, [p.article_id for p in page])
    }
    lost = looks.gone(session)
    for number, url in urls.items():
        if url in lost:
            yield Event(AlertKind.DEAD_LINK, "edition", edition.id, now, f"article {number}")


def _of_feeds(feeds: Sequence[Feed], runtime: Runtime, now: datetime) -> Iterator[Event]:
    configured = {feed.name for feed in runtime.settings.feeds}
    for feed in feeds:
        if feed.id and feed.name in configured and feed.failing_since is not None and is_silent(feed, now):
            # A feed that comes back and falls silent again is worth another word
            yield Event(AlertKind.FEED_SILENT, "feed", feed.id, now, f"{feed.failing_since:%Y%m%dT%H%M%S}")


def _of_sign_ups(session: Session, now: datetime) -> Iterator[Event]:
    flood = control.order(session, control.SIGN_UP)
    if flood.at is not None and flood and flood.at > now - LOOK_BACK:
        yield Event(AlertKind.FLOODED, "control", 0, flood.at, f"{flood.at:%Y%m%dT%H%M%S}")


# ── words ───────────────────────────────────────────────────────────────────────────────────────


def told(session: Session, runtime: Runtime, event: Event) -> dict[str, Any]:
    """The event as data, with a sentence for people and one next command."""
    key = "-".join(filter(None, (event.kind, event.what, str(event.what_id), event.mark)))
    head = {"id": key, "event": event.kind, "at": event.at.isoformat(), "rehearsal": runtime.clock.is_moved}
    if event.what == "feed":
        return head | _feed_words(session, event)
    if event.what == "control":
        return head | _flood_words(event)
    known = _known(session, runtime, event)
    return head | _edition_words(session, runtime, event, known)


def _known(session: Session, runtime: Runtime, event: Event) -> _Known:
    edition = editions.get(session, event.what_id)
    slugs = {number: slug for slug, number in newsletter_ids(session).items()}
    newsletter = runtime.newsletter(slugs[edition.newsletter_id])
    acts = alerts.acts(session, [event.what_id], event.at - LOOK_BACK)
    return _Known(edition, newsletter, tuple(acts))


def _feed_words(session: Session, event: Event) -> dict[str, Any]:
    feed = next(feed for feed in articles.feeds(session) if feed.id == event.what_id)
    since = feed.failing_since or event.at
    return {
        "feed": feed.name, "since": since.isoformat(), "why": feed.trouble,
        "text": f"Feed {feed.name} has brought nothing since {since:%H:%M} UTC: {feed.trouble}",
        "next_step": "newsletter feeds list",
    }  # fmt: skip


def _flood_words(event: Event) -> dict[str, Any]:
    return {
        "text": "Sign-ups came in as a flood: for an hour nobody is mailed a confirmation; pages answer as"
        " ever. The limits stand in [sign_up].",
        "next_step": ACTIONS[event.kind],
    }


def _edition_words(session: Session, runtime: Runtime, event: Event, known: _Known) -> dict[str, Any]:
    edition, newsletter = known.edition, known.newsletter
    name = f"{newsletter.slug}/{edition.slug}"
    why = next((act.why for act in known.acts if str(act.id) == event.mark), edition.why)
    if event.kind is AlertKind.DEAD_LINK:
        why = f"the page of {event.mark} is gone"
    sums = deliveries.sums(session, event.what_id)
    counts = {state: count for state, count in asdict(sums).items() if count}
    step = ACTIONS[event.kind].format(name=name, newsletter=newsletter.slug, slug=edition.slug)
    found: dict[str, Any] = {
        "newsletter": newsletter.slug, "edition": name, "state": edition.state, "subject": edition.subject,
        "due_at": edition.due_at.isoformat(), "why": why, "findings": [],
        "text": _sentence(event.kind, name, why, counts), "next_step": step,
    }  # fmt: skip
    if counts:
        found["counts"] = counts
    if event.kind in CHECKED:
        checked = examine(runtime, session, newsletter, edition, event.at)
        found["findings"] = [finding.sentence for finding in checked.findings]
    if event.kind in (AlertKind.READY, AlertKind.UNAPPROVED):
        found |= _draft(session, runtime, known)
    return found


def _sentence(kind: AlertKind, name: str, why: str, counts: Mapping[str, int]) -> str:
    stand = ", ".join(f"{count:,} {state}" for state, count in counts.items()) or "nobody to mail"
    because = f": {why}" if why else ""
    return {
        AlertKind.READY: f"The draft of {name} is ready.",
        AlertKind.BLOCKED: f"{name} is blocked and held{because}.",
        AlertKind.UNAPPROVED: f"{name} waits for approval; without it, it will be held at its time.",
        AlertKind.HELD: f"{name} is held{because}.",
        AlertKind.SKIPPED: f"{name} is skipped{because}.",
        AlertKind.LATE: f"{name} goes out late.",
        AlertKind.STOPPED: f"The run of {name} has stopped{because} ({stand}).",
        AlertKind.BREAKER: f"The breaker has stopped {name}{because} ({stand}).",
        AlertKind.FINISHED: f"{name} is finished: {stand}.",
        AlertKind.DEAD_LINK: f"{name} is closed, and {why}.",
        AlertKind.DOUBT: f"{name} has {counts.get('unknown', 0):,} deliveries in doubt.",
    }[kind]


def _draft(session: Session, runtime: Runtime, known: _Known) -> dict[str, Any]:
    """What an editor wants to see of a draft without signing in: headlines, and a page to look at."""
    edition, newsletter = known.edition, known.newsletter
    number = edition.id or 0
    placed = [p for p in editions.placements(session, number) if p.slot in (Slot.LEAD, Slot.HEADLINES)]
    titles = {
        candidate.id: candidate.title
        for candidate in articles.by_ids(session, [placement.article_id for placement in placed])
    }
    page = runtime.links.preview(
        newsletter.slug, edition.slug, edition_id=number, version=edition.version, expires=edition.due_at
    )
    headlines = [placement.headline or titles[placement.article_id] for placement in placed]
    return {"headlines": headlines[:MOST_HEADLINES], "links": {"preview": page}}
