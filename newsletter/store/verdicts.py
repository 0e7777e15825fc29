"""What editors decided of two articles: one story, or two. The last word on a pair stands."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session, col, select

from newsletter.models import Article, Verdict
from newsletter.store.dialect import insert_for
from newsletter.values import Verdict as VerdictValue


def record(
    session: Session, pairs: Iterable[tuple[int, int]], now: datetime, *, same: bool, who: str
) -> None:
    """Decide of each pair of different articles, by their ids, whatever was decided before."""
    rows = [
        {"one_id": min(pair), "other_id": max(pair), "same": same, "who": who, "at": now}
        for pair in sorted(pairs)
    ]
    if not rows:
        return
    insert = insert_for(session)(Verdict)
    said = {name: insert.excluded[name] for name in ("same", "who", "at")}
    session.execute(insert.on_conflict_do_update(index_elements=["one_id", "other_id"], set_=said), rows)


def since(session: Session, published_after: datetime) -> tuple[VerdictValue, ...]:
    """All verdicts that can matter to a pool of articles which were published after that."""
    rows = session.exec(
        select(Verdict)
        .join(Article, col(Article.id) == col(Verdict.one_id))
        .where(col(Article.published_at) >= published_after)
        .order_by(col(Verdict.one_id), col(Verdict.other_id))
    )
    return tuple(VerdictValue(row.one_id, row.other_id, row.same, row.at) for row in rows)
