"""Headlines in sections: no section starves while another overflows, and none is of one feed alone.

First every section gets its minimum, turn by turn; then every feed; then importance alone decides,
until the edition, the section or the feed has its maximum. What an editor pinned is there before all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from newsletter.models import Slot
from newsletter.selection.rules import Rules
from newsletter.selection.stories import Told
from newsletter.values import Placement


def arrange(
    stories: Sequence[Told], rules: Rules, *, pinned: Sequence[Placement] = (), feeds: Mapping[str, int]
) -> tuple[dict[str, list[Told]], dict[int, str]]:
    """Each section's stories in the order in which they are shown, and why every other one is not.

    `stories` come most important first; `feeds` says how many stories each feed has in the edition
    already. Pinned headlines take room, and their sections are shown in any case.
    """
    page = _Page(stories, rules, pinned, feeds)
    for _ in range(rules.min_per_section):
        page.one_for_each_section()
    page.the_minimum_of_each_feed()
    for story in stories:
        page.take(story)
    page.mix_feeds()
    return page.shown, page.crowded


class _Page:
    """The headlines of an edition while it fills. Stories are tried most important first."""

    def __init__(
        self, stories: Sequence[Told], rules: Rules, pinned: Sequence[Placement], feeds: Mapping[str, int]
    ) -> None:
        self.rules = rules
        self.stories = stories
        self.feeds = Counter(feeds)
        self.pinned = Counter(placement.section for placement in pinned)
        self.shown: dict[str, list[Told]] = {name: [] for name in self._sections()}
        self.crowded: dict[int, str] = {}
        self._taken: set[int] = set()

    def one_for_each_section(self) -> None:
        """Those with the most important stories first: room may not last for all."""
        served: set[str] = set()
        for story in self.stories:
            if story.section not in served and self.take(story):
                served.add(story.section)

    def the_minimum_of_each_feed(self) -> None:
        for story in self.stories:
            if story.feed and self.feeds[story.feed] < self.rules.min_per_feed:
                self.take(story)

    def take(self, story: Told) -> bool:
        """Show the story if there is room; False when there is none or it is shown already."""
        number = story.candidate.id
        if number in self._taken:
            return False
        if why := self._no_room(story):
            self.crowded[number] = why
            return False
        self.crowded.pop(number, None)
        self._show(story)
        return True

    def mix_feeds(self) -> None:
        """Give a section that is all from one feed another voice, wherever there is one."""
        for name, stories in self.shown.items():
            stories.sort(key=lambda story: story.order)
            feeds = {story.feed for story in stories}
            if len(stories) > 1 and len(feeds) == 1 and feeds != {""} and not self.pinned[name]:
                self._mix(name, stories, feeds.pop())

    def _mix(self, name: str, stories: list[Told], feed: str) -> None:
        """Better the same story by another feed than another story."""
        so_that = f"so that {named(name)} is not all from {feed}"
        for place in reversed(range(len(stories))):
            retold = stories[place].retold(feed, f"shown {so_that}")
            if retold and self._may_add(retold.feed):
                self._replace(stories, place, retold)
                return
        for story in self.stories:
            is_free = story.section == name and story.candidate.id not in self._taken
            if is_free and story.feed != feed and self._may_add(story.feed):
                self.crowded[stories[-1].candidate.id] = (
                    f"makes room for article {story.candidate.id}, {so_that}"
                )
                self.crowded.pop(story.candidate.id, None)
                self._replace(stories, -1, story.noted(f"shown {so_that}"))
                return

    def _replace(self, stories: list[Told], place: int, other: Told) -> None:
        gone, stories[place] = stories[place], other
        self._taken.remove(gone.candidate.id)
        self._taken.add(other.candidate.id)
        self.feeds.subtract({gone.feed: 1})
        self.feeds.update({other.feed: 1})

    def _show(self, story: Told) -> None:
        self.shown[story.section].append(story)
        self._taken.add(story.candidate.id)
        self.feeds[story.feed] += 1

    def _sections(self) -> list[str]:
        """Those with pins, then the wanted ones in their order, then the others by their best story."""
        present = list(dict.fromkeys(story.section for story in self.stories))
        wanted = [name for name in dict.fromkeys(self.rules.sections) if name in {*present, *self.pinned}]
        ordered = list(dict.fromkeys((*wanted, *present, *self.pinned)))
        room = max(self.rules.max_sections - len(self.pinned), 0)
        free = [name for name in ordered if name not in self.pinned][:room]
        return [name for name in ordered if name in self.pinned or name in free]

    def _may_add(self, feed: str) -> bool:
        most = self.rules.max_per_feed
        return not (most and feed) or self.feeds[feed] < most

    def _no_room(self, story: Told) -> str:
        """Why the story is not shown, and what would show it; empty when there is room for it."""
        rules, name = self.rules, named(story.section)
        if story.section not in self.shown:
            return (
                f"{name} is not among the {rules.max_sections} sections of this edition"
                " — with a larger max_sections or a place in sections it could run"
            )
        if not self._may_add(story.feed):
            return f"{story.feed} already has {rules.max_per_feed} — with a larger max_per_feed it could run"
        held = self.shown[story.section]
        if len(held) + self.pinned[story.section] >= rules.per_section:
            return f"{name} already has {rules.per_section}{_beaten(story, held)}"
        if sum(map(len, self.shown.values())) + self.pinned.total() >= rules.max_stories:
            everything = [each for stories in self.shown.values() for each in stories]
            return f"the edition already has {rules.max_stories} headlines{_beaten(story, everything)}"
        return ""


def headlines(sections: Mapping[str, Sequence[Told]], pinned: Sequence[Placement]) -> list[Placement]:
    """Placements in the order of the page. Positions run through all sections, so that these keep their
    order wherever the placements are read back by position. A pinned one stands at its own position in
    its section, counted from 1, as far as the section reaches; one without leads it.
    """
    page: list[Placement] = []
    for name, stories in sections.items():
        shown: list[Placement | Told] = list(stories)
        free = 0
        for pin in (pin for pin in pinned if pin.section == name):
            place = max(pin.position - 1, free)
            shown.insert(place, pin)
            free = min(place, len(shown) - 1) + 1
        page += [
            each if isinstance(each, Placement) else _headline(each, number)
            for number, each in enumerate(shown, 1)
        ]
    return [replace(placement, position=position) for position, placement in enumerate(page)]


def named(section: str) -> str:
    return section or "headlines"


def _headline(story: Told, number: int) -> Placement:
    why = f"{named(story.section)}, no. {number} — {story.carriage}"
    return Placement(story.candidate.id, Slot.HEADLINES, why=why, section=story.section)


def _beaten(story: Told, held: Iterable[Told]) -> str:
    """By how much it lost to the least of those that weigh more."""
    rivals = [each.importance for each in held if each.importance >= story.importance]
    if not rivals:
        return ""
    return (
        f", and weighs {story.importance:.2f} to the {min(rivals):.2f} of the last — with more it could run"
    )
