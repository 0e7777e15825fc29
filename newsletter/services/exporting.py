"""Everybody's places as a CSV file that any spreadsheet opens and an import takes back; one person's data.

Without a word about states only those go out who are mailed: whoever gets such a list may not know what
*ended* or *suppressed* means.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any, TextIO

from newsletter.errors import Misuse
from newsletter.models import SubscriptionState
from newsletter.runtime import Runtime
from newsletter.services.finding import find_person
from newsletter.services.sheets import safe_cell
from newsletter.store import people
from newsletter.store.history import note
from newsletter.store.newsletters import newsletter_ids
from newsletter.store.people import Standing

COLUMNS = (
    "address", "name", "newsletter", "state", "cadence", "sections", "zone", "consent", "consent_at",
    "consent_source", "attributes",
)  # fmt: skip
ANY = "any"
STATES = (*map(str, SubscriptionState), ANY)
CHUNK = 1_000
MOST_MAILS = 10_000  # of one person: more than a newsletter sends in twenty years


def export_csv(
    runtime: Runtime,
    file: TextIO,
    newsletter_slug: str | None,
    now: datetime,
    *,
    state: str = SubscriptionState.ACTIVE,
    raw: bool = False,
    on_progress: Callable[[int, float], None] | None = None,
) -> int:
    """Write a line for each place on the newsletter, or on all when it is None; returns how many.

    `raw` writes cells as they are, formulas too. `on_progress` is called with the lines written so far
    and the share of the people that they are. Raises Misuse for an unknown newsletter or state.
    """
    if newsletter_slug is not None:
        runtime.newsletter(newsletter_slug)
    if state not in STATES:
        raise Misuse(f"There is no state {state[:20]!r}.", next_step=f"use one of {', '.join(STATES)}")
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    count = 0
    with runtime.database.reading() as session:
        highest = people.highest_number(session)
        wanted = "" if state == ANY else state
        for standing in people.standings(session, newsletter_slug or "", state=wanted):
            cells = _cells(standing)
            writer.writerow(cells if raw else map(safe_cell, cells))
            count += 1
            if on_progress and count % CHUNK == 0:
                on_progress(count, standing.subscriber_id / highest)
    _note(runtime, newsletter_slug, f"{count} places, state {state}", now)
    return count


def whole_data(runtime: Runtime, which: str, now: datetime) -> dict[str, Any]:
    """Everything that is known of one person, for themselves. Raises Misuse for nobody."""
    with runtime.database.writing() as session:
        person = find_person(session, runtime, which)
        number = person.id or 0
        suppression = people.suppression_of(session, person.address_key)
        data = {
            "id": number, "address": person.address, "name": person.name,
            "attributes": dict(person.attributes), "known_since": person.created_at,
            "suppressed": suppression and suppression.model_dump(include={"reason", "detail", "since"}),
            "places": [_place(standing) for standing in people.standings(session, subscriber_id=number)],
            "mails": [asdict(one) for one in people.handled(session, number, MOST_MAILS)],
            "history": [
                line.model_dump(include={"at", "who", "act", "why"})
                for line in people.history_of(session, number, MOST_MAILS)
            ],
        }  # fmt: skip
        note(session, now, "ops", "export", "subscriber", number)
    return data


def _cells(standing: Standing) -> tuple[str, ...]:
    return (
        standing.address, standing.name, standing.newsletter,
        "suppressed" if standing.suppressed else standing.state, standing.cadence,
        "; ".join(standing.sections), standing.zone,
        standing.consent_text, standing.consent_at.isoformat() if standing.consent_at else "",
        standing.consent_source,
        json.dumps(standing.attributes, ensure_ascii=False, sort_keys=True) if standing.attributes else "",
    )  # fmt: skip


def _place(standing: Standing) -> dict[str, Any]:
    about_the_person = {"subscriber_id", "address", "name", "attributes", "suppressed", "newsletter_id"}
    return {name: value for name, value in asdict(standing).items() if name not in about_the_person}


def _note(runtime: Runtime, newsletter_slug: str | None, why: str, now: datetime) -> None:
    with runtime.database.writing() as session:
        number = newsletter_ids(session).get(newsletter_slug or "", 0)
        note(session, now, "ops", "export", "newsletter", number, why)
