"""How many people there are, for newsletters too large to be counted while somebody waits.

Counting a million readers exactly (who is active, suppressed, pausing) takes seconds. So it is done
now and then beside the clock and kept; who shows the figure says of which moment it is.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from newsletter.runtime import Runtime
from newsletter.schedule import next_due
from newsletter.store.audience import count_next
from newsletter.store.newsletters import newsletter_ids
from newsletter.store.standing import is_small, keep_count, kept_counts

EVERY = timedelta(minutes=10)


def keep_counts(runtime: Runtime, now: datetime) -> None:
    """Count the audience of the next daily of each large newsletter whose count has grown old."""
    with runtime.database.reading() as session:
        numbers, kept = newsletter_ids(session), kept_counts(session)
    for newsletter in runtime.settings.newsletters:
        number = numbers.get(newsletter.slug, 0)
        before = kept.get(number)
        if not number or (before is not None and abs(now - before.at) < EVERY):
            continue
        with runtime.database.reading() as session:
            if is_small(session, number):
                continue
            ahead = next_due(newsletter, now)
            people = count_next(session, number, ahead.day, ahead.at)
        with runtime.database.writing() as session:
            keep_count(session, number, people, now)
