"""An editor's hand on an edition: what is pinned, moved, dropped and worded anew, and its subject.

On an open draft the machine goes on around what was touched; a closed one is the page as it stands,
and every change compiles it anew. Either way a change withdraws an approval, and is one new version.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from newsletter.config import NewsletterSettings
from newsletter.errors import Misuse, Refused
from newsletter.models import Edition, EditionState, Slot
from newsletter.render.gate import is_permitted
from newsletter.runtime import Runtime
from newsletter.services import restoring, touching, wording
from newsletter.services.drafting import Draft, as_it_stands, draft, pool_of, render
from newsletter.services.finding import find_edition
from newsletter.services.revising import (
    TRIES,
    Revision,
    decide,
    id_of,
    refusal,
    refuse_stale,
    refuse_unseen,
    too_busy,
    write,
)
from newsletter.services.standing import Change, Standing
from newsletter.store import articles, editions
from newsletter.store import touches as hands
from newsletter.store.newsletters import newsletter_ids
from newsletter.values import NO_PICTURE, Choice

EDITABLE = (EditionState.DRAFT, EditionState.APPROVED, EditionState.HELD)
ON_ITS_WAY = (EditionState.FROZEN, EditionState.SENDING, EditionState.PAUSED)


@dataclass(frozen=True, slots=True)
class Hand:
    """Whose hand it is, and the version of the edition that it saw; None for the one that is."""

    who: str
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Edited:
    """The edition after a change, what was done in words, and whether it had been approved before."""

    edition: Edition
    told: str
    withdrawn: bool


@dataclass(frozen=True, slots=True)
class Carried:
    """What hiding an article came to in an edition that carries it: taken out, held, or too late."""

    edition: str
    state: EditionState
    told: str
    next_step: str


def pin(
    runtime: Runtime, newsletter: NewsletterSettings, slug: str, article_id: int, now: datetime, hand: Hand,
    *, slot: Slot | None = None, section: str | None = None, position: int | None = None,
) -> Edited:  # fmt: skip
    """Keep an article in the edition, where it stands or where it is said to be, whatever the rules say."""
    where = touching.Where(slot, section, position)

    def act(standing: Standing) -> Change:
        return touching.pin(standing, _article(standing.session, article_id), where)

    return _edit(runtime, newsletter, slug, now, hand, act)


def move(
    runtime: Runtime, newsletter: NewsletterSettings, slug: str, article_id: int, now: datetime, hand: Hand,
    *, slot: Slot | None = None, section: str | None = None, position: int | None = None,
) -> Edited:  # fmt: skip
    """Put an entry elsewhere, where it stays. Raises Refused for an article that is not in the edition."""
    where = touching.Where(slot, section, position)
    return _edit(runtime, newsletter, slug, now, hand, lambda page: touching.move(page, article_id, where))


def unpin(
    runtime: Runtime, newsletter: NewsletterSettings, slug: str, article_id: int, now: datetime, hand: Hand
) -> Edited:
    """Let the machine place an article again. Raises Refused when no editor placed it."""
    return _edit(runtime, newsletter, slug, now, hand, lambda page: touching.unpin(page, article_id))


def drop(
    runtime: Runtime, newsletter: NewsletterSettings, slug: str, article_id: int, now: datetime, hand: Hand
) -> Edited:
    """Take an article and its story out of the edition for good; the next in line moves up."""
    return _edit(runtime, newsletter, slug, now, hand, lambda page: touching.drop(page, article_id))


def put_back(
    runtime: Runtime, newsletter: NewsletterSettings, slug: str, article_id: int, now: datetime, hand: Hand
) -> Edited:
    """Undo a drop: the article is again what it was before. Raises Refused when it was not dropped."""
    return _edit(runtime, newsletter, slug, now, hand, lambda page: touching.put_back(page, article_id))


def reword(
    runtime: Runtime, newsletter: NewsletterSettings, slug: str, article_id: int, now: datetime, hand: Hand,
    *, headline: str | None = None, summary: str | None = None, picture: str | None = None,
    picture_alt: str | None = None,
) -> Edited:  # fmt: skip
    """Give an entry words and a picture of the editor's own; empty ones give the article's back, None
    leaves them. A picture is an address, or NO_PICTURE. Raises Misuse for an address that mail may not load.
    """
    if picture and picture != NO_PICTURE and not is_permitted(picture, runtime.plain_hosts):
        raise Misuse(
            "Mail loads pictures by https alone.", next_step="Give an address that begins with https."
        )
    told = {"headline": headline, "summary": summary, "picture": picture, "picture_alt": picture_alt}
    words = {name: text for name, text in told.items() if text is not None}
    return _edit(runtime, newsletter, slug, now, hand, lambda page: wording.reword(page, article_id, words))


def set_subject(
    runtime: Runtime, newsletter: NewsletterSettings, slug: str, subject: str, now: datetime, hand: Hand
) -> Edited:
    """Give the edition a subject of the editor's own; an empty one gives the lead's headline back."""
    return _edit(runtime, newsletter, slug, now, hand, lambda page: wording.set_subject(page, subject))


def set_preheader(
    runtime: Runtime, newsletter: NewsletterSettings, slug: str, preheader: str, now: datetime, hand: Hand
) -> Edited:
    """The same for the line that an inbox shows beside the subject."""
    return _edit(runtime, newsletter, slug, now, hand, lambda page: wording.set_preheader(page, preheader))


def restore(
    runtime: Runtime, newsletter: NewsletterSettings, slug: str, past: int, now: datetime, hand: Hand
) -> Edited:
    """Give an edition back what hands had made of it in version `past`, as a new version.

    On an open draft the machine goes on around it. Raises Stale when anything at all was changed since
    `hand` looked, Refused for a version that no hand made.
    """

    def act(standing: Standing) -> Change:
        refuse_unseen(newsletter, standing.edition, hand.version)
        return restoring.restore(standing, past)

    return _edit(runtime, newsletter, slug, now, hand, act)


def take_out_hidden(
    runtime: Runtime, article_id: int, now: datetime, *, who: str, why: str = ""
) -> tuple[Carried, ...]:
    """Take an article that was hidden out of every edition that is not on its way yet.

    From open drafts the machine does so by itself, unless an editor placed it. One that has no other
    story is held. What is frozen or being sent carries it still, and says so.
    """
    with runtime.database.reading() as session:
        slugs = {number: slug for slug, number in newsletter_ids(session).items()}
        carrying = [
            edition
            for edition in hands.carrying(session, article_id)
            if edition.closed_at is not None or article_id in hands.touches(session, id_of(edition))
        ]
    found = []
    for edition in carrying:
        newsletter = runtime.newsletters.get(slugs[edition.newsletter_id])
        if newsletter is not None and edition.state in (*EDITABLE, *ON_ITS_WAY):
            found.append(_take_out(runtime, newsletter, edition, article_id, now, Hand(who), why))
    return tuple(found)


# ── inside ──────────────────────────────────────────────────────────────────────────────────────


def _edit(
    runtime: Runtime, newsletter: NewsletterSettings, slug: str, now: datetime, hand: Hand,
    act: Callable[[Standing], Change],
) -> Edited:  # fmt: skip
    """Change the edition as it is; when somebody else was faster, look again and change that."""
    for _ in range(TRIES):
        with runtime.database.reading() as session:
            edition = find_edition(session, newsletter, slug)
            if edition.state not in EDITABLE:
                raise refusal(newsletter, edition)
            drafted = as_it_stands(runtime, session, newsletter, edition, now)
            standing = Standing(session, newsletter, edition, drafted, hands.touches(session, id_of(edition)))
            change = act(standing)
            refuse_stale(
                session, newsletter, edition, hand.version, change.things,
                mine=change.mine, theirs=change.theirs,
            )  # fmt: skip
            renewed = edition.model_copy(update=change.values)
            after = _after(runtime, standing, renewed, change, now)
        withdrawn = edition.state == EditionState.APPROVED
        revision = _revision(runtime, newsletter, renewed, after, change, withdrawn=withdrawn)
        with runtime.database.writing() as session:
            if write(session, newsletter, edition, revision, now, who=hand.who):
                return Edited(editions.get(session, id_of(edition)), change.told, withdrawn)
    raise too_busy(newsletter, edition)


def _after(runtime: Runtime, standing: Standing, edition: Edition, change: Change, now: datetime) -> Draft:
    """The edition with the change made: chosen anew around it, or just the page where it is closed."""
    touches = {**standing.touches, **{touch.article_id: touch for touch in change.touched}}
    if edition.closed_at is None:
        return draft(runtime, standing.session, standing.newsletter, edition, closed_at=now, touches=touches)
    if not any(entry.slot is Slot.LEAD for entry in change.page):
        raise Refused(
            "An edition cannot do without its only story.",
            next_step=f"newsletter editions skip {standing.name} --why TEXT",
        )
    return Draft(Choice(change.page, change.reasons), pool_of(standing.session, change.page))


def _revision(
    runtime: Runtime, newsletter: NewsletterSettings, edition: Edition, after: Draft, change: Change, *,
    withdrawn: bool,
) -> Revision:  # fmt: skip
    values = dict(change.values)
    if withdrawn:
        values |= {"state": EditionState.DRAFT, "approved_at": None}
    return Revision(
        after, change.act, change.things,
        why=f"{change.told}; the approval is withdrawn" if withdrawn else change.told,
        touched=change.touched, values=values,
        rendition=None if edition.closed_at is None else render(runtime, newsletter, edition, after),
    )  # fmt: skip


def _take_out(
    runtime: Runtime, newsletter: NewsletterSettings, edition: Edition, article_id: int, now: datetime,
    hand: Hand, why: str,
) -> Carried:  # fmt: skip
    name = f"{newsletter.slug}/{edition.slug}"
    if edition.state not in EDITABLE:
        step = f"newsletter editions hold {name} --why TEXT" if edition.state == EditionState.FROZEN else ""
        told = f"{name} is {edition.state} and carries it still"
        return Carried(name, EditionState(edition.state), told, step or f"newsletter pause {name}")
    try:
        edited = _edit(
            runtime, newsletter, edition.slug, now, hand,
            lambda standing: touching.take_out(standing, article_id, why),
        )  # fmt: skip
    except Refused as refused:
        because = f"article {article_id} was hidden: {refused.sentence}"
        with runtime.database.writing() as session:
            fresh = editions.get(session, id_of(edition))
            held = fresh.state in EDITABLE and decide(
                session,
                fresh,
                EditionState.HELD,
                now,
                who=hand.who,
                act="held",
                why=because,
                approved_at=None,
            )
        if not held:
            # Somebody was faster, perhaps the clock with its freeze
            return _take_out(runtime, newsletter, fresh, article_id, now, hand, why)
        step = f"newsletter editions show {name}"
        return Carried(name, EditionState.HELD, f"{name} is held: {because}", step)
    told = f"{name} is without it" + (", and its approval is withdrawn" if edited.withdrawn else "")
    return Carried(name, EditionState(edited.edition.state), told, f"newsletter editions show {name}")


def _article(session: Session, article_id: int) -> touching.Incoming:
    (candidate,) = articles.by_ids(session, [article_id])
    return touching.Incoming(candidate, tuple(seen.feed for seen in articles.seen_in(session, article_id)))
