"""A run at a glance: how fast, how long still, how it stands at each provider, what servers say.

A part of status. Figures come from batches' sums; servers' words from a bounded sample of rows.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session

from newsletter.models import DeliveryState, Edition, EditionState
from newsletter.services.lines import RunLine, Words
from newsletter.store.deliveries import still_open
from newsletter.store.standing import Answer, lanes, troubled
from newsletter.values import Sums
from newsletter.visible import nobody

MOST_WORDS = 8
JUST_ENDED = timedelta(hours=12)
# What servers number their answers with: letters and digits mixed, or many digits
_NUMBER = re.compile(r"\b(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{8,}\b|\b\d{6,}\b")


def is_worth_a_look(edition: Edition, sums: Sums, now: datetime) -> bool:
    """Being sent, or ended within half a day with somebody unreached."""
    if edition.state in (EditionState.SENDING, EditionState.PAUSED):
        return edition.began_at is not None
    lately = edition.finished_at is not None and now - edition.finished_at < JUST_ENDED
    return lately and bool(sums.failed + sums.expired + sums.unknown)


def run_line(session: Session, name: str, edition: Edition, sums: Sums, now: datetime) -> RunLine:
    number = edition.id or 0
    answers = troubled(session, number) if sums.failed + sums.deferred + sums.expired else []
    per_second = _rate(edition, sums, now)
    still = still_open(session, number, now)
    is_running = edition.state == EditionState.SENDING
    return RunLine(
        edition=name,
        state=EditionState(edition.state),
        sums=sums,
        per_second=round(per_second, 1),
        seconds_left=round((sums.queued - still.later) / per_second) if is_running and per_second else None,
        still=still,
        lanes=lanes(session, number),
        words=_grouped(answers),
        sampled=len(answers),
        troubled=sums.failed + sums.deferred + sums.expired,
    )


def _rate(edition: Edition, sums: Sums, now: datetime) -> float:
    """Settled deliveries a second, on the average since the run began."""
    if edition.began_at is None:
        return 0.0
    seconds = ((edition.finished_at or now) - edition.began_at).total_seconds()
    return (sums.total - sums.queued) / max(seconds, 1.0)


def _grouped(answers: Sequence[Answer]) -> tuple[Words, ...]:
    """The same words of the same domain once, the most frequent first."""
    counts: Counter[tuple[str, DeliveryState, str]] = Counter(
        (answer.domain, answer.state, same(answer.reply)) for answer in answers
    )
    return tuple(
        Words(count, domain, state, reply) for (domain, state, reply), count in counts.most_common(MOST_WORDS)
    )


def same(reply: str) -> str:
    """A server's answer without what differs from reader to reader: addresses and queue numbers."""
    return _NUMBER.sub("…", nobody(reply))
