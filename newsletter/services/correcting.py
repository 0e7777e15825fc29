"""What was wrong is put right in the open: the web view says what and when, and who got it can be told.

What was mailed stays stored as it was mailed. The page is compiled anew from the edition's own entries
with the corrected words, and each correction adds to those before it. A correction edition is an edition
like any other: it is for those whose delivery of the first is `sent` or `unknown`, and waits for `send`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import Session

from newsletter.config import NewsletterSettings
from newsletter.errors import Misuse, Refused
from newsletter.feeds.clean import plain
from newsletter.languages import words_for
from newsletter.models import Correction, Edition, EditionKind, EditionState, Slot
from newsletter.runtime import Runtime
from newsletter.selection.hands import entry_of
from newsletter.services.drafting import Draft, pool_of, render
from newsletter.services.finding import find_edition
from newsletter.services.revising import id_of, too_busy
from newsletter.services.wording import HEADLINE_LENGTH, SUMMARY_LENGTH
from newsletter.store import audience, corrections, editions, public, renditions
from newsletter.store.history import note
from newsletter.values import Choice, Placement, Rendition

TOLD_LENGTH = 600  # characters of what readers are told
# That a correction waits for whoever sends it; after that it is no news
WAITS = timedelta(hours=24)
UNDER_WAY = (EditionState.FROZEN, EditionState.SENDING, EditionState.PAUSED)


@dataclass(frozen=True, slots=True)
class Erratum:
    """What was wrong, in words for readers, and the new words of the article that had it, if one had.

    An empty headline or summary leaves that one as it was.
    """

    what: str
    article_id: int | None = None
    headline: str = ""
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Corrected:
    """The edition that was corrected, its page's address, and the edition that tells its readers.

    `mail` is that edition's slug, empty without one; `people` are those who got the error and are still here.
    """

    edition: str
    address: str
    told: str
    mail: str
    people: int


@dataclass(frozen=True, slots=True)
class _Proof:
    """A correction that is worked out and not written: `seen` corrections were there before it."""

    edition: Edition
    seen: int
    page: tuple[Placement, ...]
    rendition: Rendition | None
    mail: tuple[Edition, tuple[Placement, ...], Rendition] | None
    people: int


def correct(
    runtime: Runtime, newsletter: NewsletterSettings, slug: str, now: datetime, erratum: Erratum, *,
    who: str, mail: bool = False, dry_run: bool = False,
) -> Corrected:  # fmt: skip
    """Correct an edition on the web, and with `mail` draft the edition that tells who got the error.

    Raises Misuse when it is not said what was wrong, Refused for an edition that is not out, for an
    article that is not in it, and with `mail` while it is being sent or when nobody has it any more.
    """
    erratum = _cleaned(newsletter, slug, erratum)
    proof = _worked_out(runtime, newsletter, slug, now, erratum, mail=mail)
    if not dry_run:
        with runtime.database.writing() as session:
            _write(session, newsletter, proof, erratum, now, who=who)
    return Corrected(
        f"{newsletter.slug}/{slug}", runtime.links.edition(newsletter.slug, slug), erratum.what,
        proof.mail[0].slug if proof.mail else "", proof.people,
    )  # fmt: skip


# ── inside ──────────────────────────────────────────────────────────────────────────────────────


def _cleaned(newsletter: NewsletterSettings, slug: str, erratum: Erratum) -> Erratum:
    told = replace(
        erratum,
        what=plain(erratum.what, TOLD_LENGTH),
        headline=plain(erratum.headline, HEADLINE_LENGTH),
        summary=plain(erratum.summary, SUMMARY_LENGTH),
    )
    step = f"newsletter editions correct {newsletter.slug}/{slug} --what TEXT"
    if not told.what:
        raise Misuse("It is not said what was wrong; readers are told that.", next_step=step)
    if (told.article_id is None) == bool(told.headline or told.summary):
        raise Misuse(
            "New words are those of an ARTICLE, and an ARTICLE is named for its new words.",
            next_step=f"{step.replace('--what', 'ARTICLE --headline TEXT --what')}",
        )
    return told


def _worked_out(
    runtime: Runtime,
    newsletter: NewsletterSettings,
    slug: str,
    now: datetime,
    erratum: Erratum,
    *,
    mail: bool,
) -> _Proof:
    with runtime.database.reading() as session:
        edition = find_edition(session, newsletter, slug)
        _refuse_unfit(session, newsletter, edition, mail=mail)
        made = corrections.of_edition(session, id_of(edition))
        page = _page(session, newsletter, edition, made, erratum)
        pool = pool_of(session, page)
        number = corrections.count_editions(session, id_of(edition)) + 1
        sent_it = audience.audience_of(_telling(edition, number, now), now, sections=None)
        people = audience.count_audience(session, sent_it)
    if mail and not people:
        raise Refused(
            f"Nobody who got {newsletter.slug}/{slug} is still its reader.",
            next_step="leave --mail out: the web view is corrected without it",
        )
    drafted = Draft(Choice(page, {}), pool)
    rendition = render(runtime, newsletter, edition, drafted) if erratum.article_id is not None else None
    mailed = None
    if mail:
        telling, told = _told(newsletter, _telling(edition, number, now), drafted, erratum)
        mailed = telling, told, render(runtime, newsletter, telling, Draft(Choice(told, {}), pool))
    return _Proof(edition, len(made), page, rendition, mailed, people)


def _refuse_unfit(session: Session, newsletter: NewsletterSettings, edition: Edition, *, mail: bool) -> None:
    name = f"{newsletter.slug}/{edition.slug}"
    if public.begun(session, newsletter.slug, edition.slug) is None:
        raise Refused(
            f"{name} has not gone out: it can simply be changed.",
            next_step=f"newsletter editions reword {name} ARTICLE --headline TEXT",
        )
    if mail and edition.state in UNDER_WAY:
        raise Refused(
            f"{name} is still going out; who gets the error is known when that has ended.",
            next_step=f"newsletter editions correct {name} --what TEXT",
        )


def _page(
    session: Session, newsletter: NewsletterSettings, edition: Edition, made: tuple[Correction, ...],
    erratum: Erratum,
) -> tuple[Placement, ...]:  # fmt: skip
    """The edition's entries in the words of every correction, the newest last."""
    page = editions.placements(session, id_of(edition))
    if erratum.article_id is not None and entry_of(page, erratum.article_id) is None:
        raise Refused(
            f"Article {erratum.article_id} is not in {newsletter.slug}/{edition.slug}.",
            next_step=f"newsletter editions show {newsletter.slug}/{edition.slug}",
        )
    changes: tuple[Correction | Erratum, ...] = (*made, erratum)
    for each in changes:
        page = tuple(
            replace(
                entry,
                headline=each.headline or entry.headline,
                summary=each.summary or entry.summary,
            )
            if entry.article_id == each.article_id
            else entry
            for entry in page
        )
    return page


