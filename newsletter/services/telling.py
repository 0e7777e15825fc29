"""People who are not looking are told: what is ready, what is stuck, what is done.

Each event is told once over each channel. What is noticed becomes a row (the key makes it one), a
round claims it, commits, tells, and settles it; a channel that fails is tried again a few times,
ever later. Telling runs beside the clock and never in its way.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from newsletter.clock import monotonic
from newsletter.errors import NewsletterError
from newsletter.models import Alert, AlertKind, AlertState
from newsletter.runtime import Runtime
from newsletter.schedule import end_of_quiet
from newsletter.services.channels import carry, open_channels
from newsletter.services.events import noticed, told
from newsletter.store import alerts, editions
from newsletter.store.alerts import Event
from newsletter.store.history import note
from newsletter.store.newsletters import newsletter_ids

WHO = "telling"
AT_ONCE = 50  # alerts in one round
# Before the second try, the third and so on; after the last one it is given up
PAUSES = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1))
# What stops mail does not wait for the morning
URGENT = frozenset({AlertKind.BLOCKED, AlertKind.HELD, AlertKind.STOPPED, AlertKind.BREAKER})


def tell(runtime: Runtime, now: datetime, *, seconds: float = 30.0) -> int:
    """Notice what has happened and tell what is due; returns how many alerts were told.

    Begins nothing after `seconds`, and asks a channel that has failed no more in this round. Without
    a channel in the configuration nothing is noticed: `status` shows it all the same.
    """
    channels = open_channels(runtime)
    if not channels:
        return 0
    _notice(runtime, channels, now)
    with runtime.database.reading() as session:
        waiting = alerts.due(session, now, AT_ONCE)
    until = monotonic() + seconds
    broken: set[str] = set()
    count = 0
    for alert in waiting:
        if alert.channel in broken or monotonic() > until:
            continue
        trouble = _tell(runtime, alert, now)
        count += trouble == ""
        broken |= {alert.channel} if trouble else set()
    return count


def _notice(runtime: Runtime, channels: Iterable[str], now: datetime) -> None:
    with runtime.database.reading() as session:
        events = noticed(session, runtime, now)
        seen = alerts.known(session, events)
    fresh = [
        (event, channel)
        for event in events
        for channel in channels
        if (event.kind, event.what, event.what_id, event.mark, channel) not in seen
    ]
    if fresh:
        slugs = _slugs(runtime, events)
        tries = [
            (event, channel, _first_try(runtime, event, slugs.get(event, ""), now))
            for event, channel in fresh
        ]
        with runtime.database.writing() as session:
            alerts.plan(session, tries)


def _slugs(runtime: Runtime, events: Iterable[Event]) -> dict[Event, str]:
    """An edition's event → its newsletter's slug."""
    with runtime.database.reading() as session:
        names = {number: slug for slug, number in newsletter_ids(session).items()}
        return {
            event: names[editions.get(session, event.what_id).newsletter_id]
            for event in events
            if event.what == "edition"
        }


def _first_try(runtime: Runtime, event: Event, slug: str, now: datetime) -> datetime:
    """Now, or when the quiet hours end."""
    settings = runtime.settings.alerts
    if settings.quiet is None or event.kind in URGENT:
        return now
    named = runtime.newsletters.get(slug) or next(iter(runtime.settings.newsletters), None)
    zone = ZoneInfo(settings.timezone or (named.timezone if named else "UTC"))
    return end_of_quiet(now.astimezone(UTC), zone, settings.quiet) or now


def _tell(runtime: Runtime, alert: Alert, now: datetime) -> str | None:
    """One try: claimed, committed, told, settled. None when somebody else has taken it."""
    is_last = alert.tries >= len(PAUSES)
    again_at = now + (PAUSES[-1] if is_last else PAUSES[alert.tries])
    with runtime.database.writing() as session:
        if not alerts.claim(session, alert, again_at):
            return None
    trouble = _carry(runtime, alert, now)
    with runtime.database.writing() as session:
        state = AlertState.TOLD if not trouble else AlertState.FAILED if is_last else AlertState.WAITING
        settled = alerts.settle(session, alert, state, trouble)
        if settled and (not trouble or alert.tries == 0):
            # A channel that is down is one line in the history, however often it is tried
            act = "untold" if trouble else "told"
            why = f"{alert.kind} by {alert.channel}{trouble and ': '}{trouble}"
            note(session, now, WHO, act, alert.what, alert.what_id, why)
    return trouble


def _carry(runtime: Runtime, alert: Alert, now: datetime) -> str:
    event = Event(AlertKind(alert.kind), alert.what, alert.what_id, alert.at, alert.mark)
    try:
        with runtime.database.reading() as session:
            words = told(session, runtime, event)
    except NewsletterError as error:  # its newsletter, say, was taken out of the configuration
        return error.sentence.rstrip(".")
    return carry(runtime, alert.channel, words, now)
