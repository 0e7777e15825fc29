"""An edition's earlier version had back: what hands had done to it by then, and nothing that they did since.

A part of shaping.
"""

from __future__ import annotations

from newsletter.errors import Refused
from newsletter.models import Slot
from newsletter.services.revising import id_of
from newsletter.services.standing import Change, Standing, change_of
from newsletter.services.wording import WORDS
from newsletter.store import snapshots
from newsletter.values import Touch


def restore(standing: Standing, version: int) -> Change:
    found = snapshots.past(standing.session, id_of(standing.edition), version)
    if found is None:
        raise Refused(
            f"No hand made version {version} of {standing.name}.",
            next_step=f"newsletter editions show {standing.name}",
        )
    kept = {touch.article_id: touch for touch in found.touches}
    touched = {number: kept.get(number, Touch(number)) for number in {*standing.touches, *kept}}
    fields = ("place", *WORDS)
    things = {f"{number}.{field}" for number in touched for field in fields} | {"subject", "preheader"}
    return change_of(
        standing, "restored", f"version {version}", frozenset(things | set(Slot)), found.page,
        tuple(touched.values()), mine=f"version {version}", theirs=f"version {standing.edition.version}",
        values={"own_subject": found.subject, "own_preheader": found.preheader},
    )  # fmt: skip
