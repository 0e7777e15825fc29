"""What the links and pictures of editions answered, so that preflight needs no network."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta

from sqlalchemy import delete
from sqlmodel import Session, col, select

from newsletter.models import LinkCheck, LinkVerdict
from newsletter.store.dialect import insert_for
from newsletter.store.slices import slices
from newsletter.values import Look

# Two looks that are nearer to each other than this count as one: a server may be ill for a moment
APART = timedelta(minutes=1)
KEPT = timedelta(days=30)
SEEN = ("checked_at", "verdict", "status", "ms", "bytes", "content_type", "final_url", "trouble", "fails")


def record(session: Session, looks: Iterable[Look]) -> None:
    """Keep what was seen, each in place of the look before; what is older than a month is dropped."""
    newest = {look.address: look for look in looks}
    if not newest:
        return
    before = looks_of(session, newest)
    rows = [_row(look, before.get(address)) for address, look in sorted(newest.items())]
    insert = insert_for(session)(LinkCheck)
    seen = {name: insert.excluded[name] for name in SEEN}
    session.execute(insert.on_conflict_do_update(index_elements=["address"], set_=seen), rows)
    oldest = max(look.at for look in newest.values()) - KEPT
    session.execute(delete(LinkCheck).where(col(LinkCheck.checked_at) < oldest))


def looks_of(session: Session, addresses: Collection[str]) -> Mapping[str, Look]:
    """The last look at each of these addresses, for those that were ever looked at."""
    return {
        row.address: _look(row)
        for some in slices(sorted(addresses))
        for row in session.exec(select(LinkCheck).where(col(LinkCheck.address).in_(some)))
    }


def gone(session: Session) -> Mapping[str, Look]:
    """All addresses that are known to lead nowhere any more."""
    rows = session.exec(select(LinkCheck).where(LinkCheck.verdict == LinkVerdict.GONE))
    return {row.address: look for row in rows if (look := _look(row)).is_gone}


def _row(look: Look, before: Look | None) -> dict[str, object]:
    return {
        "address": look.address, "checked_at": look.at, "verdict": look.verdict, "status": look.status,
        "ms": look.ms, "bytes": look.bytes, "content_type": look.content_type[:100],
        "final_url": look.final_url, "trouble": look.trouble, "fails": _fails(look, before),
    }  # fmt: skip


def _fails(look: Look, before: Look | None) -> int:
    """A page that answers is not gone; one that does not answer at all says nothing either way."""
    known = before.fails if before else 0
    if look.verdict is LinkVerdict.OK:
        return 0
    if look.verdict is LinkVerdict.FAILING:
        return known
    return known if before and known and abs(look.at - before.at) < APART else known + 1


def _look(row: LinkCheck) -> Look:
    return Look(
        row.address, row.checked_at, LinkVerdict(row.verdict), row.status, row.ms, row.bytes,
        row.content_type, row.final_url, row.trouble, row.fails,
    )  # fmt: skip
