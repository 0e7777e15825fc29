"""The editor's questions and verdicts: why an article is in or out, and which articles tell one story."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import Session

from newsletter.config import NewsletterSettings
from newsletter.errors import Misuse, Refused
from newsletter.models import Article, Edition, EditionKind, EditionState
from newsletter.runtime import Runtime
from newsletter.selection import Grouping, choose, rules_of
from newsletter.services.drafting import REACH, draft, stories
from newsletter.services.finding import find_edition
from newsletter.store import articles, verdicts
from newsletter.store.history import note
from newsletter.values import Candidate, CarriedBy

NOT_TOLD = "was in no edition that went out since the last weekly — only an editor's pin lets it run"
UNKNOWN = "was not in the pool when this edition was chosen — it can run in the next one"


@dataclass(frozen=True, slots=True)
class Why:
    """Whether an article is in an edition, and the sentence that says why."""

    is_in: bool
    reason: str


def why(runtime: Runtime, newsletter: NewsletterSettings, slug: str, article: Article, now: datetime) -> Why:
    """Why an article is in an edition or is not, and what would have put it in.

    An open draft is chosen anew for the answer; of a closed one the record is asked. Raises Misuse for
    an edition that is unknown.
    """
    with runtime.database.reading() as session:
        edition = find_edition(session, newsletter, slug)
        reasons: Mapping[str, str] = edition.reasons
        if edition.state == EditionState.DRAFT and edition.closed_at is None:
            drafted = draft(runtime, session, newsletter, edition, closed_at=now)
            reasons = {str(number): reason for number, reason in drafted.choice.reasons.items()}
        told = reasons.get(str(article.id)) or _alone(session, newsletter, edition, article, now)
    verdict, _, reason = told.partition(": ")
    return Why(verdict == "in", reason)


def tellers(runtime: Runtime, article: Article, now: datetime) -> tuple[Candidate, ...]:
    """The articles of today's pool that tell the same story as this one, by number; itself left out."""
    with runtime.database.reading() as session:
        return _others(session, runtime, article, now)


def split(
    runtime: Runtime, article: Article, now: datetime, *, who: str, why: str = ""
) -> tuple[Candidate, ...]:
    """Make an article a story of its own, for good; returns those that told the same until now.

    Raises Refused when there are none.
    """
    with runtime.database.writing() as session:
        others = _others(session, runtime, article, now)
        if not others:
            raise Refused(
                f"Article {article.id} tells a story of its own already.",
                next_step=f"newsletter articles show {article.id}",
            )
        parted = [(_id(article), other.id) for other in others]
        verdicts.record(session, parted, now, same=False, who=who)
        _note(session, "split", article, others, now, who, why)
    return others


def merge(
    runtime: Runtime, article: Article, other: Article, now: datetime, *, who: str, why: str = ""
) -> tuple[Candidate, ...]:
    """Make one story of two, for good; returns all further articles that tell it from now on.

    Raises Misuse when it is one article.
    """
    if article.id == other.id:
        raise Misuse(
            f"Article {article.id} cannot be merged with itself.",
            next_step=f"newsletter articles show {article.id}",
        )
    with runtime.database.writing() as session:
        mine = {_id(article), *(each.id for each in _others(session, runtime, article, now))}
        yours = {_id(other), *(each.id for each in _others(session, runtime, other, now))}
        pairs = {(one, two) for one in mine for two in yours if one != two}
        verdicts.record(session, pairs, now, same=True, who=who)
        together = articles.by_ids(session, (mine | yours) - {_id(article)})
        _note(session, "merged", article, together, now, who, why)
    return together


def _others(session: Session, runtime: Runtime, article: Article, now: datetime) -> tuple[Candidate, ...]:
    newsletters = runtime.settings.newsletters
    oldest = max((newsletter.selection.max_age for newsletter in newsletters), default=0)
    language = newsletters[0].language if newsletters else "en"
    pool, grouping = stories(runtime, session, now - REACH * timedelta(seconds=oldest), language)
    story = grouping.story_of(_id(article))
    return tuple(each for each in pool if each.id in story and each.id != article.id)


def _alone(
    session: Session, newsletter: NewsletterSettings, edition: Edition, article: Article, now: datetime
) -> str:
    """Why an article that the choice never saw is out: it would be, whatever else there was."""
    if edition.kind == EditionKind.WEEKLY:
        return f"out: {NOT_TOLD}"
    seen = articles.seen_in(session, _id(article))
    carried = tuple(CarriedBy(each.feed, each.rank, each.length) for each in seen)
    (candidate,) = (replace(each, carried_by=carried) for each in articles.by_ids(session, [_id(article)]))
    choice = choose(
        [candidate],
        rules_of(newsletter),
        grouping=Grouping(),
        due_at=edition.due_at,
        closed_at=edition.closed_at or now,
        went_out={},
    )
    reason = choice.reasons[candidate.id]
    return reason if reason.startswith("out: ") else f"out: {UNKNOWN}"


def _note(
    session: Session, act: str, article: Article, others: tuple[Candidate, ...], now: datetime, who: str,
    why: str,
) -> None:  # fmt: skip
    named = ", ".join(str(other.id) for other in others)
    note(session, now, who, act, "article", _id(article), f"{named}{why and ': '}{why}")


def _id(article: Article) -> int:
    if article.id is None:
        raise RuntimeError("an article that was never stored has no number")
    return article.id
