"""What an edition was in each version that a hand made, so that any of them can be had back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session, col

from newsletter.models import Edition, Placed, Slot, Snapshot
from newsletter.store.dialect import insert_for
from newsletter.values import Past, Placement, Touch

# In one history; whoever wants more back has an edition of another day in mind
MOST = 200


def keep(
    session: Session, edition: Edition, version: int, touches: Mapping[int, Touch],
    page: Sequence[Placement], now: datetime, *, who: str, act: str, told: str,
) -> None:  # fmt: skip
    """Keep what `edition` is in `version`; a version that is kept already stays as it is."""
    session.execute(
        insert_for(session)(Snapshot)
        .values(
            edition_id=edition.id, version=version, at=now, who=who, act=act, told=told,
            touches=[asdict(touch) for touch in touches.values()], page=[asdict(entry) for entry in page],
            subject=edition.own_subject, preheader=edition.own_preheader,
        )
        .on_conflict_do_nothing(index_elements=["edition_id", "version"])
    )  # fmt: skip


def any_kept(session: Session, edition_id: int) -> bool:
    found = select(Snapshot.version).where(Snapshot.edition_id == edition_id).limit(1)  # type: ignore[call-overload]
    return session.execute(found).first() is not None


def pasts(session: Session, edition_id: int) -> tuple[Past, ...]:
    """The latest versions of an edition that a hand made, the newest first."""
    rows = session.execute(
        select(Snapshot)
        .where(col(Snapshot.edition_id) == edition_id)
        .order_by(col(Snapshot.version).desc())
        .limit(MOST)
    ).scalars()
    return tuple(map(_past, rows))


def past(session: Session, edition_id: int, version: int) -> Past | None:
    row = session.get(Snapshot, (edition_id, version))
    return None if row is None else _past(row)


def _past(row: Snapshot) -> Past:
    return Past(
        row.version, row.at, row.who, row.act, row.told, row.subject, row.preheader,
        touches=tuple(_touch(each) for each in row.touches),
        page=tuple(Placement(**{**each, "slot": Slot(each["slot"])}) for each in row.page),
    )  # fmt: skip


def _touch(kept: Mapping[str, object]) -> Touch:
    slot = Slot(str(kept["slot"])) if kept["slot"] else None
    return Touch(**{**kept, "placed": Placed(str(kept["placed"])), "slot": slot})  # type: ignore[arg-type]
