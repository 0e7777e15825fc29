"""The sign-up box: what a page needs to show one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from newsletter.config import NewsletterSettings
from newsletter.runtime import Runtime
from newsletter.services import reading
from newsletter.services.reading import Card


@dataclass(frozen=True, slots=True)
class Box:
    """The newsletters that can be had, the form's signed token, the page that it stands on, and what somebody
    got wrong in it."""

    cards: tuple[Card, ...]
    form: str
    page: str
    action: str = "/"
    checked: frozenset[str] | None = None  # None: all of them
    address: str = ""
    trouble: str = ""


def box_for(
    runtime: Runtime, newsletters: Iterable[NewsletterSettings], now: datetime, page: str, action: str = "/"
) -> Box:
    cards = tuple(reading.card(newsletter, now) for newsletter in newsletters if newsletter.sign_up)
    return Box(cards, runtime.links.form(now), page, action)
