"""A test mail: an edition as it stands, to an address of the newsletter's proof list, or of somebody who
signs in, and to no other.

It goes out at once, past the ledger, for it is no delivery; its links are powerless, and its web
view is a signed preview of exactly this version.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

from newsletter.config import NewsletterSettings
from newsletter.errors import Refused, RelayFailed
from newsletter.mail.addresses import parse_address
from newsletter.mail.links import PREVIEW_LIFE
from newsletter.mail.message import Compiled, Proof
from newsletter.mail.smtp import open_session
from newsletter.models import Edition, EditionState
from newsletter.runtime import Runtime
from newsletter.store import editions, relays, renditions, staff
from newsletter.store.history import count_since, note
from newsletter.store.newsletters import newsletter_ids
from newsletter.values import Fate, Letterhead, Outcome, Recipient, Rendition

AN_HOUR = timedelta(hours=1)
TESTS_AN_HOUR = 20


def next_slug(runtime: Runtime, newsletter: NewsletterSettings) -> str:
    """The edition that goes out next. Raises Refused when none is drafted."""
    with runtime.database.reading() as session:
        number = newsletter_ids(session)[newsletter.slug]
        ahead = editions.in_state(session, [EditionState.DRAFT, EditionState.APPROVED], number)
    if not ahead:
        raise Refused(f"{newsletter.slug} has no edition ahead of it.", next_step="newsletter status")
    return ahead[0].slug


def allowed(runtime: Runtime, newsletter: NewsletterSettings) -> tuple[str, ...]:
    """Where tests may go: the proof list, and after it whoever else signs in."""
    listed = [parse_address(proof).normalised for proof in newsletter.proof]
    with runtime.database.reading() as session:
        people = [person.address for person in staff.everybody(session)]
    return tuple(dict.fromkeys([*listed, *people]))


def send_proof(
    runtime: Runtime, newsletter: NewsletterSettings, edition: Edition, rendition: Rendition,
    letterhead: Letterhead, address: str, now: datetime, *, who: str,
) -> Outcome:  # fmt: skip
    """Send one copy. Raises Refused for an address that nobody allowed and for the 21st test in an hour,
    RelayFailed when the relay does not take it.
    """
    wanted = parse_address(address).normalised
    if wanted not in allowed(runtime, newsletter):
        raise Refused(
            f"{wanted} is not on the proof list of {newsletter.slug}.",
            next_step=f'add it to proof = [...] of [[newsletters]] slug = "{newsletter.slug}"',
        )
    _record(runtime, edition, rendition, now, who)
    compiled = Compiled(
        rendition, replace(letterhead, date=now), runtime.links, runtime.signing,
        proof=_proof(runtime, newsletter, edition, now),
    )  # fmt: skip
    outcome = asyncio.run(_hand_over(runtime, compiled, wanted))
    if outcome.fate is not Fate.ACCEPTED:
        raise RelayFailed(
            f"The relay {outcome.relay} did not take the test mail: {outcome.reply}.",
            next_step="newsletter status",
        )
    return outcome


def _record(runtime: Runtime, edition: Edition, rendition: Rendition, now: datetime, who: str) -> None:
    """Count it before it goes, and keep what it shows, so that its preview link opens."""
    if edition.id is None:
        raise RuntimeError("a test of an edition that was never stored")
    with runtime.database.writing() as session:
        if count_since(session, "test", now - AN_HOUR) >= TESTS_AN_HOUR:
            raise Refused(f"{TESTS_AN_HOUR} test mails went out in the last hour.", next_step="wait a while")
        note(session, now, who, "test", "edition", edition.id)
        if edition.rendition_id is None:
            renditions.save(session, edition, rendition, now)


def _proof(runtime: Runtime, newsletter: NewsletterSettings, edition: Edition, now: datetime) -> Proof:
    return Proof(
        web_url=runtime.links.preview(
            newsletter.slug, edition.slug, edition_id=edition.id or 0, version=edition.version,
            expires=now + PREVIEW_LIFE,
        )
    )  # fmt: skip


async def _hand_over(runtime: Runtime, compiled: Compiled, address: str) -> Outcome:
    in_order = sorted(runtime.settings.relays, key=lambda relay: relay.priority)
    with runtime.database.reading() as store:
        name = relays.preferred(store, [relay.name for relay in in_order])
    relay = next(relay for relay in in_order if relay.name == name)
    session = await open_session(relay)
    try:
        person = Recipient(subscriber_id=0, address=address, name="", attempt=1, pos=0)
        return await session.send(compiled.envelope_sender(person), address, compiled.content(person))
    finally:
        await session.close()
