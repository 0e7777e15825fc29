"""How fast mail may go, as the workers of many machines share it: one row for each relay and lane.

Time is the database's, so that machines whose clocks differ agree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TypeVar

from sqlalchemy import func, select
from sqlmodel import Session, col

from newsletter.models import Rate
from newsletter.store.dialect import insert_for
from newsletter.values import Flow

T = TypeVar("T")
Change = Callable[[Mapping[str, Flow], datetime], tuple[T, Mapping[str, Flow]]]


def change(session: Session, names: Sequence[str], new: Callable[[datetime], Flow], act: Change[T]) -> T:
    """Give `act` the flows of these names, which nobody else changes meanwhile, and keep what it makes of
    them; a name without a flow has a `new` one."""
    rows = _locked(session, names)
    now = _now(session)
    missing = [name for name in names if name not in rows]
    if missing:
        values = [{"name": name} | asdict(new(now)) for name in sorted(missing)]
        session.execute(insert_for(session)(Rate).on_conflict_do_nothing(), values)
        rows = _locked(session, names)
    result, flows = act({name: _flow(row) for name, row in rows.items()}, _now(session))
    for name, flow in flows.items():
        for field, value in asdict(flow).items():
            setattr(rows[name], field, value)
    return result


def slowed(session: Session) -> tuple[dict[str, Flow], datetime]:
    """The flows that somebody has slowed down, and the database's time."""
    rows = session.execute(select(Rate).where(col(Rate.slowed_at).is_not(None))).scalars()
    return {row.name: _flow(row) for row in rows}, _now(session)


def _locked(session: Session, names: Sequence[str]) -> dict[str, Rate]:
    # In one order everywhere, so that two workers never wait for each other
    wanted = select(Rate).where(col(Rate.name).in_(names)).order_by(col(Rate.name)).with_for_update()
    return {row.name: row for row in session.execute(wanted).scalars()}


def _now(session: Session) -> datetime:
    found: datetime = session.execute(select(func.clock_timestamp())).scalar_one()
    return found


def _flow(row: Rate) -> Flow:
    return Flow(row.level, row.at, row.slowed_to, row.usual, row.slowed_at)
