"""The sign-up box: what a page needs to show one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from newsletter.config import NewsletterSettings
from newsletter.runtime import Runtime
from newsletter.services import reading
from newsletter.services.reading import Card

TEN_MINUTES = 600  # seconds


@dataclass(frozen=True, slots=True)
class Box:
    """The newsletters that can be had, the form's signed token, and what somebody got wrong in it."""

    cards: tuple[Card, ...]
    form: str
    action: str = "/"
    checked: frozenset[str] | None = None  # None: all of them
    address: str = ""
    trouble: str = ""


def box_for(
    runtime: Runtime, newsletters: Iterable[NewsletterSettings], now: datetime, *, is_kept: bool = True,
    action: str = "/", checked: frozenset[str] | None = None, address: str = "", trouble: str = "",
) -> Box:  # fmt: skip
    """`is_kept` for a page that anybody may keep for a while: its token is the same for ten minutes."""
    cards = tuple(reading.card(newsletter, now) for newsletter in newsletters if newsletter.sign_up)
    minute = datetime.fromtimestamp(now.timestamp() // TEN_MINUTES * TEN_MINUTES, now.tzinfo)
    form = runtime.links.form(minute if is_kept else now)
    return Box(cards, form, action, checked, address, trouble)
