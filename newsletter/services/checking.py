"""Preflight: what stands between an edition and its readers, and what an editor may want to look at.

All checks are made here, whoever asks: an editor, the clock that closes or opens an edition, an alert
that tells of them. Nothing here asks the network: what links answered was stored when they were looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import median

from sqlmodel import Session

from newsletter.config import NewsletterSettings
from newsletter.errors import Blocked, Misuse, NewsletterError, Refused
from newsletter.models import Edition, EditionKind, EditionState, Slot
from newsletter.render import contrast, preflight
from newsletter.render.gate import MAX_BYTES
from newsletter.render.lint.faults import Faulty
from newsletter.runtime import Runtime
from newsletter.services.drafting import Draft, as_it_stands, ran_before, render, too_few
from newsletter.services.finding import find_edition
from newsletter.services.reviewing import Sights, review, review_standing
from newsletter.services.seeing import addresses_of, standing_links
from newsletter.store import articles, lately, looks, renditions, standing, waivers
from newsletter.store import touches as hands
from newsletter.store.audience import audience_of, count_audience
from newsletter.store.feeds import SILENT
from newsletter.store.sections import sections_of
from newsletter.values import Check, Finding, Look, Placement, Rendition, Severity, Waiver

SUBJECT_LENGTH = 65  # characters; phones show fewer still
OVER = (EditionState.SKIPPED, EditionState.CANCELLED)
AHEAD = (EditionState.DRAFT, EditionState.APPROVED, EditionState.HELD)
A_WEEK = timedelta(days=7)
A_MONTH = timedelta(days=30)  # what ran longer ago reads as new
A_FEW = 3  # editions, before they make a measure
UNLIKE = 0.1  # of the week's median: more or fewer people than that are worth a look
FEWER = 0.75  # of the week's median


@dataclass(frozen=True, slots=True)
class Preflight:
    """An edition as it was checked: the version, and all findings, blockers first and waived ones last.

    Of its `addresses` so many are `seen`, the last at `seen_at`.
    """

    edition: Edition
    size: int
    findings: tuple[Finding, ...]
    addresses: int = 0
    seen: int = 0
    seen_at: datetime | None = None

    @property
    def is_blocked(self) -> bool:
        return any(finding.severity is Severity.BLOCKER for finding in self.findings)


def check(runtime: Runtime, newsletter: NewsletterSettings, slug: str, now: datetime) -> Preflight:
    """Check an edition as it would go out now. Raises Misuse for one that is unknown."""
    with runtime.database.reading() as session:
        return examine(runtime, session, newsletter, find_edition(session, newsletter, slug), now)


def examine(
    runtime: Runtime, session: Session, newsletter: NewsletterSettings, edition: Edition, now: datetime,
    drafted: Draft | None = None,
) -> Preflight:  # fmt: skip
    """The one place where all checks are made, whoever asks; of the page in `drafted`, if that is to be
    another than the edition would have now."""
    drafted = drafted or as_it_stands(runtime, session, newsletter, edition, now)
    stored = renditions.read(session, edition.rendition_id) if edition.rendition_id else None
    name = f"{newsletter.slug}/{edition.slug}"
    rendition, found = (stored, []) if stored else _rendered(runtime, newsletter, edition, drafted)
    found += _of_the_whole(newsletter, edition, drafted, name)
    if rendition is not None:
        found += [*_of_the_mail(rendition, newsletter, name), *_of_its_colours(rendition, name)]
    page = drafted.choice.placements
    in_every_mail = standing_links(newsletter, page, runtime)
    wanted = {*addresses_of(page, drafted.pool, runtime), *in_every_mail.values()}
    seen = looks.looks_of(session, wanted)
    sights = _sights(runtime, session, edition, seen)
    found += [*review(page, drafted.pool, sights, name), *review_standing(in_every_mail, sights, name)]
    found += _of_the_week(session, edition, page, now)
    found += _of_feeds(session, newsletter, edition.closed_at or now)
    found += _of_keys({"[dkim]": lambda: runtime.signing})
    waived = waivers.waivers_of(session, edition.id) if edition.id is not None else {}
    told = [_with_waiver(finding, waived.get((finding.code, finding.article_id))) for finding in found]
    told.sort(key=lambda finding: (finding.severity, finding.waiver is not None))
    size = preflight.size_of(rendition) if rendition else 0
    last = max((look.at for look in seen.values()), default=None)
    return Preflight(edition, size, tuple(told), len(wanted), len(seen), last)


def in_the_way(
    runtime: Runtime, session: Session, newsletter: NewsletterSettings, edition: Edition, drafted: Draft,
    rendition: Rendition,
) -> tuple[Finding, ...]:  # fmt: skip
    """The blockers alone of an edition that is compiled: what the clock asks before it lets one go."""
    name = f"{newsletter.slug}/{edition.slug}"
    pinned = [placed for placed in drafted.choice.placements if placed.pinned]
    seen = looks.looks_of(session, addresses_of(pinned, drafted.pool, runtime))
    found = [
        *_of_the_mail(rendition, newsletter, name),
        *review(pinned, drafted.pool, _of_links_alone(runtime, seen), name),
        *_of_keys({"[dkim]": lambda: runtime.signing}),
    ]
    return tuple(finding for finding in found if finding.severity is Severity.BLOCKER)


def refuse_blocked(findings: Sequence[Finding], name: str) -> None:
    """Raises Refused, with all that is in the way and the mend of the first."""
    if findings:
        told = " ".join(finding.sentence for finding in findings)
        raise Refused(f"{name} cannot go out as it is. {told}", next_step=findings[0].mend)


def _sights(runtime: Runtime, session: Session, edition: Edition, seen: Mapping[str, Look]) -> Sights:
    since = edition.due_at - A_MONTH
    carried = lately.carried_since(session, edition.newsletter_id, EditionKind(edition.kind).fellows, since)
    others = [each for each in carried if each.edition != edition.slug]
    return replace(
        _of_links_alone(runtime, seen), ran=ran_before(session, edition), lately=others,
        touches=hands.touches(session, edition.id) if edition.id is not None else {},
        mailed=renditions.words_of(session, edition.rendition_id) if edition.rendition_id else "",
    )  # fmt: skip


def _of_links_alone(runtime: Runtime, seen: Mapping[str, Look]) -> Sights:
    settings = runtime.settings.preflight
    return Sights(ran={}, lately=(), looks=seen, slow=settings.slow, largest=settings.largest_picture)


def _with_waiver(finding: Finding, waiver: Waiver | None) -> Finding:
    return finding if finding.severity is Severity.BLOCKER else replace(finding, waiver=waiver)


# ── the mail ────────────────────────────────────────────────────────────────────────────────────


def _rendered(
    runtime: Runtime, newsletter: NewsletterSettings, edition: Edition, drafted: Draft
) -> tuple[Rendition | None, list[Finding]]:
    """The mail, or everything that keeps it from being one."""
    name, severity = f"{newsletter.slug}/{edition.slug}", Severity.BLOCKER
    if found := list(_of_keys({"secret_key_file": lambda: runtime.links})):
        return None, found
    if not any(placed.slot is Slot.LEAD for placed in drafted.choice.placements):
        mend = f"newsletter editions pin {name} ARTICLE --slot lead"
        return None, [Finding(Check.NO_LEAD, severity, "There is no lead story.", mend, place=Slot.LEAD)]
    try:
        return render(runtime, newsletter, edition, drafted), []
    except Blocked as blocked:
        told = ((Check(code), sentence) for code, sentence in blocked.findings)
        return None, [_objection(name, drafted, check, sentence) for check, sentence in told]
    except Faulty as faulty:
        return None, [
            Finding(
                Check.TEMPLATE, severity, f"Theme {newsletter.theme}, {fault.place}: {fault.what}.",
                fault.mend or faulty.next_step, place=fault.place,
            )
            for fault in faulty.faults
        ]  # fmt: skip
    except NewsletterError as error:
        return None, [Finding(Check.TEMPLATE, severity, error.sentence, error.next_step or _mend_theme(name))]


def _objection(name: str, drafted: Draft, check: Check, sentence: str) -> Finding:
    """What the gate says; an entry whose address it names can be dropped."""
    for placed in drafted.choice.placements:
        if repr(drafted.pool[placed.article_id].url[:200]) in sentence:
            mend = f"newsletter editions drop {name} {placed.article_id}"
            return Finding(check, Severity.BLOCKER, sentence, mend, placed.article_id, placed.slot)
    is_too_large = check is Check.TOO_LARGE
    mend = f"newsletter editions drop {name} ARTICLE" if is_too_large else _mend_theme(name)
    return Finding(check, Severity.BLOCKER, sentence, mend)


def _mend_theme(name: str) -> str:
    return f"mend the theme, then newsletter editions check {name}"


def _of_the_mail(rendition: Rendition, newsletter: NewsletterSettings, name: str) -> Iterator[Finding]:
    for check, sentence in preflight.blockers(rendition, newsletter.postal_address):
        yield Finding(check, Severity.BLOCKER, sentence, f"newsletter editions hold {name} --why TEXT")
    size = preflight.size_of(rendition)
    if preflight.NEARLY < size <= MAX_BYTES:
        what = f"The HTML part has {size:,} bytes encoded; above 100,000 it may not go out."
        yield Finding(Check.LARGE, Severity.WARNING, what, f"newsletter editions drop {name} ARTICLE")
    if len(rendition.subject) > SUBJECT_LENGTH:
        what = f"The subject has {len(rendition.subject)} characters; many inboxes show {SUBJECT_LENGTH}."
        mend = f"newsletter editions reword {name} --subject TEXT"
        yield Finding(Check.LONG_SUBJECT, Severity.WARNING, what, mend, place="subject")


def _of_its_colours(rendition: Rendition, name: str) -> Iterator[Finding]:
    for faint in contrast.faint_in(preflight.neutral_page(rendition)):
        what = (
            f"“{faint.words}” stands out from its ground by {faint.ratio:.1f} to 1 {faint.scheme};"
            f" it takes {contrast.LEAST} to be read by everybody."
        )
        yield Finding(Check.CONTRAST, Severity.WARNING, what, _mend_theme(name), place="HTML part")


def _of_keys(keys: Mapping[str, Callable[[], object]]) -> Iterator[Finding]:
    """Keys that cannot be had, each by the part of the configuration that names it."""
    for part, key in keys.items():
        try:
            key()
        except Misuse as error:
            yield Finding(Check.NO_KEY, Severity.BLOCKER, error.sentence, error.next_step, place=part)


# ── the whole ───────────────────────────────────────────────────────────────────────────────────


def _of_the_whole(
    newsletter: NewsletterSettings, edition: Edition, drafted: Draft, name: str
) -> Iterator[Finding]:
    if edition.state in OVER:
        mend = f"newsletter editions unskip {name}"
        yield Finding(Check.STATE, Severity.BLOCKER, f"It was {edition.state}: {edition.why}.", mend)
    if few := too_few(newsletter, edition, drafted.choice):
        # Whoever took stories out of a closed edition has seen what is left
        severity = Severity.WARNING if edition.rendition_id else Severity.BLOCKER
        is_weekly = edition.kind == EditionKind.WEEKLY
        mend = f"newsletter editions list {newsletter.slug}" if is_weekly else "newsletter gather"
        yield Finding(Check.TOO_FEW, severity, f"It has {few}.", mend)


def _of_the_week(
    session: Session, edition: Edition, page: Sequence[Placement], now: datetime
) -> Iterator[Finding]:
    """How it compares with what went out in the week before it, once there is something to compare with."""
    since = edition.due_at - A_WEEK
    sizes = [
        size
        for size in lately.sizes_since(session, edition.newsletter_id, edition.kind, since)
        if size.people
    ]
    if edition.state not in AHEAD or len(sizes) < A_FEW:
        return
    usual = median(size.people for size in sizes)
    people = _people(session, edition, now)
    if people is not None and abs(people - usual) > UNLIKE * usual:
        more = "more" if people > usual else "fewer"
        share = abs(people - usual) / usual
        what = f"It is for {people:,} people, {share:.0%} {more} than the week's median of {usual:,.0f}."
        yield Finding(Check.AUDIENCE, Severity.WARNING, what, "newsletter status")
    stories = sum(placed.slot in (Slot.LEAD, Slot.HEADLINES) for placed in page)
    usual = median(size.stories for size in sizes)
    if stories < FEWER * usual:
        what = f"It has {stories} stories; {usual:.0f} are usual in a week."
        yield Finding(Check.FEWER, Severity.WARNING, what, "newsletter gather")


def _people(session: Session, edition: Edition, now: datetime) -> int | None:
    """How many it is for; a figure that was kept, or None, where they are too many to count in passing."""
    number = edition.newsletter_id
    if not standing.is_small(session, number):
        kept = standing.kept_counts(session).get(number)
        return kept.people if kept else None
    sections = sections_of(session, edition.id or 0)
    return count_audience(session, audience_of(edition, max(now, edition.due_at), sections=sections))


def _of_feeds(session: Session, newsletter: NewsletterSettings, at: datetime) -> Iterator[Finding]:
    used = {use.use for use in newsletter.feeds}
    for feed in articles.feeds(session):
        since = feed.succeeded_at or feed.failing_since
        if feed.name in used and since is not None and at - since >= SILENT:
            what = f"Feed {feed.name} has brought nothing since {since:%d %b %H:%M} UTC"
            what += f": {feed.trouble}" if feed.trouble else ", for nobody has looked."
            yield Finding(Check.SILENT_FEED, Severity.WARNING, what, "newsletter gather", place=feed.name)
