"""An edition sent by a hand's word: closed, if it is not, and frozen to begin in a minute; or a test of it.

Here the services meet that never meet each other: whoever closes an edition knows nothing of sending.
Command line and desk both begin here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from newsletter.config import NewsletterSettings
from newsletter.errors import Misuse, NewsletterError, Refused, Uncounted
from newsletter.models import EditionState
from newsletter.runtime import Runtime
from newsletter.services import deciding, editing, foreseeing, proofing, rehearsing, sending
from newsletter.services.finding import find_edition, refuse_if_stopped
from newsletter.services.revising import refuse_unseen
from newsletter.values import Outcome

MINUTE = timedelta(seconds=60)
TESTS_AT_ONCE = 10  # addresses


@dataclass(frozen=True, slots=True)
class Seen:
    """What a person had before their eyes when they decided: the version, and the hash of its mail."""

    version: int
    mail: str


@dataclass(frozen=True, slots=True)
class Tested:
    """What became of a test mail: the relay's own words, or why it did not go out."""

    address: str
    is_taken: bool
    told: str


def send_now(
    runtime: Runtime, newsletter: NewsletterSettings, slug: str, now: datetime, *, wait: timedelta, who: str
) -> sending.Dispatch:
    """Close today's edition (or the one named) and freeze it to begin after `wait`.

    Joins an edition that is under way. Raises Refused when there is nothing to send, or it was sent.
    """
    due_at = now + wait
    with runtime.database.reading() as session:
        refuse_if_stopped(session)
        found = find_edition(session, newsletter, slug) if slug else None
    edition = found or editing.today(runtime, newsletter, now, due_at=due_at, who=who)
    sending.may_send(newsletter, edition)
    was = EditionState(edition.state)
    if edition.state not in sending.UNDERWAY and edition.rendition_id is None:
        edition = editing.make_ready(runtime, newsletter, edition, now, who=who)
    if edition.id is None:
        raise Refused("The edition has no number.")
    return sending.send_now(runtime, newsletter, edition.id, now, due_at=due_at, who=who, was=was)


def send_seen(
    runtime: Runtime, newsletter: NewsletterSettings, slug: str, now: datetime, seen: Seen, *, people: int,
    who: str,
) -> sending.Dispatch:  # fmt: skip
    """Freeze exactly the mail that was seen, to begin in a minute, for `people` as somebody typed them.

    What was not approved is approved by that. Raises Uncounted when they are others by now, Stale when
    the edition is.
    """
    name = f"{newsletter.slug}/{slug}"
    with runtime.database.reading() as session:
        refuse_if_stopped(session)
        edition = find_edition(session, newsletter, slug)
    if edition.state not in sending.SENDABLE_BY_HAND:
        sending.may_send(newsletter, edition)
        raise Refused(f"{name} is {edition.state} already.", next_step=f"newsletter editions show {name}")
    counted = foreseeing.count(runtime, newsletter, slug, now)
    if people != counted:
        raise Uncounted(
            f"Nobody was mailed: {name} would go to {counted:,} now, not to the number that was typed.",
            next_step=f"Type {counted:,} if that is right.",
        )
    if edition.state == EditionState.APPROVED:
        refuse_unseen(newsletter, edition, seen.version)
    else:
        deciding.approve(runtime, newsletter, slug, now, who=who, version=seen.version, seen=seen.mail)
    return sending.send_now(
        runtime, newsletter, edition.id or 0, now, due_at=now + MINUTE, who=who,
        was=EditionState(edition.state),
    )  # fmt: skip


def send_test(
    runtime: Runtime, newsletter: NewsletterSettings, slug: str, address: str, now: datetime, *, who: str
) -> Outcome:
    """One test mail of the edition named, else of the one that is next, as it stands now."""
    editing.keep(runtime, now)
    slug = slug or proofing.next_slug(runtime, newsletter)
    rehearsal = rehearsing.rehearse(runtime, newsletter, now, slug=slug)
    letterhead = sending.letterhead(runtime, newsletter, rehearsal.edition)
    return proofing.send_proof(
        runtime, newsletter, rehearsal.edition, rehearsal.rendition, letterhead, address, now, who=who
    )


def send_tests(
    runtime: Runtime, newsletter: NewsletterSettings, slug: str, addresses: Sequence[str], now: datetime, *,
    who: str,
) -> tuple[Tested, ...]:  # fmt: skip
    """A test mail to each of these addresses, and what became of each. Raises Misuse for none or too many."""
    if not 0 < len(addresses) <= TESTS_AT_ONCE:
        raise Misuse(
            f"A test goes to one to {TESTS_AT_ONCE} addresses.", next_step="Choose some of the proof list."
        )
    return tuple(_tested(runtime, newsletter, slug, address, now, who) for address in addresses)


def _tested(
    runtime: Runtime, newsletter: NewsletterSettings, slug: str, address: str, now: datetime, who: str
) -> Tested:
    try:
        outcome = send_test(runtime, newsletter, slug, address, now, who=who)
    except NewsletterError as error:
        return Tested(address, False, error.sentence)
    return Tested(address, True, f"{outcome.relay}: {outcome.reply}")
