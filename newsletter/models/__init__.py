"""The tables, and the states that rows pass through.

Instants are UTC (`datetime` is sqlmodel's UTCDateTime: naive values are refused). There are no
relationships: store functions return frozen values. Rules that must hold whatever the caller does
are CHECK constraints, because table models are not validated.
"""

from newsletter.models.checks import LinkCheck, Waiver
from newsletter.models.content import (
    Article,
    ArticleFeed,
    Correction,
    Edition,
    Entry,
    Feed,
    Mark,
    Newsletter,
    Rendition,
    Snapshot,
    Touch,
    Verdict,
)
from newsletter.models.ledger import Attempt, Batch, Delivery
from newsletter.models.letters import Letter
from newsletter.models.mailed_links import MailedLink
from newsletter.models.people import Subscriber, Subscription, Suppression, as_lines
from newsletter.models.running import Alert, Control, Headcount, History, Lease, Rate, RelayRecord, Share
from newsletter.models.staff import DeskSession, LoginLink, Person, Presence, Throttle
from newsletter.models.states import (
    AlertKind,
    AlertState,
    ArticleKind,
    BatchState,
    Cadence,
    DeliveryState,
    EditionKind,
    EditionState,
    LetterKind,
    LinkPurpose,
    LinkVerdict,
    Placed,
    Role,
    Slot,
    SubscriptionState,
    SuppressionReason,
)
from newsletter.models.table import Table

__all__ = [
    "Alert",
    "AlertKind",
    "AlertState",
    "Article",
    "ArticleFeed",
    "ArticleKind",
    "Attempt",
    "Batch",
    "BatchState",
    "Cadence",
    "Control",
    "Correction",
    "Delivery",
    "DeliveryState",
    "DeskSession",
    "Edition",
    "EditionKind",
    "EditionState",
    "Entry",
    "Feed",
    "Headcount",
    "History",
    "Lease",
    "Letter",
    "LetterKind",
    "LinkCheck",
    "LinkPurpose",
    "LinkVerdict",
    "LoginLink",
    "MailedLink",
    "Mark",
    "Newsletter",
    "Person",
    "Placed",
    "Presence",
    "Rate",
    "RelayRecord",
    "Rendition",
    "Role",
    "Share",
    "Slot",
    "Snapshot",
    "Subscriber",
    "Subscription",
    "SubscriptionState",
    "Suppression",
    "SuppressionReason",
    "Table",
    "Throttle",
    "Touch",
    "Verdict",
    "Waiver",
    "as_lines",
]
