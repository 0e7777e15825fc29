"""Headlines in sections: no section starves while another overflows.

Each section's first stories are in before any section gets a third; then importance alone decides,
until the edition or the section is full.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from newsletter.models import Slot
from newsletter.selection.rules import Rules
from newsletter.selection.weigh import Weighed
from newsletter.values import Placement

FAIR_SHARE = 2  # stories of each section that come before the rest of any


def arrange(stories: Sequence[Weighed], rules: Rules) -> tuple[list[Placement], dict[int, str]]:
    """Headlines in the order in which they are shown, and why each of the other stories is not.

    `stories` come most important first. Positions run through all sections, so that the sections
    keep their order wherever the placements are read back by position.
    """
    by_section: dict[str, list[Weighed]] = {}
    for story in stories:
        by_section.setdefault(story.section, []).append(story)
    order = _order(list(by_section), rules.sections)
    shown = {name: by_section[name][: rules.per_section] for name in order[: rules.max_sections]}
    kept = _fairest(shown, rules.max_stories)
    placements = [
        _headline(story, number)
        for stories_of_one in shown.values()
        for number, story in enumerate((each for each in stories_of_one if each.candidate.id in kept), 1)
    ]
    crowded = {
        story.candidate.id: _crowded(story, shown, rules)
        for story in stories
        if story.candidate.id not in kept
    }
    return [replace(each, position=place) for place, each in enumerate(placements)], crowded


def _order(present: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """The wanted sections first, in their order; then the others, by their most important story."""
    first = [name for name in dict.fromkeys(wanted) if name in present]
    return first + [name for name in present if name not in first]


def _fairest(shown: Mapping[str, Sequence[Weighed]], most: int) -> frozenset[int]:
    """Ids of the stories that stay: the first of every section, the second, and then by importance."""
    turns = [
        (min(turn, FAIR_SHARE), story.order, story.candidate.id)
        for stories in shown.values()
        for turn, story in enumerate(stories)
    ]
    return frozenset(number for _, _, number in sorted(turns)[:most])


def _headline(story: Weighed, number: int) -> Placement:
    why = f"{_name(story.section)}, no. {number} — {story.carriage}"
    return Placement(story.candidate.id, Slot.HEADLINES, why=why, section=story.section)


def _crowded(story: Weighed, shown: Mapping[str, Sequence[Weighed]], rules: Rules) -> str:
    if story.section not in shown:
        return f"{_name(story.section)} is not among the {rules.max_sections} sections of this edition"
    if story not in shown[story.section]:
        return f"{_name(story.section)} already has {rules.per_section}"
    return f"the edition already has {rules.max_stories} headlines"


def _name(section: str) -> str:
    return section or "headlines"
