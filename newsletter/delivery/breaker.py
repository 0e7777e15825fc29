"""The breaker: when a relay refuses one reader after another, it is about us, and the run must stop."""

from __future__ import annotations

from newsletter.values import Fate, Outcome

FIRST_ANSWERS = 200


class Breaker:
    """Counts one edition's answers. Trips at more than `refusals` permanent refusals among the first
    200 answers, or at `in_a_row` refusals without an acceptance between."""

    def __init__(self, refusals: int, in_a_row: int, *, answers: int = 0, refused: int = 0) -> None:
        self._limit = refusals
        self._row_limit = in_a_row
        self._answers = answers
        self._refused = refused
        self._row = 0

    def count(self, outcome: Outcome) -> str:
        """Why the run must stop, as a sentence; empty while it may go on.

        What we refused ourselves before the relay was asked says nothing about what it thinks of us.
        """
        if outcome.fate is Fate.REFUSED and not outcome.code:
            return ""
        self._answers += 1
        if outcome.fate not in (Fate.DEAD, Fate.REFUSED):
            self._row = 0
            return ""
        self._refused += 1
        self._row += 1
        if self._row >= self._row_limit:
            return f"{self._row} refusals in a row; the last: {outcome.reply}"
        if self._answers <= FIRST_ANSWERS and self._refused > self._limit:
            return f"{share_of_first(self._refused, self._answers)}; the last: {outcome.reply}"
        return ""


def share_of_first(refused: int, answers: int) -> str:
    return f"{refused} of the first {answers} answers were refusals"
