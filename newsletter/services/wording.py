"""Words of an editor's own: headlines, summaries, subject and preheader, and the way back to those that came.

A part of shaping.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from newsletter.errors import Misuse
from newsletter.feeds.clean import plain
from newsletter.models import Placed
from newsletter.selection.hands import place_of
from newsletter.services.drafting import in_own_words
from newsletter.services.standing import Change, Standing, change_of

HEADLINE_LENGTH = 300  # characters; whoever needs more writes a summary
SUMMARY_LENGTH = 1_000


def reword(standing: Standing, article_id: int, headline: str | None, summary: str | None) -> Change:
    entry, touch = standing.entry(article_id), standing.touch(article_id)
    said = {
        name: plain(text, length)
        for name, text, length in (
            ("headline", headline, HEADLINE_LENGTH), ("summary", summary, SUMMARY_LENGTH),
        )
        if text is not None
    }  # fmt: skip
    if not said:
        raise Misuse(
            "It is not said what to change.",
            next_step=f"newsletter editions reword {standing.name} {article_id} --headline TEXT",
        )
    worded = replace(touch, headline=said.get("headline", touch.headline),
                     summary=said.get("summary", touch.summary))  # fmt: skip
    has_words = bool(worded.headline or worded.summary)
    if has_words and touch.placed is Placed.BY_THE_MACHINE:
        at = place_of(standing.page, entry)
        worded = replace(worded, placed=Placed.REWORDED, slot=entry.slot, section=entry.section, position=at)
        shown = replace(entry, pinned=True, why="re-worded by an editor")
    elif not has_words and touch.placed is Placed.REWORDED:
        worded = replace(worded, placed=Placed.BY_THE_MACHINE)
        shown = replace(entry, pinned=False, why="where it stood when its own words were given back")
    else:
        shown = entry
    shown = in_own_words(shown, {article_id: worded})
    page = tuple(shown if each is entry else each for each in standing.page)
    candidate = standing.drafted.pool[article_id]
    theirs = {"headline": entry.headline or candidate.title, "summary": entry.summary or candidate.summary}
    return change_of(
        standing, "reworded", f"article {article_id}, {_quoted(said)}, was {_quoted(theirs, only=said)}",
        frozenset(f"{article_id}.{name}" for name in said), page, (worded,),
        mine=_quoted(said), theirs=_quoted(theirs, only=said),
    )  # fmt: skip


def set_subject(standing: Standing, subject: str) -> Change:
    own = plain(subject, HEADLINE_LENGTH)
    was = standing.edition.subject
    return change_of(
        standing, "reworded", f"subject {_own(own)}, was {_own(was)}", frozenset({"subject"}),
        standing.page, (), mine=_own(own), theirs=_own(was), values={"own_subject": own},
    )  # fmt: skip


def set_preheader(standing: Standing, preheader: str) -> Change:
    own = plain(preheader, HEADLINE_LENGTH)
    was = standing.edition.own_preheader
    return change_of(
        standing, "reworded", f"preheader {_own(own)}, was {_own(was)}", frozenset({"preheader"}),
        standing.page, (), mine=_own(own), theirs=_own(was), values={"own_preheader": own},
    )  # fmt: skip


def _quoted(words: Mapping[str, str], only: Mapping[str, str] | None = None) -> str:
    names = words if only is None else only
    return ", ".join(f"{name} {_own(words[name])}" for name in names)


def _own(text: str) -> str:
    return f"“{text}”" if text else "as it came"
