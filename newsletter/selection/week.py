"""A weekly from the editions of its week: their leads first, then what stood highest and ran most often.

Nothing is weighed anew: the week's editors and rules have done that, each morning. Pure, like the choice
of a daily, and with the same last steps: one story once, in its section, around what editors placed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from newsletter.models import ArticleKind, Slot
from newsletter.selection.choosing import lay_out
from newsletter.selection.grouping import Grouping
from newsletter.selection.rules import Rules
from newsletter.selection.stories import Told, tell
from newsletter.selection.weigh import Weighed
from newsletter.values import Appearance, Candidate, Choice, Placement, Ran

LED = 100.0  # more than any story gathers that never led
OF_THE_DAY = (ArticleKind.NOTE, ArticleKind.SPONSOR)

Week = Mapping[int, Sequence[Appearance]]


def choose_week(
    appearances: Iterable[Appearance],
    candidates: Mapping[int, Candidate],
    rules: Rules,
    *,
    grouping: Grouping,
    went_out: Mapping[int, Ran],
    pins: Sequence[Placement] = (),
    dropped: Collection[int] = (),
    gone: Mapping[int, str],
) -> Choice:
    """Fill the slots of a weekly from what appeared in its week's editions.

    `went_out` says which weekly carried an article before; `pins`, `dropped` and `gone` are as for any
    other edition. Every article that appeared, and every pin, gets one sentence: "in: …" or "out: …".
    """
    week: dict[int, list[Appearance]] = {}
    for each in sorted(appearances, key=lambda each: (each.began_at, each.edition)):
        week.setdefault(each.article_id, []).append(each)
    able: list[Weighed] = []
    reasons: dict[int, str] = {}
    for number in sorted(week):
        if why := _barred(candidates[number], went_out, gone):
            reasons[number] = f"out: {why}"
        else:
            able.append(_able(candidates[number], week[number][-1]))
    return lay_out(
        able, lambda free: _told(free, week, grouping), rules,
        grouping=grouping, reasons=reasons, pins=pins, dropped=dropped,
    )  # fmt: skip


def _barred(candidate: Candidate, went_out: Mapping[int, Ran], gone: Mapping[int, str]) -> str:
    if candidate.hidden:
        return "hidden by an editor — brought back, it could run"
    if candidate.id in went_out:
        return f"ran in the edition {went_out[candidate.id].slug} — only an editor's pin lets it run again"
    if candidate.kind in OF_THE_DAY:
        return f"a {candidate.kind} is for its own day — only an editor's pin lets it run again"
    return gone.get(candidate.id, "")


def _able(candidate: Candidate, latest: Appearance) -> Weighed:
    kind = ArticleKind.VIDEO if latest.slot is Slot.VIDEO else candidate.kind
    return Weighed(candidate, (), latest.section or candidate.section, kind, None, 1.0)


def _told(able: Iterable[Weighed], week: Week, grouping: Grouping) -> list[Told]:
    ranked = (_ranked(story, week) for story in tell(able, grouping, {}))
    return sorted(ranked, key=lambda story: story.order)


def _ranked(story: Told, week: Week) -> Told:
    """The story with the weight of its days: what led, then how often it ran and how high it stood."""
    ran = [each for teller in (story.face, *story.others) for each in week[teller.candidate.id]]
    best = max(ran, key=lambda each: (each.slot is Slot.LEAD, each.share, each.began_at))
    editions = len({each.edition for each in ran})
    led = LED if best.slot is Slot.LEAD else 0.0
    weight = led + editions - 1 + best.share
    return replace(story, standing=weight, importance=weight, ran=_where(best, editions))


def _where(best: Appearance, editions: int) -> str:
    stood = "led" if best.slot is Slot.LEAD else f"was no. {best.place + 1} of {best.length} in"
    times = f"ran in {editions} editions and " if editions > 1 else ""
    return f"{times}{stood} {best.edition}"
