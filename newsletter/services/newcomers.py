"""What ops say about people, checked at the border: one row becomes an `Arrival` or a reason why not."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from functools import cache
from unicodedata import category
from zoneinfo import available_timezones

from newsletter.errors import Misuse
from newsletter.mail.addresses import lane_of, parse_address
from newsletter.mail.links import AddressKey
from newsletter.models import Cadence, SubscriptionState, as_lines
from newsletter.services.columns import LONGEST_ATTRIBUTE_NAME, MOST_ATTRIBUTES, Columns
from newsletter.services.sheets import LONGEST_CELL, plain_cell
from newsletter.store.arrivals import Arrival
from newsletter.store.subscribers import Newcomer

LONGEST_NAME = 200  # characters
LONGEST_ATTRIBUTE = 1_000  # characters
LONGEST_ATTRIBUTES = 16_000  # characters, all of a person's together
MOST_SECTIONS = 50
LONGEST_SECTION = 64  # characters
_BETWEEN_NEWSLETTERS = re.compile(r"[\s,;|]+")
_BETWEEN_SECTIONS = re.compile(r"[;|]")

# How this and other programs say that a place is none any more, or none yet: it is taken in as such
_STATES = {
    **dict.fromkeys(("", "active", "subscribed", "confirmed", "enabled"), SubscriptionState.ACTIVE),
    **dict.fromkeys(("pending", "unconfirmed"), SubscriptionState.PENDING),
    **dict.fromkeys(
        ("ended", "left", "unsubscribed", "suppressed", "cleaned", "bounced", "blocklisted", "forgotten"),
        SubscriptionState.ENDED,
    ),
}


def welcome(
    key: AddressKey, address: str, name: str, cadence: str, consent_text: str, consent_source: str,
    sections: Iterable[str] = (),
) -> Newcomer:  # fmt: skip
    """Raises Misuse, in a sentence, for an address, a name, a cadence or a section that is none."""
    parsed = parse_address(address)
    return Newcomer(
        address=parsed.normalised,
        address_key=key.of(parsed.normalised),
        lane=lane_of(parsed.domain),
        name=_name(name),
        cadence=Cadence(_cadence(cadence) or Cadence.DAILY),
        consent_text=_text(consent_text, "consent"),
        consent_source=_text(consent_source, "source of consent"),
        sections=chosen_sections(sections),
    )


def chosen_sections(names: Iterable[str]) -> tuple[str, ...]:
    """The sections that somebody wants, each once; none of them means all. Raises Misuse, in a sentence."""
    wanted = tuple(dict.fromkeys(filter(None, (" ".join(name.split()) for name in names))))
    if len(wanted) > MOST_SECTIONS:
        raise Misuse(f"There are more than {MOST_SECTIONS} sections.", next_step="leave them out to get all")
    for name in wanted:
        if len(name) > LONGEST_SECTION or not name.isprintable():
            raise Misuse(
                f"{name[:LONGEST_SECTION]!r} is no section: at most {LONGEST_SECTION} plain characters.",
                next_step="write it as it stands in the newsletter",
            )
    return wanted


class Reading:
    """How the rows of one file are read: its columns, the newsletters there are, and what goes unsaid."""

    def __init__(
        self, columns: Columns, key: AddressKey, newsletters: Collection[str], *, newsletter: str,
        source: str, now: datetime,
    ) -> None:  # fmt: skip
        self._columns = columns
        self._key = key
        self._newsletters = newsletters
        self._newsletter = newsletter
        self._source = source
        self._now = now

    def arrivals(self, line: int, cells: Sequence[str]) -> Iterator[Arrival]:
        """One for each newsletter that the row names. Raises Misuse, in a sentence, for the whole row."""
        if len(cells) > self._columns.width and self._columns.has_header:
            raise Misuse("The line has more cells than the header.", next_step="look for a stray delimiter")
        if max(map(len, cells)) > LONGEST_CELL:
            raise Misuse(f"A cell has more than {LONGEST_CELL:,} characters.", next_step="shorten it")
        said = {field: self._cell(cells, number) for field, number in self._columns.fields.items()}
        address = parse_address(said["address"])
        key = self._key.of(address.normalised)
        name = said.get("name") or f"{said.get('first_name', '')} {said.get('last_name', '')}"
        known = (
            address.normalised, key, lane_of(address.domain), _name(name), _zone(said.get("zone", "")),
            _cadence(said.get("cadence", "")), _state(said.get("state", "")),
            _text(said.get("consent", ""), "consent"),
            _text(said.get("consent_source", ""), "source of consent") or self._source,
            _instant(said.get("consent_at", ""), self._now), self._attributes(cells, said),
            as_lines(chosen_sections(_BETWEEN_SECTIONS.split(said.get("sections", "")))),
        )  # fmt: skip
        for newsletter in self._wanted(said.get("newsletter", "")):
            yield Arrival(line, newsletter, *known)

    def _cell(self, cells: Sequence[str], number: int) -> str:
        return plain_cell(cells[number]).strip() if number < len(cells) else ""

    def _wanted(self, text: str) -> list[str]:
        wanted = [*dict.fromkeys(filter(None, _BETWEEN_NEWSLETTERS.split(text.lower())))]
        for slug in wanted:
            if slug not in self._newsletters:
                known = ", ".join(self._newsletters) or "none"
                raise Misuse(f"There is no newsletter {slug[:64]!r}; there are: {known}.")
        if not wanted and not self._newsletter:
            raise Misuse("The line names no newsletter.", next_step="say --newsletter SLUG")
        return wanted or [self._newsletter]

    def _attributes(self, cells: Sequence[str], said: Mapping[str, str]) -> str:
        """The person's attributes as JSON; an empty cell says nothing."""
        found = _attributes_in(said["attributes"]) if said.get("attributes") else {}
        for name, number in self._columns.attributes.items():
            if value := self._cell(cells, number):
                found[name] = _text(value, f"attribute {name!r}", LONGEST_ATTRIBUTE)
        if len(found) > MOST_ATTRIBUTES:
            raise Misuse(f"The person has more than {MOST_ATTRIBUTES} attributes.")
        if sum(map(len, (*found, *found.values()))) > LONGEST_ATTRIBUTES:
            raise Misuse(f"The attributes have more than {LONGEST_ATTRIBUTES:,} characters together.")
        return json.dumps(found) if found else "{}"


