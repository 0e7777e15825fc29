"""A letter on its way to one person: in the courier's hand, and as a theme sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from newsletter.models import LetterKind
from newsletter.values.editions import Story


@dataclass(frozen=True, slots=True)
class LetterInHand:
    """A letter that a courier has begun: its `attempt` is written down before anything leaves."""

    id: int
    kind: LetterKind
    address: str
    values: Mapping[str, Any]
    subscriber_id: int | None
    newsletter_id: int | None
    attempt: int
    created_at: datetime
    avoid: str


@dataclass(frozen=True, slots=True)
class LetterView:
    """All that a letter's templates may print beside the words of `label`; what a letter has no use for
    is empty. `url` is the one thing to click. Staff letters have no newsletter."""

    kind: LetterKind
    language: str
    direction: str
    subject: str = ""
    newsletter: str = ""
    home_url: str = ""
    postal_address: str = ""
    url: str = ""
    minutes: int = 0  # that the link is good for
    lead: Story | None = None  # of the newest edition
    edition_url: str = ""
    preferences_url: str = ""
    leave_url: str = ""
    text: str = ""
    next_step: str = ""
    rehearsal: bool = False
    headlines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PrintedLetter:
    """What a theme made of a letter: three texts, from three files."""

    subject: str
    html: str
    text: str


@dataclass(frozen=True, slots=True)
class LetterHead:
    """What a letter's headers say: `leave_url` where one click is to end what the letter is about."""

    message_id: str  # its left part
    from_name: str
    from_address: str
    reply_to: str
    to: str
    date: datetime
    leave_url: str = ""
