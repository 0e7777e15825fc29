"""After a run: whoever was not reached is sent the edition, and whoever is in doubt gets a person's answer.

Nobody who has the edition is sent it again, and nobody who perhaps has it unless a person says so.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from newsletter.config import NewsletterSettings
from newsletter.errors import Misuse, Refused
from newsletter.mail.addresses import parse_address
from newsletter.models import DeliveryState, Edition, EditionState
from newsletter.runtime import Runtime
from newsletter.services.finding import find_edition, refuse_if_stopped
from newsletter.services.many import refuse_uncounted
from newsletter.store import deliveries, editions, freezing, letters, reopening
from newsletter.store.audience import count_audience
from newsletter.store.deliveries import Answered
from newsletter.store.history import note
from newsletter.store.letters import DoubtedLetter
from newsletter.store.missing import without_row
from newsletter.store.newsletters import newsletter_ids

WENT_OUT = (EditionState.SENT, EditionState.SENDING)
MAY_GO_AGAIN = (*WENT_OUT, EditionState.PAUSED)


@dataclass(frozen=True, slots=True)
class Mended:
    """An edition of which so many deliveries were planned again, or would be."""

    edition_id: int
    slug: str
    people: int


def send_missing(
    runtime: Runtime, newsletter: NewsletterSettings, slug: str, now: datetime, *, dry_run: bool, who: str,
    count: int | None = None,
) -> Mended:  # fmt: skip
    """Plan those in the audience who have no row, and re-open `expired` and passingly `failed` ones.

    Never anybody who is `sent` or `unknown`. Raises Uncounted when they are many and `count` is None,
    Refused for another number, for an edition that has not been sent, or of which retention has
    dropped the rows.
    """
    with runtime.database.writing() as session:
        edition = find_edition(session, newsletter, slug, lock=not dry_run)
        number = edition.id or 0
        if edition.state not in WENT_OUT or edition.frozen_at is None:
            raise Refused(
                f"{newsletter.slug}/{slug} is {edition.state}; only what went out can miss somebody.",
                next_step=f"newsletter editions show {newsletter.slug}/{slug}",
            )
        _refuse_without_rows(session, newsletter, edition)
        people = without_row(session, edition, now)
        missed = count_audience(session, people) + reopening.count(session, number, reopening.PASSED_OVER)
        if dry_run:
            return Mended(number, slug, missed)
        refuse_if_stopped(session)
        command = f"newsletter send {newsletter.slug} --edition {slug} --missing"
        refuse_uncounted(missed, count, f"mails {newsletter.slug}/{slug} to those who miss it", command)
        term, size = _now(runtime, now), runtime.settings.sending.batch
        planned = freezing.plan(
            session, number, people, due_at=now, deadline=_deadline(runtime, now), size=size,
            lanes=runtime.lane_of_domain,
        )  # fmt: skip
        planned += reopening.reopen(session, number, reopening.PASSED_OVER, term, size)
        if planned:
            _send_on(session, edition, now, who=who, act="missing", why=f"{planned} were missing")
        return Mended(number, slug, planned)


# ── in doubt ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Doubt:
    """A delivery of which nobody knows whether it arrived."""

    edition: str
    row: Answered


def in_doubt(runtime: Runtime, newsletter: NewsletterSettings | None, slug: str) -> tuple[Doubt, ...]:
    """Everybody in doubt, of one edition or of all. Raises Misuse for an edition that is unknown."""
    with runtime.database.reading() as session:
        if newsletter is not None:
            found = [find_edition(session, newsletter, slug)]
        else:
            found = [editions.get(session, number) for number in deliveries.editions_in_doubt(session)]
        slugs = {number: slug for slug, number in newsletter_ids(session).items()}
        return tuple(
            Doubt(f"{slugs[edition.newsletter_id]}/{edition.slug}", row)
            for edition in found
            for row in deliveries.in_delivery_state(session, edition.id or 0, DeliveryState.UNKNOWN, None)
        )


def letters_in_doubt(runtime: Runtime) -> tuple[DoubtedLetter, ...]:
    """Letters are never sent again: whoever still needs one asks for it anew."""
    with runtime.database.reading() as session:
        return letters.in_doubt(session)


def count_sent(
    runtime: Runtime, newsletter: NewsletterSettings, slug: str, addresses: Sequence[str] | None,
    now: datetime, *, who: str, count: int | None = None,
) -> Mended:  # fmt: skip
    """Take a person's word that these arrived; `addresses` None means all that are in doubt.

    Raises Misuse for an address that is not in doubt, Uncounted when all are meant, many, and `count` is
    None, Refused for another number and when nobody is in doubt.
    """
    with runtime.database.writing() as session:
        edition, which, people = _doubted(session, newsletter, slug, addresses)
        name = f"{newsletter.slug}/{slug}"
        if addresses is None:
            command = f"newsletter unknown count-sent {name} --all"
            refuse_uncounted(people, count, f"counts as sent all that are in doubt in {name}", command)
        counted = reopening.count_as_sent(session, edition.id or 0, which)
        note(session, now, who, "counted sent", "edition", edition.id or 0, f"{counted} deliveries")
        return Mended(edition.id or 0, slug, counted)


def resend(
    runtime: Runtime, newsletter: NewsletterSettings, slug: str, addresses: Sequence[str] | None,
    now: datetime, *, dry_run: bool, who: str, count: int | None = None,
) -> Mended:  # fmt: skip
    """Send these once more, at the risk of a double; `addresses` None means all that are in doubt.

    Raises Misuse for an address that is not in doubt, Uncounted when all are meant, many, and `count` is
    None, Refused for another number, when nobody is in doubt and for a cancelled edition.
    """
    with runtime.database.writing() as session:
        edition, which, people = _doubted(session, newsletter, slug, addresses)
        number, name = edition.id or 0, f"{newsletter.slug}/{slug}"
        if edition.state not in MAY_GO_AGAIN:
            raise Refused(
                f"{name} was {edition.state}; what is in doubt can only be counted as sent.",
                next_step=f"newsletter unknown count-sent {name} --all",
            )
        if dry_run:
            return Mended(number, slug, people)
        refuse_if_stopped(session)
        if addresses is None:
            command = f"newsletter unknown resend {name} --all"
            refuse_uncounted(people, count, f"mails {name} again to all that are in doubt", command)
        again = reopening.reopen(session, number, which, _now(runtime, now), runtime.settings.sending.batch)
        _send_on(session, edition, now, who=who, act="resent", why=f"{again} in doubt are sent again")
        return Mended(number, slug, again)


def _doubted(
    session: Session, newsletter: NewsletterSettings, slug: str, addresses: Sequence[str] | None
) -> tuple[Edition, Any, int]:
    """The edition, locked, which of its rows are meant, and how many."""
    edition = find_edition(session, newsletter, slug, lock=True)
    _refuse_without_rows(session, newsletter, edition)
    rows = deliveries.in_delivery_state(session, edition.id or 0, DeliveryState.UNKNOWN, None)
    if not rows:
        raise Refused(f"Nobody is in doubt in {newsletter.slug}/{slug}.", next_step="newsletter unknown list")
    chosen = None if addresses is None else _chosen(newsletter, slug, rows, addresses)
    which = reopening.of_readers(reopening.IN_DOUBT, chosen)
    return edition, which, len(rows) if chosen is None else len(set(chosen))


def _chosen(
    newsletter: NewsletterSettings, slug: str, rows: Sequence[Answered], addresses: Sequence[str]
) -> Collection[int]:
    by_address = {row.address: row.subscriber_id for row in rows}
    wanted = [parse_address(address).normalised for address in addresses]
    strangers = [address for address in wanted if address not in by_address]
    if strangers:
        name = f"{newsletter.slug}/{slug}"
        raise Misuse(
            f"{strangers[0]} is not in doubt in {name}; nothing was changed.",
            next_step=f"newsletter unknown list {name}",
        )
    return [by_address[address] for address in wanted]


def _refuse_without_rows(session: Session, newsletter: NewsletterSettings, edition: Edition) -> None:
    if deliveries.are_dropped(session, edition.id or 0):
        name = f"{newsletter.slug}/{edition.slug}"
        raise Refused(
            f"Who got {name} is no longer on record: its retention is over.",
            next_step=f"newsletter editions show {name}",
        )


def _send_on(session: Session, edition: Edition, now: datetime, *, who: str, act: str, why: str) -> None:
    """`sent → sending`, for what was planned; one that is being sent or is paused stays so."""
    if edition.state == EditionState.SENT:
        editions.change(
            session, edition, EditionState.SENDING, now, who=who, act=act, why=why, finished_at=None
        )
    else:
        note(session, now, who, act, "edition", edition.id or 0, why)


def _now(runtime: Runtime, now: datetime) -> reopening.Term:
    return reopening.Term(not_before=now, due_at=now, deadline=_deadline(runtime, now))


def _deadline(runtime: Runtime, now: datetime) -> datetime:
    return now + timedelta(seconds=runtime.settings.sending.deadline)
