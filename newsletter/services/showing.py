"""An edition as it lies before an editor: its slots, its words, why each story is in or out, what happened.

All of it is of one version, the one that is stored: whoever acts on what they see names that version.
Nothing is chosen anew for a look, so a pool of any size costs the same. Here services meet that never
meet each other; nothing here writes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlmodel import Session

from newsletter.clock import machine_now
from newsletter.config import NewsletterSettings
from newsletter.models import Edition, EditionState, History, Slot
from newsletter.render.subjects import suggested
from newsletter.render.view import preheader_of
from newsletter.runtime import Runtime
from newsletter.schedule import next_due
from newsletter.selection.hands import ORDER, place_of
from newsletter.services.drafting import as_written, ran_before
from newsletter.services.finding import find_edition
from newsletter.services.lines import EditionLine, edition_line
from newsletter.services.revising import id_of
from newsletter.services.timing import usual_due
from newsletter.store import articles, deliveries, editions, history, renditions, snapshots, staff, standing
from newsletter.store import touches as hands
from newsletter.store.audience import audience_of, count_audience
from newsletter.store.sections import sections_of
from newsletter.values import Candidate, Past, Placement, Ran, Touch

_ARTICLE = re.compile(r"\barticle (\d{1,9})\b")
OUT_AT_A_GLANCE = 6
OUT_AT_ONCE = 80
SEARCHED = 300
ACTS_AT_A_GLANCE = 6
UNTOUCHABLE = (EditionState.SENT, EditionState.SENDING, EditionState.PAUSED, EditionState.FROZEN,
               EditionState.SKIPPED, EditionState.CANCELLED)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """An entry in its place, from 1; `ran` is the edition in which readers had it, and `touch` what a
    hand did to it."""

    placed: Placement
    article: Candidate
    place: int
    ran: str
    touch: Touch

    @property
    def headline(self) -> str:
        return self.placed.headline or self.article.title

    @property
    def summary(self) -> str:
        return self.placed.summary or self.article.summary


@dataclass(frozen=True, slots=True)
class Group:
    """A slot, or a section of the headlines, with what stands in it."""

    slot: Slot
    section: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Left:
    """An article that is out, and why."""

    article: Candidate
    reason: str


@dataclass(frozen=True, slots=True)
class Against:
    """How a page compares with the edition that readers had before."""

    slug: str
    new: int
    kept: int
    moved: int


@dataclass(frozen=True, slots=True)
class Act:
    """A line of history; `past` is the version that can be had back, if a hand made one by it."""

    at: datetime
    who: str
    act: str
    why: str
    past: int | None = None

    def articles(self) -> set[int]:
        return {int(number) for number in _ARTICLE.findall(self.why)}


@dataclass(frozen=True, slots=True)
class Open:
    """An edition that lies open. `people` are counted at `people_at`; None when they are many and nobody
    has counted them. `left` are out though nobody dropped them. One that `can_undo` was sent by hand and
    has not begun."""

    edition: Edition
    line: EditionLine
    groups: tuple[Group, ...]
    dropped: tuple[Left, ...]
    left: tuple[Left, ...]
    left_in_all: int
    subject: str
    preheader: str
    suggestions: tuple[str, ...]
    against: Against | None
    acts: tuple[Act, ...]
    titles: Mapping[int, str]
    present: tuple[str, ...]
    people: int | None
    people_at: datetime | None
    mail: str
    can_undo: bool

    @property
    def may_edit(self) -> bool:
        return self.edition.state not in UNTOUCHABLE

    @property
    def is_open(self) -> bool:
        return self.edition.closed_at is None


def lay_open(runtime: Runtime, newsletter: NewsletterSettings, slug: str, now: datetime) -> Open:
    """Raises Misuse for an edition that is unknown."""
    with runtime.database.reading() as session:
        edition = find_edition(session, newsletter, slug)
        written = as_written(session, edition)
        page = written.choice.placements
        touches = hands.touches(session, id_of(edition))
        ran = ran_before(session, edition)
        groups = _groups(page, written.pool, touches, ran)
        dropped = _dropped(session, touches)
        elsewhere = {entry.article_id for entry in page} | {each.article.id for each in dropped}
        left, in_all = _left(session, edition, elsewhere, OUT_AT_A_GLANCE)
        people, people_at = _people(session, newsletter, edition, now)
        sums = deliveries.sums(session, id_of(edition))
        usual = usual_due(newsletter, edition)
        acts = _acts(session, edition, ACTS_AT_A_GLANCE)
        return Open(
            edition=edition,
            line=edition_line(session, edition, sums, newsletter.cutoff, now),
            groups=groups,
            dropped=dropped,
            left=left,
            left_in_all=in_all,
            subject=edition.own_subject or edition.subject,
            preheader=edition.own_preheader or preheader_of(page, written.pool),
            suggestions=suggested(page, written.pool, edition.own_subject or edition.subject),
            against=_against(session, edition, page),
            acts=acts,
            titles=_titles(session, acts)
            | {row.article.id: row.headline for group in groups for row in group.rows},
            present=_present(session, f"{newsletter.slug}/{slug}"),
            people=people,
            people_at=people_at,
            mail=renditions.hash_of(session, edition.rendition_id) if edition.rendition_id else "",
            can_undo=edition.state == EditionState.FROZEN and now < edition.due_at != usual,
        )


def whatever_is_out(
    runtime: Runtime, newsletter: NewsletterSettings, slug: str, wanted: str
) -> tuple[tuple[Left, ...], int]:
    """The latest articles that are out, each with its reason, and how many there are in all; with `wanted`
    only those of them whose headline or section has these words."""
    with runtime.database.reading() as session:
        edition = find_edition(session, newsletter, slug)
        inside = {entry.article_id for entry in editions.placements(session, id_of(edition))}
        found, in_all = _left(session, edition, inside, SEARCHED)
    words = wanted.casefold().split()
    told = (
        each
        for each in found
        if all(word in f"{each.article.title} {each.article.section}".casefold() for word in words)
    )
    return tuple(islice(told, OUT_AT_ONCE)), in_all


@dataclass(frozen=True, slots=True)
class Told:
    """All that was done to an edition, the latest first, and what the articles in it are called."""

    edition: Edition
    acts: tuple[Act, ...]
    titles: Mapping[int, str]


def story(runtime: Runtime, newsletter: NewsletterSettings, slug: str) -> Told:
    with runtime.database.reading() as session:
        edition = find_edition(session, newsletter, slug)
        acts = _acts(session, edition, snapshots.MOST)
        return Told(edition, acts, _titles(session, acts))


# ── inside ──────────────────────────────────────────────────────────────────────────────────────


def _groups(
    page: Sequence[Placement], pool: Mapping[int, Candidate],
    touches: Mapping[int, Touch], ran: Mapping[int, Ran],
) -> tuple[Group, ...]:  # fmt: skip
    """Every slot in the order of the mail, also those in which nothing stands."""
    rows: dict[tuple[Slot, str], list[Row]] = {}
    for slot in ORDER:
        for entry in (each for each in page if each.slot is slot):
            number = entry.article_id
            section = entry.section if slot is Slot.HEADLINES else ""
            row = Row(
                entry, pool[number], place_of(page, entry), ran[number].slug if number in ran else "",
                touches.get(number, Touch(number)),
            )  # fmt: skip
            rows.setdefault((slot, section), []).append(row)
        if not any(key[0] is slot for key in rows):
            rows[slot, ""] = []
    return tuple(Group(slot, section, tuple(found)) for (slot, section), found in rows.items())


def _dropped(session: Session, touches: Mapping[int, Touch]) -> tuple[Left, ...]:
    dropped = [number for number, touch in touches.items() if touch.dropped]
    return tuple(Left(article, "dropped by an editor") for article in articles.by_ids(session, dropped))


def _left(session: Session, edition: Edition, inside: set[int], most: int) -> tuple[tuple[Left, ...], int]:
    out = {int(number): why for number, why in edition.reasons.items() if int(number) not in inside}
    latest = sorted(out, reverse=True)[:most]
    found = sorted(articles.by_ids(session, latest), key=lambda article: -article.id)
    return tuple(Left(each, out[each.id].removeprefix("out: ")) for each in found), len(out)


def _against(session: Session, edition: Edition, page: Sequence[Placement]) -> Against | None:
    before = editions.before(session, edition)
    if before is None:
        return None
    old = {entry.article_id: entry for entry in editions.placements(session, id_of(before))}
    both = [(entry, old[entry.article_id]) for entry in page if entry.article_id in old]
    moved = sum((entry.slot, entry.section) != (was.slot, was.section) for entry, was in both)
    return Against(before.slug, len(page) - len(both), len(both), moved)


def _acts(session: Session, edition: Edition, most: int) -> tuple[Act, ...]:
    """History, and in it the versions that can be had back."""
    number = id_of(edition)
    kept = snapshots.pasts(session, number)
    told = {(past.at, past.who, past.act): past for past in kept}
    return tuple(_told(history.story_of(session, "edition", number), told, edition))[-1 : -most - 1 : -1]


def _titles(session: Session, acts: Sequence[Act]) -> dict[int, str]:
    numbers = {number for act in acts for number in act.articles()}
    return {article.id: article.title for article in articles.by_ids(session, numbers)}


def _told(
    story: Sequence[History], kept: Mapping[tuple[datetime, str, str], Past], edition: Edition
) -> Iterator[Act]:
    for line in story:
        past = kept.get((line.at, line.who, line.act))
        version = past.version if past and past.version != edition.version else None
        yield Act(line.at, line.who, line.act, line.why, version)


def _present(session: Session, place: str) -> tuple[str, ...]:
    return tuple(one.name for one in staff.present(session, machine_now()) if one.place == place)


def _people(
    session: Session, newsletter: NewsletterSettings, edition: Edition, now: datetime
) -> tuple[int | None, datetime | None]:
    """How many it is for, and of which moment that figure is: many are not counted for every look."""
    number = edition.newsletter_id
    if standing.is_small(session, number):
        people = audience_of(edition, now, sections=sections_of(session, id_of(edition)))
        return count_audience(session, people), now
    kept = standing.kept_counts(session).get(number)
    is_next = edition.local_date == next_due(newsletter, now).day
    return (kept.people, kept.at) if kept and is_next else (None, None)
