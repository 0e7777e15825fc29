"""Subjects that an editor may choose from, made of the page by rule: nothing is invented. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from newsletter.models import Slot
from newsletter.render.view import cut
from newsletter.values import Candidate, Placement

SHOWN = 65  # characters; what most inboxes show of a subject
MOST = 3
_BREAK = re.compile(r"\s+[–—|]\s+|:\s+|;\s+|,\s+|\s+-\s+|(?<=\w{4}[.?!])\s+")


def suggested(page: Sequence[Placement], pool: Mapping[int, Candidate], present: str) -> tuple[str, ...]:
    """Up to three that are not the present one: of the lead, of the lead and others, of others alone."""
    found = dict.fromkeys(subject for subject in _by_rule(page, pool) if subject and subject != present)
    return tuple(found)[:MOST]


def _by_rule(page: Sequence[Placement], pool: Mapping[int, Candidate]) -> Iterator[str]:
    titles: dict[Slot, list[str]] = {Slot.LEAD: [], Slot.HEADLINES: []}
    for placed in page:
        if placed.slot in titles:
            titles[placed.slot].append(placed.headline or pool[placed.article_id].title)
    if not titles[Slot.LEAD]:
        return
    lead, others = titles[Slot.LEAD][0], titles[Slot.HEADLINES]
    yield lead if len(lead) <= SHOWN else _short(lead)
    if others:
        yield _joined(_short(lead), _short(others[0]))
        yield f"{cut(_short(lead), SHOWN - 18)} – and {len(others)} more"
    yield _short(lead)
    yield from (_joined(_short(one), _short(other)) for one, other in pairwise(others))
    yield from map(_short, others)


def _short(title: str) -> str:
    """A headline up to where it first takes breath, if that says something."""
    first = _BREAK.split(title, maxsplit=1)[0].rstrip(" ,;:–—-")
    return cut(first if len(first) >= 12 else title, SHOWN)


def _joined(one: str, other: str) -> str:
    both = f"{one} · {other}"
    return both if len(both) <= SHOWN else cut(one, SHOWN)
