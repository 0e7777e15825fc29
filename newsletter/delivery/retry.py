"""What an answer means for its row: settled for good, or once more at a stated time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from newsletter.models import DeliveryState
from newsletter.values import Fate, Outcome, Recipient, Settled

STATE_OF = {
    Fate.ACCEPTED: DeliveryState.SENT,
    Fate.BUSY: DeliveryState.DEFERRED,
    Fate.LOST: DeliveryState.DEFERRED,
    Fate.DEAD: DeliveryState.FAILED,
    Fate.REFUSED: DeliveryState.FAILED,
    Fate.DOUBT: DeliveryState.UNKNOWN,
}


def settle(recipient: Recipient, outcome: Outcome, now: datetime, retry_after: Sequence[int]) -> Settled:
    """Turn an answer into a ledger entry. `retry_after` holds seconds before attempt 2, 3, …; the last
    repeats. An outcome of Fate.STOP is about us and settles no row; it is not for this function.
    """
    state = STATE_OF[outcome.fate]
    next_at = None
    if state is DeliveryState.DEFERRED:
        pause = retry_after[min(recipient.attempt, len(retry_after)) - 1]
        next_at = now + timedelta(seconds=pause)
    return Settled(recipient, state, outcome, now, next_at)