def _telling(edition: Edition, number: int, now: datetime) -> Edition:
    """The edition that tells of the correction, not yet stored."""
    return Edition(
        newsletter_id=edition.newsletter_id, slug=f"{edition.slug}-correction-{number}",
        kind=EditionKind.CORRECTION, local_date=edition.local_date, due_at=now + WAITS,
        own_due_at=now + WAITS, by_hand=True, corrects_id=id_of(edition), created_at=now,
    )  # fmt: skip


def _told(
    newsletter: NewsletterSettings, telling: Edition, drafted: Draft, erratum: Erratum
) -> tuple[Edition, tuple[Placement, ...]]:
    """What is mailed: the correction first, then the story that it is about, else the lead."""
    words = words_for(newsletter.language)
    page = drafted.choice.placements
    entry = entry_of(page, erratum.article_id) if erratum.article_id is not None else None
    story = entry or next(each for each in page if each.slot is Slot.LEAD)
    headline = story.headline or drafted.pool[story.article_id].title
    subject = plain(words.gettext("Correction: {headline}").format(headline=headline), HEADLINE_LENGTH)
    intro = words.gettext("We made a mistake. {what}").format(what=erratum.what)
    lead = replace(story, slot=Slot.LEAD, position=0, pinned=True, why="what is corrected")
    return telling.model_copy(update={"own_subject": subject, "own_intro": intro}), (lead,)


def _write(
    session: Session,
    newsletter: NewsletterSettings,
    proof: _Proof,
    erratum: Erratum,
    now: datetime,
    *,
    who: str,
) -> None:
    edition = find_edition(session, newsletter, proof.edition.slug, lock=True)
    number = id_of(edition)
    if len(corrections.of_edition(session, number)) != proof.seen:
        raise too_busy(newsletter, edition)
    if proof.rendition is not None:
        stored = renditions.save(session, edition, proof.rendition, now)
        editions.amend(session, number, corrected_rendition_id=stored)
    corrections.add(
        session,
        Correction(
            edition_id=number, at=now, who=who, what=erratum.what, article_id=erratum.article_id,
            headline=erratum.headline, summary=erratum.summary,
        ),
    )  # fmt: skip
    note(session, now, who, "corrected", "edition", number, erratum.what)
    if proof.mail is not None:
        _draft_mail(session, newsletter, *proof.mail, now, who=who)


def _draft_mail(
    session: Session, newsletter: NewsletterSettings, telling: Edition, page: tuple[Placement, ...],
    rendition: Rendition, now: datetime, *, who: str,
) -> None:  # fmt: skip
    made = editions.create(
        session, telling.newsletter_id, telling.slug, EditionKind.CORRECTION, telling.local_date,
        telling.due_at, now, who=who, own_due_at=telling.own_due_at, by_hand=True,
        corrects_id=telling.corrects_id, own_subject=telling.own_subject, own_intro=telling.own_intro,
    )  # fmt: skip
    if made is None or not editions.revise(session, made, page, closed_at=now, subject=rendition.subject):
        raise too_busy(newsletter, telling)
    stored = renditions.save(session, editions.get(session, id_of(made)), rendition, now)
    editions.amend(session, id_of(made), rendition_id=stored)
