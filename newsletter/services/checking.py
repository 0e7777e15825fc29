"""Preflight: what stands between an edition and its readers, and what an editor may want to look at.

A blocker keeps it from going out, under every policy; a warning is told and waits for nobody. Each
finding names the entry that it is about, where there is one, and the act that mends it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session

from newsletter.config import NewsletterSettings
from newsletter.errors import Blocked, NewsletterError
from newsletter.models import Edition, EditionState, Slot
from newsletter.render import preflight
from newsletter.runtime import Runtime
from newsletter.selection.stories import is_wide
from newsletter.services.drafting import Draft, as_it_stands, ran_before, render, too_few
from newsletter.services.finding import find_edition
from newsletter.store import editions
from newsletter.values import Placement, Ran, Rendition

SUBJECT_LENGTH = 65  # characters; phones show fewer still
HEADLINE_LENGTH = 90
OVER = (EditionState.SKIPPED, EditionState.CANCELLED)


class Level(StrEnum):
    BLOCKER = "blocker"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found; `article_id` is the entry that it is about, None for the whole."""

    rule: str
    level: Level
    what: str
    mend: str
    article_id: int | None = None


@dataclass(frozen=True, slots=True)
class Preflight:
    """An edition as it was checked: the version, and all findings, blockers first."""

    edition: Edition
    size: int
    findings: tuple[Finding, ...]

    @property
    def is_blocked(self) -> bool:
        return any(finding.level is Level.BLOCKER for finding in self.findings)


def check(runtime: Runtime, newsletter: NewsletterSettings, slug: str, now: datetime) -> Preflight:
    """Check an edition as it would go out now. Raises Misuse for one that is unknown."""
    with runtime.database.reading() as session:
        return examine(runtime, session, newsletter, find_edition(session, newsletter, slug), now)


def examine(
    runtime: Runtime, session: Session, newsletter: NewsletterSettings, edition: Edition, now: datetime
) -> Preflight:
    """The one place where all checks are made, whoever asks: an editor, or an alert that tells of them."""
    drafted = as_it_stands(runtime, session, newsletter, edition, now)
    stored = editions.read_rendition(session, edition.rendition_id) if edition.rendition_id else None
    ran = ran_before(session, edition)
    name = f"{newsletter.slug}/{edition.slug}"
    rendition, troubles = (stored, []) if stored else _rendered(runtime, newsletter, edition, drafted)
    found = [Finding("gate", Level.BLOCKER, what, *_mend(name, drafted, what)) for what in troubles]
    found += _of_the_whole(newsletter, edition, drafted, rendition, name)
    found += _of_entries(drafted, ran, name)
    found.sort(key=lambda finding: finding.level)
    return Preflight(edition, preflight.size_of(rendition) if rendition else 0, tuple(found))


def _rendered(
    runtime: Runtime, newsletter: NewsletterSettings, edition: Edition, drafted: Draft
) -> tuple[Rendition | None, list[str]]:
    try:
        return render(runtime, newsletter, edition, drafted), []
    except Blocked as blocked:
        return None, list(blocked.findings)
    except NewsletterError as error:
        return None, [error.sentence]


def _mend(name: str, drafted: Draft, what: str) -> tuple[str, int | None]:
    """The mend of a finding of the gate: an entry whose address it names can be dropped."""
    for entry in drafted.choice.placements:
        if repr(drafted.pool[entry.article_id].url[:200]) in what:
            return f"newsletter editions drop {name} {entry.article_id}", entry.article_id
    if "no lead" in what:
        return f"newsletter editions pin {name} ARTICLE --slot lead", None
    if "take some stories out" in what:
        return f"newsletter editions drop {name} ARTICLE", None
    return f"mend the theme, then newsletter editions check {name}", None


def _of_the_whole(
    newsletter: NewsletterSettings, edition: Edition, drafted: Draft, rendition: Rendition | None, name: str
) -> Iterator[Finding]:
    if edition.state in OVER:
        mend = f"newsletter editions unskip {name}"
        yield Finding("state", Level.BLOCKER, f"It was {edition.state}: {edition.why}.", mend)
    if few := too_few(newsletter, edition, drafted.choice):
        # Whoever took stories out of a closed edition has seen what is left
        level = Level.WARNING if edition.rendition_id else Level.BLOCKER
        yield Finding("few articles", level, f"It has {few}.", "newsletter gather")
    if rendition is None:
        return
    for what in preflight.blockers(rendition, newsletter.postal_address):
        yield Finding("rendition", Level.BLOCKER, what, f"newsletter editions hold {name} --why TEXT")
    size = preflight.size_of(rendition)
    if size > preflight.NEARLY:
        what = f"The HTML part has {size:,} bytes encoded; above 100,000 it may not go out."
        yield Finding("size", Level.WARNING, what, f"newsletter editions drop {name} ARTICLE")
    if len(rendition.subject) > SUBJECT_LENGTH:
        what = f"The subject has {len(rendition.subject)} characters; many inboxes show {SUBJECT_LENGTH}."
        yield Finding("subject", Level.WARNING, what, f"newsletter editions reword {name} --subject TEXT")


def _of_entries(drafted: Draft, ran: Mapping[int, Ran], name: str) -> Iterator[Finding]:
    for entry in drafted.choice.placements:
        for rule, what, mend in _of_entry(entry, drafted, ran, name):
            yield Finding(rule, Level.WARNING, what, mend, entry.article_id)


def _of_entry(
    entry: Placement, drafted: Draft, ran: Mapping[int, Ran], name: str
) -> Iterator[tuple[str, str, str]]:
    number, article = entry.article_id, drafted.pool[entry.article_id]
    headline = entry.headline or article.title
    drop = f"newsletter editions drop {name} {number}"
    if article.hidden:
        yield "hidden", f"Article {number} was hidden, and an editor keeps it here.", drop
    if number in ran and entry.slot is not Slot.SPONSOR:
        yield "ran before", f"Article {number} ran in the edition {ran[number].slug}.", drop
    if entry.slot is Slot.LEAD and not is_wide(article):
        pin = f"newsletter editions pin {name} ARTICLE --slot lead"
        yield "lead picture", f"Article {number} leads without a picture that is wide enough.", pin
    if len(headline) > HEADLINE_LENGTH:
        what = f"The headline of article {number} has {len(headline)} characters."
        yield "headline", what, f"newsletter editions reword {name} {number} --headline TEXT"
