"""What was mailed long ago retires: who got an edition is dropped whole, how many got it stays.

At most one edition at a time, and none while mail is on its way. An edition goes in one transaction: one of
which half the rows were gone would look as if the other half had been forgotten.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from newsletter.models import EditionState
from newsletter.runtime import Runtime
from newsletter.store import deliveries, editions
from newsletter.store.history import note

WHO = "scheduler"
BUSY = (EditionState.FROZEN, EditionState.SENDING)


def retire(runtime: Runtime, now: datetime) -> None:
    before = now - timedelta(seconds=runtime.settings.retention.deliveries)
    with runtime.database.reading() as session:
        oldest = deliveries.oldest_kept(session, before)
        if oldest is None or editions.in_state(session, BUSY):
            return
    with runtime.database.writing() as session:
        count = deliveries.drop(session, oldest)
        note(session, now, WHO, "retired", "edition", oldest, f"{count} deliveries")
