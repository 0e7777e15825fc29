"""Preflight as the desk shows it: with the moment of which it is, and made anew no more often than needed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import inf
from weakref import WeakKeyDictionary

from newsletter.clock import monotonic
from newsletter.config import NewsletterSettings
from newsletter.models import Edition
from newsletter.runtime import Runtime
from newsletter.services import foreseeing
from newsletter.services.checking import Preflight
from newsletter.services.lines import EditionLine
from newsletter.store.database import Database
from newsletter.values import Severity

AGAIN = 20.0  # seconds after which a page that stands still is checked anew
GLANCE = 60.0  # seconds, where it is one figure of many


@dataclass(frozen=True, slots=True)
class Checked:
    """How preflight went, and the moment of which that is."""

    at: datetime
    preflight: Preflight

    @property
    def blockers(self) -> int:
        return sum(each.severity is Severity.BLOCKER for each in self.preflight.findings)

    @property
    def warnings(self) -> int:
        """Those that nobody waived."""
        found = self.preflight.findings
        return sum(each.severity is Severity.WARNING and each.waiver is None for each in found)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A check, the page of which it is, and when by the machine's clock it was made."""

    checked: Checked
    state: object
    made: float


Awaited = tuple[NewsletterSettings, EditionLine]

_checks: WeakKeyDictionary[Database, dict[str, _Seen]] = WeakKeyDictionary()


def checked(runtime: Runtime, newsletter: NewsletterSettings, edition: Edition, now: datetime) -> Checked:
    """Preflight composes the mail, so of a version that stands still it is made anew only now and then."""
    seen = _checks.get(runtime.database, {}).get(f"{newsletter.slug}/{edition.slug}")
    if seen and seen.state == _state(runtime, edition) and monotonic() - seen.made < AGAIN:
        return seen.checked
    return _check(runtime, newsletter, edition.slug, now)


def known(runtime: Runtime, wanted: Iterable[Awaited]) -> Mapping[str, Checked]:
    """What was found of each when it was last looked at, by newsletter/slug; nothing is checked for it."""
    seen = _checks.get(runtime.database, {})
    names = ((f"{newsletter.slug}/{line.slug}", line) for newsletter, line in wanted)
    return {name: seen[name].checked for name, line in names if _is_of(seen.get(name), line)}


def look_at_one(runtime: Runtime, wanted: Iterable[Awaited], now: datetime) -> None:
    """Check the one that nobody has looked at, or whose look is the oldest, if that is old at all."""
    seen = _checks.setdefault(runtime.database, {})

    def made(one: Awaited) -> float:
        found = seen.get(f"{one[0].slug}/{one[1].slug}")
        return found.made if found and _is_of(found, one[1]) else -inf

    first = min(wanted, key=made, default=None)
    if first is not None and monotonic() - made(first) > GLANCE:
        newsletter, line = first
        _check(runtime, newsletter, line.slug, now)


def _check(runtime: Runtime, newsletter: NewsletterSettings, slug: str, now: datetime) -> Checked:
    fresh = Checked(now, foreseeing.checked(runtime, newsletter, slug, now))
    seen = _Seen(fresh, _state(runtime, fresh.preflight.edition), monotonic())
    _checks.setdefault(runtime.database, {})[f"{newsletter.slug}/{slug}"] = seen
    return fresh


def _state(runtime: Runtime, edition: Edition) -> object:
    return edition.version, edition.state, foreseeing.waived(runtime, edition)


def _is_of(seen: _Seen | None, line: EditionLine) -> bool:
    return seen is not None and seen.checked.preflight.edition.version == line.version
