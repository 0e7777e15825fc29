"""What a single value may be. Every refusal is a `Wrong`: what is wrong, and what to write instead.

Whatever can reach a header or an SMTP command line is a `Line`: no control character gets past here,
so none can start a header of its own.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime, time
from difflib import get_close_matches
from typing import Annotated
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, available_timezones

from email_validator import EmailNotValidError, validate_email
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

A_YEAR = 366 * 86_400  # seconds; longer ones overflow calendars and are surely mistakes
_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
_DURATION = re.compile(r"(\d{1,9})(?: ?(second|minute|hour|day|week)s?)?")
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_LANE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
_THEME = re.compile(r"[a-z0-9_-]+")
_TOKEN = "{token}"  # noqa: S105 - a place for one, not one


class Wrong(ValueError):
    """A sentence that continues "key …" and the mend. Neither repeats what may be a secret."""

    def __init__(self, sentence: str, mend: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.mend = mend


def shown(value: object) -> str:
    """A value as a refusal may print it: escaped, and short."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:76]}…{text[-1]}"


def is_loopback(host: str) -> bool:
    """Whether mail or links to `host` stay on this machine."""
    name = host.strip("[]").lower()
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


def host_of(url: str) -> str:
    """The host that a web address names; empty when it names none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def seconds(value: object) -> object:
    """`1800`, "1800" and "30 minutes" as a number of seconds. Raises Wrong."""
    mend = 'write seconds (1800) or words ("30 minutes", "2 hours", "90 days")'
    if isinstance(value, str):
        found = _DURATION.fullmatch(value.strip())
        if not found:
            raise Wrong(f"is no duration: {shown(value)}", mend)
        value = int(found[1]) * _UNITS[found[2] or "second"]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Wrong("is to be a duration", mend)
    if not 0 <= value <= A_YEAR:
        raise Wrong("is to be a duration between nothing and a year", mend)
    return value


# ── texts ───────────────────────────────────────────────────────────────────────────────────────


def _has_control(text: str, allowed: str = "") -> bool:
    return any(unicodedata.category(sign) in {"Cc", "Zl", "Zp", "Cs"} for sign in text if sign not in allowed)


def _line(text: str) -> str:
    if _has_control(text):
        raise Wrong("holds a line break or another control character", "write it on one line")
    return text


def _paragraphs(text: str) -> str:
    if _has_control(text, allowed="\n\t"):
        raise Wrong("holds a control character", "take it out; line breaks may stay")
    return text


def _matching(pattern: re.Pattern[str], wanted: str, example: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if pattern.fullmatch(text):
            return text
        raise Wrong(f"is to be {wanted}, not {shown(text)}", f"write it like {example}")

    return check


def _or_empty(check: Callable[[str], str]) -> Callable[[str], str]:
    return lambda text: check(text) if text else text


_host_name = _matching(_HOST, "a host alone", "smtp.news.example; the port has a key of its own")
_language = _matching(_LANGUAGE, "a language tag", "en, uk or pt-BR")


def host(text: str) -> str:
    """A host name, or an IP address without brackets. Raises Wrong."""
    try:
        return str(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        return _host_name(text)


# ── addresses ───────────────────────────────────────────────────────────────────────────────────


def address(text: str) -> str:
    """RFC 5321 form, the domain in its ASCII spelling; `.test` and `.example` count as domains. Raises
    Wrong."""
    try:
        found = validate_email(text, check_deliverability=False, test_environment=True, allow_smtputf8=False)
    except EmailNotValidError as error:
        why = str(error).rstrip(".")
        raise Wrong(f"is no mail address: {shown(text)} ({why})", "write it like desk@news.example") from None
    return found.ascii_email or found.normalized


def _return_path(text: str) -> str:
    local, _, domain = text.rpartition("@")
    if local.count(_TOKEN) > 1 or set("{}") & set(local.replace(_TOKEN, "") + domain):
        raise Wrong(
            "may hold one {token} before the @ and no other braces",
            "write it like bounces+{token}@news.example",
        )
    checked = address(text.replace(_TOKEN, "token"))
    return f"{local}@{checked.rpartition('@')[2]}"


def _parts_of(url: str) -> SplitResult:
    mend = "write it like https://letters.news.example"
    try:
        parts = urlsplit(_line(url))
        _ = parts.port  # raises ValueError for a port that is none
    except Wrong:
        raise
    except ValueError:
        raise Wrong("is no web address", mend) from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or re.search(r"[\s<>\"]", url):
        raise Wrong("is no web address", mend)
    return parts


def _web_url(url: str) -> str:
    _parts_of(url)
    return url


def _public_url(url: str) -> str:
    parts = _parts_of(url)
    mend = "write scheme and host alone: https://letters.news.example"
    if parts.path not in {"", "/"} or "?" in url or "#" in url or "@" in parts.netloc:
        raise Wrong("has more than scheme, host and port", mend)
    name = host((parts.hostname or "").lower())
    if parts.scheme != "https" and not is_loopback(name):
        raise Wrong("is not https, so everybody on the way could read and change what a link does", mend)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{f'[{name}]' if ':' in name else name}{port}"


def _bind(text: str) -> str:
    name, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise Wrong(f"is to be an address and a port, not {shown(text)}", "write it like 127.0.0.1:8000")
    host(name)
    return text


def _proxy(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        raise Wrong(
            f"is to name proxies by IP address or network, not {shown(text)}",
            "write it like 10.0.0.7 or 10.0.0.0/24",
        ) from None


def _unstripped(value: object, check: ValidatorFunctionWrapHandler) -> object:
    """A blank may belong to a password."""
    return SecretStr(value) if isinstance(value, str) else check(value)


# ── days and times ──────────────────────────────────────────────────────────────────────────────


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise Wrong(f"is no time zone: {shown(name)}", _zone_like(name)) from None
    return name


def _zone_like(name: str) -> str:
    """A city is found too: most people write "New York", not "America/New_York"."""
    known = {zone.lower(): zone for zone in sorted(available_timezones())}
    cities = {zone.rpartition("/")[2]: full for zone, full in known.items()}
    wanted = name.strip().lower().replace(" ", "_")
    close = [cities[city] for city in get_close_matches(wanted, cities, n=1, cutoff=0.85)]
    close += [known[zone] for zone in get_close_matches(wanted, known, n=2, cutoff=0.75)]
    if not close:
        return "write an IANA name such as America/New_York"
    return f"did you mean {' or '.join(dict.fromkeys(close))}?"


def _minute(value: object) -> object:
    mend = 'write the minute on a 24-hour clock: "09:00"'
    if isinstance(value, str) and (found := _CLOCK.fullmatch(value.strip())):
        return time(int(found[1]), int(found[2]))
    if isinstance(value, time) and value == value.replace(second=0, microsecond=0, tzinfo=None):
        return value
    raise Wrong(f"is no minute of a day: {shown(value if isinstance(value, str) else str(value))}", mend)


def _hours(text: str) -> str:
    found = [_CLOCK.fullmatch(part.strip()) for part in text.split("-")]
    if len(found) != 2 or not all(found) or found[0][0] == found[1][0]:  # type: ignore[index]
        raise Wrong(
            f"is to be the hours between two minutes, not {shown(text)}", 'write it like "22:00-06:30"'
        )
    return text


def _date(value: object) -> object:
    if isinstance(value, str):
        try:
            return date.fromisoformat(value.strip())
        except ValueError:
            raise Wrong(f"is no date: {shown(value)}", "write it like 2026-12-25") from None
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise Wrong("is to be a date", "write it like 2026-12-25")


Line = Annotated[str, AfterValidator(_line)]
Words = Annotated[str, Field(min_length=1), AfterValidator(_line)]
Paragraphs = Annotated[str, AfterValidator(_paragraphs)]
RequiredParagraphs = Annotated[str, Field(min_length=1), AfterValidator(_paragraphs)]
Slug = Annotated[
    str, AfterValidator(_matching(_SLUG, "lower-case letters, digits and inner hyphens", "ukraine-today"))
]
LaneName = Annotated[
    str, AfterValidator(_matching(_LANE, "up to 32 lower-case letters, digits and inner hyphens", "gmail"))
]
ThemeName = Annotated[
    str,
    AfterValidator(_matching(_THEME, "lower-case letters, digits, hyphens and underscores", "evening-paper")),
]
Language = Annotated[str, AfterValidator(_language)]
LanguageOrNone = Annotated[str, AfterValidator(_or_empty(_language))]
Host = Annotated[str, AfterValidator(host)]
HostOrNone = Annotated[str, AfterValidator(_or_empty(host))]
Address = Annotated[str, AfterValidator(address)]
AddressOrNone = Annotated[str, AfterValidator(_or_empty(address))]
ReturnPath = Annotated[str, AfterValidator(_or_empty(_return_path))]
WebUrl = Annotated[str, AfterValidator(_web_url)]
WebUrlOrNone = Annotated[str, AfterValidator(_or_empty(_web_url))]
PublicUrl = Annotated[str, AfterValidator(_or_empty(_public_url))]
Bind = Annotated[str, AfterValidator(_bind)]
Proxy = Annotated[str, AfterValidator(_proxy)]
Zone = Annotated[str, AfterValidator(_zone)]
ZoneOrNone = Annotated[str, AfterValidator(_or_empty(_zone))]
Hours = Annotated[str, AfterValidator(_or_empty(_hours))]
Minute = Annotated[time, BeforeValidator(_minute)]
Date = Annotated[date, BeforeValidator(_date)]
Secret = Annotated[SecretStr, WrapValidator(_unstripped)]
Seconds = Annotated[int, BeforeValidator(seconds)]
Rate = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Moments = Annotated[float, BeforeValidator(seconds)]
