"""Words and pictures of an editor's own: headlines, summaries, subject and preheader, and the way back to
those that came.

A part of shaping.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from newsletter.errors import Misuse
from newsletter.feeds.clean import plain, web_address
from newsletter.models import Placed
from newsletter.selection.hands import place_of
from newsletter.services.drafting import in_own_words
from newsletter.services.standing import Change, Standing, change_of
from newsletter.values import NO_PICTURE, Candidate, Placement

HEADLINE_LENGTH = 300  # characters; whoever needs more writes a summary
SUMMARY_LENGTH = 1_000
# What an editor may say of an entry: how history calls it
WORDS = {
    "headline": "headline",
    "summary": "summary",
    "picture": "picture",
    "picture_alt": "words for its picture",
}


def reword(standing: Standing, article_id: int, words: Mapping[str, str]) -> Change:
    """`words` are those of WORDS that are to be others; empty ones give back what came."""
    entry, touch = standing.entry(article_id), standing.touch(article_id)
    candidate = standing.drafted.pool[article_id]
    said: dict[str, Any] = {name: _clean(standing, article_id, name, text) for name, text in words.items()}
    if not said:
        raise Misuse(
            "It is not said what to change.",
            next_step=f"newsletter editions reword {standing.name} {article_id} --headline TEXT",
        )
    came = {"headline": candidate.title, "summary": candidate.summary}
    replaced: dict[str, Any] = {
        f"came_{name}": text if said[name] else "" for name, text in came.items() if name in said
    }
    worded = replace(touch, **said, **replaced)
    if worded.has_its_own and touch.placed is Placed.BY_THE_MACHINE:
        at = place_of(standing.page, entry)
        worded = replace(worded, placed=Placed.REWORDED, slot=entry.slot, section=entry.section, position=at)
        shown = replace(entry, pinned=True, why="re-worded by an editor")
    elif not worded.has_its_own and touch.placed is Placed.REWORDED:
        worded = replace(worded, placed=Placed.BY_THE_MACHINE)
        shown = replace(entry, pinned=False, why="where it stood when its own words were given back")
    else:
        shown = entry
    # What is given back is what came, which an entry says by saying nothing
    blank: dict[str, Any] = dict.fromkeys(said, "")
    shown = in_own_words(replace(shown, **blank), {article_id: worded})
    page = tuple(shown if each is entry else each for each in standing.page)
    theirs = {name: text for name, text in _shown(entry, candidate).items() if name in said}
    return change_of(
        standing, "reworded", f"article {article_id}, {_quoted(said)}, was {_quoted(theirs)}",
        frozenset(f"{article_id}.{name}" for name in said), page, (worded,),
        mine=_quoted(said), theirs=_quoted(theirs),
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


def _clean(standing: Standing, article_id: int, name: str, text: str) -> str:
    if name != "picture" or text in ("", NO_PICTURE):
        return plain(text, SUMMARY_LENGTH if name == "summary" else HEADLINE_LENGTH)
    address = web_address(text)
    if not address:
        raise Misuse(
            f"{plain(text, 80)!r} is no address of a picture.",
            next_step=f"newsletter editions reword {standing.name} {article_id} --picture https://…",
        )
    return address


def _shown(entry: Placement, candidate: Candidate) -> Mapping[str, str]:
    picture = entry.picture_of(candidate)
    return {
        "headline": entry.headline or candidate.title,
        "summary": entry.summary or candidate.summary,
        "picture": picture.url if picture else NO_PICTURE,
        "picture_alt": picture.alt if picture else "",
    }


def _quoted(words: Mapping[str, str]) -> str:
    return ", ".join(f"{WORDS[name]} {_own(text)}" for name, text in words.items())


def _own(text: str) -> str:
    return f"“{text}”" if text else "as it came"
