"""Frozen values that travel between the rooms. No behaviour beyond what their fields imply."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from newsletter.models import ArticleKind, DeliveryState, Slot

# ── articles ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture at its source. Width and height in pixels, 0 when the source did not say."""

    url: str
    width: int = 0
    height: int = 0
    alt: str = ""


@dataclass(frozen=True, slots=True)
class ArticleDraft:
    """An article as it came in, already cleaned: canonical address, plain text, UTC instants.

    `html` is a sanitised fragment and only notes and sponsors have one. `rank` is the place in the
    feed's own order, 0 first, of `length` items.
    """

    url: str
    title: str
    summary: str = ""
    byline: str = ""
    section: str = ""
    language: str = ""
    kind: ArticleKind = ArticleKind.STORY
    picture: Picture | None = None
    duration: str = ""
    html: str = ""
    published_at: datetime | None = None
    guid: str = ""
    rank: int = 0
    length: int = 1


@dataclass(frozen=True, slots=True)
class Refusal:
    """An item that was not taken: where it stood, and why, in words for a person."""

    place: str
    why: str


@dataclass(frozen=True, slots=True)
class CarriedBy:
    """That a feed carries an article, and how high it stood there."""

    feed: str
    rank: int
    length: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """An article of the pool as selection sees it."""

    id: int
    url: str
    title: str
    published_at: datetime
    first_seen_at: datetime
    kind: ArticleKind = ArticleKind.STORY
    summary: str = ""
    byline: str = ""
    section: str = ""
    picture: Picture | None = None
    duration: str = ""
    html: str = ""
    carried_by: tuple[CarriedBy, ...] = ()
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Placement:
    """An article in a slot, and why it is there."""

    article_id: int
    slot: Slot
    why: str
    section: str = ""
    position: int = 0
    pinned: bool = False
    headline: str = ""
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """What selection decided: where the chosen go, and one reason for every candidate."""

    placements: tuple[Placement, ...]
    reasons: Mapping[int, str]


# ── the edition as a theme sees it ──────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Story:
    """An entry with everything a theme may print of it. Text is plain; `html` is a safe fragment."""

    title: str
    url: str
    summary: str = ""
    byline: str = ""
    kicker: str = ""
    picture: Picture | None = None
    duration: str = ""
    html: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    name: str
    stories: tuple[Story, ...]


@dataclass(frozen=True, slots=True)
class SocialLink:
    name: str
    url: str


@dataclass(frozen=True, slots=True)
class EditionView:
    """An edition with its seven slots filled or empty; the theme's only input beside the holes."""

    newsletter: str
    slug: str
    promise: str
    date: str
    schedule: str
    subject: str
    preheader: str
    language: str
    direction: str
    lead: Story
    sections: tuple[Section, ...]
    more_url: str
    home_url: str
    postal_address: str
    intro: str = ""
    video: Story | None = None
    note: Story | None = None
    sponsor: Story | None = None
    social: tuple[SocialLink, ...] = ()


# ── the rendition ───────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Body:
    """A part of the mail, quoted-printable, cut at its holes: literal, hole, literal, …, literal."""

    literals: tuple[bytes, ...]
    holes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rendition:
    """An edition rendered once. `hash` covers subject, both bodies and the theme's name."""

    subject: str
    preheader: str
    theme: str
    html: Body
    text: Body
    hash: str


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What every copy's headers have in common; once per edition."""

    newsletter_id: int
    newsletter_slug: str
    newsletter_name: str
    edition_id: int
    edition_slug: str
    language: str
    from_name: str
    from_address: str
    reply_to: str
    return_path: str
    list_id: str
    help_url: str
    archived_at: str
    feedback_id: str
    date: datetime


@dataclass(frozen=True, slots=True)
class Recipient:
    """A ledger row that has begun: to whom, and where its outcome is to be written."""

    subscriber_id: int
    address: str
    name: str
    attempt: int
    pos: int


# ── what a server answered ──────────────────────────────────────────────────────────────────────


class Phase(StrEnum):
    """Where an SMTP transaction stood when its fate was decided."""

    CONNECT = "connect"
    GREETING = "greeting"
    EHLO = "ehlo"
    STARTTLS = "starttls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    CONTENT = "content"


class Fate(StrEnum):
    """What an attempt came to; each has exactly one consequence for its row."""

    ACCEPTED = "accepted"  # 250 after the final dot
    BUSY = "busy"  # 4xx: later
    LOST = "lost"  # the connection failed before content left: nothing happened
    DEAD = "dead"  # the address does not exist
    REFUSED = "refused"  # 5xx for this message or address; may pass another day
    STOP = "stop"  # refused because of us, before any recipient was named
    DOUBT = "doubt"  # content left and no answer came


@dataclass(frozen=True, slots=True)
class Outcome:
    fate: Fate
    phase: Phase
    code: int = 0
    enhanced: str = ""
    text: str = ""
    relay: str = ""

    @property
    def reply(self) -> str:
        """The server's words on one line, or empty when it said nothing."""
        return " ".join(part for part in (str(self.code or ""), self.enhanced, self.text) if part)


@dataclass(frozen=True, slots=True)
class Settled:
    """An outcome on its way into the ledger."""

    recipient: Recipient
    state: DeliveryState
    outcome: Outcome
    at: datetime
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True, order=True)
class BatchKey:
    edition_id: int
    no: int


# ── sums ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Sums:
    """How an edition's deliveries stand, counted from its batches."""

    queued: int = 0
    sent: int = 0
    deferred: int = 0
    failed: int = 0
    unknown: int = 0
    expired: int = 0
    cancelled: int = 0

    @property
    def total(self) -> int:
        return (
            self.queued + self.sent + self.deferred + self.failed
            + self.unknown + self.expired + self.cancelled
        )  # fmt: skip
