"""APScheduler wakes the services at their minute; the store decides what is due.

`advance` may be called at any time, by anybody, as often as they like: it gathers, keeps drafts
and freezes what is due, and each step is a guarded write. So correctness never depends on a
trigger: beside the cron jobs our own tick looks every thirty seconds, on the monotonic clock.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger

from newsletter import logs
from newsletter.clock import monotonic
from newsletter.config import NewsletterSettings
from newsletter.errors import NewsletterError, Refused
from newsletter.models import EditionState
from newsletter.runtime import Runtime
from newsletter.schedule import next_due
from newsletter.services import (
    counting,
    editing,
    gathering,
    joining,
    looking,
    proofing,
    rehearsing,
    retiring,
    sending,
    telling,
)
from newsletter.services.finding import find_edition, refuse_if_stopped
from newsletter.services.status import CLOCK
from newsletter.store import leases
from newsletter.values import Outcome

TICK = 30.0  # seconds
TELL = 5.0  # seconds between two looks for something to tell

Errand = Callable[[Runtime, datetime], object]

log = logs.get(__name__)


def advance(runtime: Runtime, now: datetime) -> None:
    """Do whatever is due at `now`, short of delivering.

    What is ready goes first: feeds and links may take their time, and nine o'clock does not wait for them.
    """
    _sign(runtime)
    sending.open_due(runtime, now)
    gathering.gather_due(runtime, now)
    keep_time(runtime, now)
    if looking.look_due(runtime, now):
        keep_time(runtime, now)


def keep_time(runtime: Runtime, now: datetime) -> None:
    """Draft, close and freeze what is due; nothing here waits for the outside world."""
    _sign(runtime)
    editing.keep(runtime, now)
    sending.open_due(runtime, now)


def look_after(runtime: Runtime, now: datetime, *, seconds: float = 30.0) -> None:
    """What goes on beside the clock: tell what there is to tell, keep count of many people, and let go
    of what is kept no longer: who signed up and never confirmed, who got what months ago."""
    telling.tell(runtime, now, seconds=seconds)
    counting.keep_counts(runtime, now)
    joining.forget_worn(runtime, now)
    retiring.retire(runtime, now)


def _sign(runtime: Runtime) -> None:
    """The clock's heartbeat, which `status` reads."""
    with runtime.database.writing() as session:
        leases.sign(session, CLOCK)


def send_now(
    runtime: Runtime, newsletter: NewsletterSettings, slug: str, now: datetime, *, wait: timedelta, who: str
) -> sending.Dispatch:
    """Close today's edition (or the one named) and freeze it to begin after `wait`.

    Joins an edition that is under way. Raises Refused when there is nothing to send, or it was sent.
    """
    due_at = now + wait
    with runtime.database.reading() as session:
        refuse_if_stopped(session)
        found = find_edition(session, newsletter, slug) if slug else None
    edition = found or editing.today(runtime, newsletter, now, due_at=due_at, who=who)
    sending.may_send(newsletter, edition)
    was = EditionState(edition.state)
    if edition.state not in sending.UNDERWAY and edition.rendition_id is None:
        edition = editing.make_ready(runtime, newsletter, edition, now, who=who)
    if edition.id is None:
        raise Refused("The edition has no number.")
    return sending.send_now(runtime, newsletter, edition.id, now, due_at=due_at, who=who, was=was)


def send_test(
    runtime: Runtime, newsletter: NewsletterSettings, slug: str, address: str, now: datetime, *, who: str
) -> Outcome:
    """One test mail of the edition named, else of the one that is next, as it stands now."""
    editing.keep(runtime, now)
    slug = slug or proofing.next_slug(runtime, newsletter)
    rehearsal = rehearsing.rehearse(runtime, newsletter, now, slug=slug)
    letterhead = sending.letterhead(runtime, newsletter, rehearsal.edition)
    return proofing.send_proof(
        runtime, newsletter, rehearsal.edition, rehearsal.rendition, letterhead, address, now, who=who
    )


class Scheduler:
    """The thread that advances editions, woken at every cut-off, freeze and due minute."""

    def __init__(self, runtime: Runtime, stop: threading.Event) -> None:
        self._runtime = runtime
        self._stop = stop
        self._wake = threading.Event()
        self._cron = BackgroundScheduler(
            timezone=UTC,
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )

    def run(self) -> None:
        """Until `stop`: advance now, then at each wake and at least every thirty seconds."""
        self._schedule()
        self._cron.start()
        self._do(advance)
        beside = [
            self._beside(gathering.gather_due, TICK),
            self._beside(looking.look_due, TICK),
            self._beside(look_after, TELL),
        ]
        try:
            while not self._stop.is_set():
                self._sleep()
                self._do(keep_time)
        finally:
            self._cron.shutdown(wait=False)
            for thread in beside:
                thread.join()

    def _beside(self, errand: Errand, every: float) -> threading.Thread:
        """Beside the clock, so that a feed or a webhook that hangs holds up nobody."""

        def run() -> None:
            while not self._stop.wait(every):
                try:
                    self._do(errand)
                except Exception:
                    log.exception("errand_failed", errand=errand.__name__)

        thread = threading.Thread(target=run, name=errand.__name__)
        thread.start()
        return thread

    def _schedule(self) -> None:
        for newsletter in self._runtime.settings.newsletters:
            zone = newsletter.zone
            at = newsletter.send_at
            self._cron.add_job(
                self._wake.set,
                CronTrigger(hour=at.hour, minute=at.minute, timezone=zone),
                name=newsletter.slug,
            )

    def _do(self, errand: Errand) -> None:
        try:
            errand(self._runtime, self._runtime.clock.now())
        except NewsletterError as error:
            log.error("errand_failed", errand=errand.__name__, why=error.sentence)

    def _sleep(self) -> None:
        """Until woken, or the next moment that matters, or thirty seconds."""
        until = monotonic() + min(TICK, self._seconds_to_next())
        while not self._stop.is_set() and not self._wake.is_set() and (left := until - monotonic()) > 0:
            self._wake.wait(min(0.25, left))
        self._wake.clear()

    def _seconds_to_next(self) -> float:
        clock, lead = self._runtime.clock, timedelta(seconds=self._runtime.settings.sending.lead)
        now = clock.now()
        moments = [
            moment
            for newsletter in self._runtime.settings.newsletters
            for calendar in filter(None, (newsletter, newsletter.once_a_week))
            for due in (next_due(calendar, now).at,)
            for moment in (due - timedelta(seconds=newsletter.cutoff), due - lead, due)
            if moment > now
        ]
        return min(((moment - now).total_seconds() for moment in moments), default=TICK)
