"""The states that rows pass through, and the kinds that they come in."""

from __future__ import annotations

from enum import StrEnum


class ArticleKind(StrEnum):
    """What an article can fill: most are stories; the others have a slot of their own."""

    STORY = "story"
    VIDEO = "video"
    NOTE = "note"
    SPONSOR = "sponsor"


class Slot(StrEnum):
    LEAD = "lead"
    HEADLINES = "headlines"
    VIDEO = "video"
    MORE = "more"
    NOTE = "note"
    SPONSOR = "sponsor"
    SOCIAL = "social"


class Placed(StrEnum):
    """Whose hand put an article where it stands: the machine's, or an editor's, and by which act."""

    BY_THE_MACHINE = ""
    PINNED = "pinned"
    MOVED = "moved"
    REWORDED = "re-worded"


class EditionKind(StrEnum):
    DAILY = "daily"
    EXTRA = "extra"
    WEEKLY = "weekly"
    CORRECTION = "correction"

    @property
    def fellows(self) -> tuple[EditionKind, ...]:
        """The kinds that share their past: a weekly tells again what others told, and they do not notice."""
        return tuple(
            kind for kind in EditionKind if (kind is EditionKind.WEEKLY) == (self is EditionKind.WEEKLY)
        )


class EditionState(StrEnum):
    DRAFT = "draft"
    APPROVED = "approved"
    FROZEN = "frozen"
    SENDING = "sending"
    SENT = "sent"
    HELD = "held"
    PAUSED = "paused"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


class BatchState(StrEnum):
    READY = "ready"
    RUNNING = "running"
    DONE = "done"


class DeliveryState(StrEnum):
    QUEUED = "queued"
    SENT = "sent"
    DEFERRED = "deferred"
    FAILED = "failed"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class SubscriptionState(StrEnum):
    PENDING = "pending"
    ACTIVE = "active"
    ENDED = "ended"


class Cadence(StrEnum):
    DAILY = "daily"
    WEEKDAYS = "weekdays"
    WEEKLY = "weekly"


class SuppressionReason(StrEnum):
    DEAD = "dead"
    COMPLAINT = "complaint"
    FORGOTTEN = "forgotten"


class LinkPurpose(StrEnum):
    """What a mailed link opens, once: a sign-up's confirmation, one's own data, a new address."""

    CONFIRM = "confirm"
    OWN_DATA = "own data"
    NEW_ADDRESS = "new address"


class LinkVerdict(StrEnum):
    """What an address was worth when it was looked at: there, gone for good (404, 410), or in trouble."""

    OK = "ok"
    GONE = "gone"
    FAILING = "failing"


class Role(StrEnum):
    """What somebody who signs in may do; each also what those before it may."""

    EDITOR = "editor"
    PUBLISHER = "publisher"
    ADMIN = "admin"


class AlertState(StrEnum):
    WAITING = "waiting"
    TOLD = "told"
    FAILED = "failed"


class AlertKind(StrEnum):
    """What is worth a word to people who are not looking."""

    READY = "ready"
    BLOCKED = "blocked"
    UNAPPROVED = "unapproved"
    HELD = "held"
    SKIPPED = "skipped"
    LATE = "late"
    STOPPED = "stopped"
    BREAKER = "breaker"
    FINISHED = "finished"
    DOUBT = "doubt"
    FEED_SILENT = "feed_silent"
    FLOODED = "flooded"
    DEAD_LINK = "dead_link"


class LetterKind(StrEnum):
    """What a letter is for."""

    CONFIRM = "confirm"
    WELCOME = "welcome"
    PREFERENCES = "preferences"
    ADDRESS_CHANGE = "address_change"
    GOODBYE = "goodbye"
    SIGN_IN = "sign_in"
    ALERT = "alert"
