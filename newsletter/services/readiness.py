"""How an edition's preflight ended, as far as it is on the record: nothing is checked anew.

A part of status, which must not wait for a mail to be composed; `checking` looks at the edition itself.
"""

from __future__ import annotations

from enum import StrEnum

from newsletter.models import Edition, EditionState


class Readiness(StrEnum):
    NONE = ""
    OPEN = "open"
    READY = "ready"
    BLOCKED = "blocked"


def readiness_of(edition: Edition) -> Readiness:
    """A rendition is stored of what has passed; what was closed and held without one has not."""
    if edition.closed_at is None:
        return Readiness.OPEN if edition.state == EditionState.DRAFT else Readiness.NONE
    if edition.rendition_id is not None:
        return Readiness.READY
    return Readiness.BLOCKED if edition.state == EditionState.HELD else Readiness.NONE
