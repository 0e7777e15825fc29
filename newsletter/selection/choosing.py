"""From the pool to the slots: which articles run, where, and why; and why every other one does not.

Pure: the same candidates, in whatever order, and the same rules give the same choice. `more` and
`social` come from the settings and need no article, and so does a standing sponsor.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from newsletter.models import ArticleKind, Slot
from newsletter.selection.rules import Rules
from newsletter.selection.sections import arrange
from newsletter.selection.weigh import Weighed, weigh
from newsletter.values import Candidate, Choice, Placement

LEAD_WEIGHT = 0.75  # of the most important story's: what weighs less does not lead for a picture's sake
LEAD_WIDTH = 400  # pixels; a narrower picture would be blown up
_SINGLE = {ArticleKind.VIDEO: Slot.VIDEO, ArticleKind.NOTE: Slot.NOTE, ArticleKind.SPONSOR: Slot.SPONSOR}
_NOT_A_LETTER = re.compile(r"[\W_]+")


def choose(
    candidates: Sequence[Candidate],
    rules: Rules,
    *,
    due_at: datetime,
    closed_at: datetime,
    went_out: Mapping[int, str],
) -> Choice:
    """Fill the slots of an edition that is due at `due_at` and stopped moving at `closed_at`.

    `went_out` names the edition that carried an article to readers, by the article's id. A slot for
    which there is nothing stays empty. Every candidate gets one sentence, "in: …" or "out: …".
    """
    reasons: dict[int, str] = {}
    able: list[Weighed] = []
    for candidate in candidates:
        found = weigh(candidate, rules, due_at=due_at, closed_at=closed_at, went_out=went_out)
        if isinstance(found, str):
            reasons[candidate.id] = f"out: {found}"
        else:
            able.append(found)
    singles, repeats = _one_of_each_title(sorted(able, key=lambda weighed: weighed.order))
    placements, crowded = _place(singles, rules)
    reasons |= {number: f"out: {why}" for number, why in (repeats | crowded).items()}
    reasons |= {placement.article_id: f"in: {placement.why}" for placement in placements}
    return Choice(tuple(placements), reasons)


def _one_of_each_title(ordered: Iterable[Weighed]) -> tuple[list[Weighed], dict[int, str]]:
    first: dict[str, Weighed] = {}
    repeats: dict[int, str] = {}
    for weighed in ordered:
        # A title of signs alone is nobody's double
        title = _letters(weighed.candidate.title) or weighed.candidate.url
        kept = first.setdefault(title, weighed)
        if kept is not weighed:
            repeats[weighed.candidate.id] = f"same headline as article {kept.candidate.id}, which weighs more"
    return list(first.values()), repeats


def _letters(title: str) -> str:
    return _NOT_A_LETTER.sub(" ", unicodedata.normalize("NFKC", title).casefold()).strip()


def _place(ordered: Sequence[Weighed], rules: Rules) -> tuple[list[Placement], dict[int, str]]:
    stories = [weighed for weighed in ordered if weighed.kind == ArticleKind.STORY]
    lead = _lead(stories)
    placements = [_leading(lead)] if lead else []
    headlines, crowded = arrange([story for story in stories if story is not lead], rules)
    placements += headlines
    for kind, slot in _SINGLE.items():
        ranked = _ranked(kind, [weighed for weighed in ordered if weighed.kind == kind])
        placements += [_single(weighed, slot) for weighed in ranked[:1]]
        crowded |= {weighed.candidate.id: f"another {kind} weighs more today" for weighed in ranked[1:]}
    return placements, crowded


def _lead(stories: Sequence[Weighed]) -> Weighed | None:
    """Among the weightiest, where a story stands in its feeds decides: their editors chose that place."""
    foremost = [story for story in stories if story.importance >= LEAD_WEIGHT * stories[0].importance]
    standing = sorted(foremost, key=lambda story: (-story.standing, story.order))
    return next((story for story in standing if _can_lead(story)), standing[0] if standing else None)


def _can_lead(story: Weighed) -> bool:
    picture = story.candidate.picture
    return picture is not None and (picture.width == 0 or picture.width >= LEAD_WIDTH)


def _leading(lead: Weighed) -> Placement:
    picture = "and has a fitting picture" if _can_lead(lead) else "and none near it has a fitting picture"
    why = f"lead — stands highest {picture}: {lead.carriage}"
    return Placement(lead.candidate.id, Slot.LEAD, why=why, section=lead.section)


def _ranked(kind: ArticleKind, ordered: Sequence[Weighed]) -> Sequence[Weighed]:
    """A video without a poster is shown only when there is no other."""
    if kind != ArticleKind.VIDEO:
        return ordered
    return sorted(ordered, key=lambda weighed: weighed.candidate.picture is None)


def _single(weighed: Weighed, slot: Slot) -> Placement:
    return Placement(
        weighed.candidate.id, slot, why=f"{slot} — the {slot} that weighs most: {weighed.carriage}"
    )
