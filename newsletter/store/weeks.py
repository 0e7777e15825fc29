"""What a week's editions told, for the weekly that tells it again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from newsletter.models import Correction, Edition, EditionKind, Entry, Slot
from newsletter.store.editions import reached
from newsletter.values import Appearance

TELLING = (EditionKind.DAILY, EditionKind.EXTRA)


def appearances(
    session: Session, newsletter_id: int, *, after: datetime, until: datetime
) -> Sequence[Appearance]:
    """The entries of the dailies and extras that went out and whose first copy began in this span.

    Each in its last words: whoever reads of it in the weekly must not be told the error once more.
    """
    rows = session.execute(
        select(Entry, Edition.slug, Edition.began_at)
        .join(Edition, col(Edition.id) == col(Entry.edition_id))
        .where(
            Edition.newsletter_id == newsletter_id,
            col(Edition.kind).in_(TELLING),
            col(Edition.began_at) > after,
            col(Edition.began_at) <= until,
            reached(),
        )
        .order_by(col(Edition.began_at), col(Edition.id), col(Entry.position), col(Entry.id))
    ).all()
    entries = [entry for entry, _, _ in rows]
    corrected = _corrections(session, {entry.edition_id for entry in entries})
    lengths = Counter(entry.edition_id for entry in entries)
    seen: Counter[int] = Counter()
    found = []
    for entry, slug, began_at in rows:
        headline, summary = corrected.get((entry.edition_id, entry.article_id), ("", ""))
        found.append(
            Appearance(
                entry.article_id, slug, began_at, Slot(entry.slot), entry.section, seen[entry.edition_id],
                lengths[entry.edition_id], headline or entry.headline, summary or entry.summary,
            )
        )  # fmt: skip
        seen[entry.edition_id] += 1
    return found


def _corrections(session: Session, editions: Collection[int]) -> dict[tuple[int, int], tuple[str, str]]:
    """Edition and article → the words that were put right last, empty where they are as they were."""
    made = session.exec(
        select(Correction)
        .where(col(Correction.edition_id).in_(editions), col(Correction.article_id).is_not(None))
        .order_by(col(Correction.id))
    )
    found: dict[tuple[int, int], tuple[str, str]] = {}
    for each in made:
        key = (each.edition_id, each.article_id or 0)
        headline, summary = found.get(key, ("", ""))
        found[key] = (each.headline or headline, each.summary or summary)
    return found