def _name(text: str) -> str:
    name = " ".join(text.split())
    if len(name) > LONGEST_NAME:
        raise Misuse(f"The name has more than {LONGEST_NAME} characters.", next_step="shorten it")
    if not name.isprintable() and any(category(letter) in ("Cc", "Cs") for letter in name):
        raise Misuse("The name has control characters.", next_step="remove them")
    return name


def _text(text: str, what: str, longest: int = LONGEST_CELL) -> str:
    if len(text) > longest:
        raise Misuse(f"The {what} has more than {longest:,} characters.", next_step="shorten it")
    if not text.isprintable() and any(
        category(letter) in ("Cc", "Cs") and letter not in "\t\r\n" for letter in text
    ):
        raise Misuse(f"The {what} has control characters.", next_step="remove them")
    return text


def _cadence(text: str) -> str:
    """Empty when nothing is said."""
    wanted = text.strip().lower()
    if wanted in (*Cadence, ""):
        return wanted
    choices = ", ".join(Cadence)
    raise Misuse(f"The cadence {wanted[:20]!r} is none of {choices}.", next_step="correct it")


def _state(text: str) -> SubscriptionState:
    try:
        return _STATES[text.lower()]
    except KeyError:
        raise Misuse(
            f"The state {text[:20]!r} is none of active, pending, ended.",
            next_step="correct it, or leave the column out with --column state=",
        ) from None


def _zone(text: str) -> str:
    if text and text not in _zones():
        raise Misuse(
            f"{text[:40]!r} is no time zone.", next_step="write an IANA name such as America/New_York"
        )
    return text


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _instant(text: str, now: datetime) -> datetime | None:
    """An ISO date or instant; without a zone it is UTC."""
    if not text:
        return None
    try:
        if len(text) == len("2026-02-18"):
            found = datetime.combine(date.fromisoformat(text), time(), UTC)
        else:
            found = datetime.fromisoformat(text)
            found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Misuse(
            f"{text[:40]!r} is no time of consent.", next_step="write 2026-02-18, or 2026-02-18T14:00:00Z"
        ) from None
    if found > now:
        raise Misuse(f"The consent of {text[:40]!r} lies in the future.", next_step="correct it")
    return found


def _attributes_in(cell: str) -> dict[str, str]:
    """What an export wrote: a JSON object of texts."""
    try:
        found = json.loads(cell)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Misuse("The attributes are no JSON object.", next_step='write {"city": "Ellersea"}')
    return {
        _attribute_name(name): _text(
            value if isinstance(value, str) else json.dumps(value), f"attribute {name[:64]!r}",
            LONGEST_ATTRIBUTE,
        )
        for name, value in found.items()
    }  # fmt: skip


def _attribute_name(name: str) -> str:
    if not name.strip() or len(name) > LONGEST_ATTRIBUTE_NAME or not name.isprintable():
        raise Misuse(f"{name[:64]!r} is no name of an attribute.", next_step="correct it")
    return name
