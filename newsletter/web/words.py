"""Instants, numbers and states as pages show them: a word beside each sign, a zone beside each time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from newsletter.models import EditionState
from newsletter.values import Sums

_ARTICLE = re.compile(r"\b[Aa]rticle (\d{1,9})\b")


@dataclass(frozen=True, slots=True)
class Look:
    """How a state looks: its class in the style sheet, its sign, its word."""

    tone: str
    sign: str
    word: str


LOOKS = {
    EditionState.DRAFT: Look("plain", "○", "Draft"),
    EditionState.APPROVED: Look("ok", "✓", "Approved"),
    EditionState.FROZEN: Look("ok", "✓", "Ready to go"),
    EditionState.SENDING: Look("run", "▶", "Sending"),
    EditionState.SENT: Look("ok", "●", "Sent"),
    EditionState.HELD: Look("wait", "‖", "Held"),
    EditionState.PAUSED: Look("wait", "‖", "Paused"),
    EditionState.SKIPPED: Look("plain", "—", "Skipped"),
    EditionState.CANCELLED: Look("stop", "■", "Cancelled"),
}
INCOMPLETE = Look("warn", "◐", "Sent, some missing")
NOBODY = Look("stop", "■", "Reached nobody")


def look(state: EditionState, sums: Sums) -> Look:
    """A run that left somebody out is not shown like one that did not."""
    if state is not EditionState.SENT:
        return LOOKS[state]
    if sums.total and not sums.sent + sums.unknown:
        return NOBODY
    return INCOMPLETE if sums.failed + sums.expired + sums.unknown else LOOKS[state]


def when(instant: datetime, zone: str) -> str:
    """“Wed 18 Feb, 09:00 EST”."""
    local = instant.astimezone(ZoneInfo(zone))
    return f"{local:%a} {local.day} {local:%b, %H:%M %Z}"


def clock(instant: datetime, zone: str) -> str:
    """“09:00:03 EST”, for figures, which say of which moment they are."""
    return f"{instant.astimezone(ZoneInfo(zone)):%H:%M:%S %Z}"


def minute(instant: datetime, zone: str) -> str:
    return f"{instant.astimezone(ZoneInfo(zone)):%H:%M}"


def lately(instant: datetime, now: datetime, zone: str) -> str:
    """“07:05”, and of another day “Wed 08:59”."""
    local, today = instant.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone))
    return f"{local:%H:%M}" if local.date() == today.date() else f"{local:%a %H:%M}"


def stamp(instant: datetime, zone: str) -> str:
    """“2026-02-18T09:00:00-05:00”, for our scripts, which compare it with the clock on somebody's wall."""
    return instant.astimezone(ZoneInfo(zone)).isoformat(timespec="seconds")


def epoch(instant: datetime) -> int:
    """Seconds, for our scripts, which count down by them."""
    return int(instant.timestamp())


def span(seconds: float) -> str:
    """“2 h 5 min”; the largest two units, and seconds only below a minute."""
    whole = int(abs(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min"
    if whole < 48 * 3600:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86_400} days"


def age(seconds: float) -> str:
    """“2 h old”, in one unit, so that it changes seldom."""
    hours = int(max(seconds, 0)) // 3600
    if not hours:
        return "under an hour old"
    return f"{hours} h old" if hours < 48 else f"{hours // 24} days old"


def until(instant: datetime, now: datetime) -> str:
    """“in 2 h 5 min”, or “3 min ago”."""
    away = span((instant - now).total_seconds())
    return f"in {away}" if instant > now else f"{away} ago"


def figure(number: float) -> str:
    return f"{number:,.0f}"


def sentence(text: str) -> str:
    """What commands say in the middle of a line, at the beginning of one."""
    return text[:1].upper() + text[1:]


def named(text: str, titles: Mapping[int, str], most: int = 300) -> str:
    """Services know articles by number, people by headline, of which `most` characters tell which it is."""

    def name(found: re.Match[str]) -> str:
        title = titles.get(int(found[1]))
        return f"“{shorten(title, most)}”" if title else found[0]

    return _ARTICLE.sub(name, text)


def shorten(text: str, most: int) -> str:
    """Of a text that is longer, what fits with the dots that say so."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def is_old(instant: datetime, now: datetime) -> bool:
    """Whether a figure's own moment is worth telling."""
    return now - instant > timedelta(minutes=1)


FILTERS = {
    "when": when, "clock": clock, "minute": minute, "lately": lately, "stamp": stamp, "epoch": epoch,
    "span": span, "age": age, "until": until, "figure": figure, "sentence": sentence, "named": named,
    "shorten": shorten,
}  # fmt: skip
HELPERS = {"look": look, "is_old": is_old}
