"""Links and pictures are looked at before a cut-off, and once more shortly before it.

What is seen is stored, and preflight, the choice and the alerts read it there: none of them waits for a
foreign server. A round of looks ends before the next thing that the clock has to do, done or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from sqlmodel import Session

from newsletter.config import NewsletterSettings
from newsletter.feeds.looks import Manners, Saw, look_at_all
from newsletter.models import Edition, EditionState
from newsletter.runtime import Runtime
from newsletter.services.drafting import Draft, as_it_stands, as_written
from newsletter.services.finding import find_edition
from newsletter.services.seeing import addresses_of, is_asked, standing_links
from newsletter.services.timing import closing_moment, cutoff_of
from newsletter.store import editions, looks
from newsletter.store.looks import APART
from newsletter.store.newsletters import newsletter_ids
from newsletter.values import Look

AHEAD = (EditionState.DRAFT, EditionState.APPROVED)
MARGIN = timedelta(seconds=5)  # between the end of a round and whatever the clock does next
LEAST = 1.0  # seconds: a round that has less is not begun
STILL_OF_USE = timedelta(days=2)  # that a page which was gone may come back


@dataclass(frozen=True, slots=True)
class _Window:
    """An edition's two looks: from `first` on, and again from `last` on, until it is `over`."""

    first: datetime
    last: datetime
    over: datetime

    def wants(self, look: Look | None, now: datetime) -> bool:
        if look is None or look.at < self.first or look.at < self.last <= now:
            return True
        # What was found gone is asked again soon: only twice is believed
        return look.fails == 1 and now - look.at >= APART


def look_due(runtime: Runtime, now: datetime) -> int:
    """Look at the addresses whose time has come; returns how many were looked at."""
    if not runtime.settings.preflight.links:
        return 0
    with runtime.database.reading() as session:
        ahead = tuple(_ahead(session, runtime))
        wanted = _wanted(session, runtime, ahead, now)
        seconds = _until_next(ahead, runtime, now)
    if not wanted or seconds < LEAST:
        return 0
    return len(_look(runtime, wanted, now, seconds))


def look_now(
    runtime: Runtime, newsletter: NewsletterSettings, slug: str, now: datetime, *, saw: Saw | None = None
) -> Sequence[Look]:
    """Look at every address of one edition, as it stands now. Raises Misuse for one that is unknown."""
    with runtime.database.reading() as session:
        edition = find_edition(session, newsletter, slug)
        drafted = as_it_stands(runtime, session, newsletter, edition, now)
    wanted = _shown(runtime, newsletter, drafted)
    return _look(runtime, wanted, now, runtime.settings.preflight.round, saw)


def _shown(runtime: Runtime, newsletter: NewsletterSettings, drafted: Draft) -> dict[str, bool]:
    """Every address of the mail, each once; True for a picture."""
    page = drafted.choice.placements
    standing = standing_links(newsletter, page, runtime).values()
    return dict.fromkeys(standing, False) | addresses_of(page, drafted.pool, runtime)


def _look(
    runtime: Runtime, wanted: Mapping[str, bool], now: datetime, seconds: float, saw: Saw | None = None
) -> Sequence[Look]:
    limits = runtime.settings.preflight
    some = dict(islice(wanted.items(), limits.max_addresses))
    manners = Manners(runtime.asking, limits)
    seen = look_at_all(some, manners, now, seconds=min(seconds, limits.round), saw=saw)
    with runtime.database.writing() as session:
        looks.record(session, seen)
    return seen


def _ahead(session: Session, runtime: Runtime) -> Iterator[tuple[NewsletterSettings, Edition]]:
    slugs = {number: slug for slug, number in newsletter_ids(session).items()}
    for edition in editions.in_state(session, (*AHEAD, EditionState.FROZEN)):
        newsletter = runtime.newsletters.get(slugs[edition.newsletter_id])
        if newsletter is not None:
            yield newsletter, edition


def _wanted(
    session: Session, runtime: Runtime, ahead: Iterable[tuple[NewsletterSettings, Edition]], now: datetime
) -> dict[str, bool]:
    """The addresses that are due, each once; those that were never looked at come first."""
    limits = runtime.settings.preflight
    due: dict[str, bool] = {}
    unseen: dict[str, bool] = {}
    lost = {
        url: look
        for url, look in looks.gone(session).items()
        if now - look.at < STILL_OF_USE and is_asked(runtime, url)
    }
    for newsletter, edition in ahead:
        over = _closes_at(runtime, newsletter, edition, now)
        window = _Window(
            over - timedelta(seconds=limits.first_look), over - timedelta(seconds=limits.last_look), over
        )
        if edition.by_hand or edition.state not in AHEAD or not window.first <= now < window.over:
            continue
        shown = _shown(runtime, newsletter, as_written(session, edition))
        seen = {**looks.looks_of(session, shown), **lost}
        for url, is_picture in {**dict.fromkeys(lost, False), **shown}.items():
            if window.wants(seen.get(url), now):
                (due if url in seen else unseen)[url] = is_picture
    return unseen | due


def _closes_at(runtime: Runtime, newsletter: NewsletterSettings, edition: Edition, now: datetime) -> datetime:
    """When the draft closes by itself; of one that a hand has closed, when it would have."""
    if edition.closed_at is None:
        closing = closing_moment(newsletter, edition, now, lead=runtime.settings.sending.lead)
        return closing or cutoff_of(newsletter, edition)
    return cutoff_of(newsletter, edition)


def _until_next(
    ahead: Iterable[tuple[NewsletterSettings, Edition]], runtime: Runtime, now: datetime
) -> float:
    """Seconds until the clock has something to do, less a margin."""
    lead = timedelta(seconds=runtime.settings.sending.lead)
    moments = (
        moment
        for newsletter, edition in ahead
        for moment in (cutoff_of(newsletter, edition), edition.due_at - lead, edition.due_at)
        if moment > now
    )
    return (min(moments, default=now + timedelta(days=1)) - now - MARGIN).total_seconds()
