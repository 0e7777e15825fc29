"""The relays as a person sees and chooses them: how each stands, a probe of it, and which one carries."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from newsletter.config import Relay
from newsletter.delivery.probing import probe as try_relay
from newsletter.errors import Misuse, Refused
from newsletter.mail.smtp import NotOpened
from newsletter.runtime import Runtime
from newsletter.store import control, history, relays

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class RelayLine:
    """How a relay stands. `is_up` is None while nobody has looked; `by_hand` when a person chose it."""

    name: str
    address: str
    priority: int
    is_up: bool | None
    since: datetime | None
    looked_at: datetime | None
    trouble: str
    carries: bool
    by_hand: bool


def standing(runtime: Runtime) -> tuple[RelayLine, ...]:
    """Every relay as it was last found, in the order in which they are used."""
    with runtime.database.reading() as session:
        return _lines(session, runtime.settings.relays)


def probe(runtime: Runtime, name: str, now: datetime, *, who: str) -> tuple[RelayLine, ...]:
    """Connect, greet, secure, sign in and say goodbye, with one relay or (empty `name`) with all.

    What is found is written down for everybody. Raises Misuse for a name that is not configured.
    """
    chosen = [_relay(runtime, name)] if name else list(runtime.settings.relays)
    found = asyncio.run(_probe_all(chosen))
    with runtime.database.writing() as session:
        for relay, trouble in zip(chosen, found, strict=True):
            relays.saw(session, relay.name, now, trouble.sentence if trouble else "", who=who)
        lines = _lines(session, runtime.settings.relays)
    return tuple(line for line in lines if not name or line.name == name)


def use(runtime: Runtime, name: str, now: datetime, *, who: str) -> None:
    """Let one relay carry all mail from now on, well or not; `auto` leaves the choice to the rule.

    Raises Misuse for a name that is not configured, Refused when it is so already.
    """
    value = "" if name == AUTO else _relay(runtime, name).name
    with runtime.database.writing() as session:
        if not control.give(session, control.RELAY, value, now, who=who):
            raise Refused(f"It is so already: {name}.", next_step="newsletter relays list")
        history.note(session, now, who, "relay chosen", "control", 0, name)


async def _probe_all(chosen: Sequence[Relay]) -> list[NotOpened | None]:
    return await asyncio.gather(*map(try_relay, chosen))


def _lines(session: Session, configured: Sequence[Relay]) -> tuple[RelayLine, ...]:
    known = relays.records(session)
    chosen = control.order(session, control.RELAY).value
    return tuple(
        RelayLine(
            name=relay.name,
            address=f"{relay.host}:{relay.port}",
            priority=relay.priority,
            is_up=record.is_up if record else None,
            since=record.since if record else None,
            looked_at=record.looked_at if record else None,
            trouble=record.trouble if record else "",
            carries=bool(record and record.carries_since),
            by_hand=relay.name == chosen,
        )
        for relay in sorted(configured, key=lambda relay: relay.priority)
        for record in (known.get(relay.name),)
    )


def _relay(runtime: Runtime, name: str) -> Relay:
    for relay in runtime.settings.relays:
        if relay.name == name:
            return relay
    known = ", ".join(relay.name for relay in runtime.settings.relays) or "none yet"
    raise Misuse(
        f"There is no relay {name!r}; the configuration has: {known}.",
        next_step="correct the name, or add a [[relays]] part to the configuration",
    )
