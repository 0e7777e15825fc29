"""A warning that a person has seen and lets stand: their reason stays with the edition and in its history."""

from __future__ import annotations

from datetime import datetime

from newsletter.config import NewsletterSettings
from newsletter.errors import Misuse, Refused
from newsletter.models import EditionState
from newsletter.runtime import Runtime
from newsletter.services.checking import Preflight, examine
from newsletter.services.finding import find_edition
from newsletter.services.revising import id_of, refuse_unseen
from newsletter.store import waivers
from newsletter.store.history import note
from newsletter.values import Check, Finding, Severity, Waiver

ENDED = (EditionState.SENDING, EditionState.SENT, EditionState.CANCELLED, EditionState.SKIPPED)


def waive(
    runtime: Runtime, newsletter: NewsletterSettings, slug: str, code: str, article_id: int | None,
    now: datetime, *, who: str, why: str, version: int | None = None,
) -> tuple[Finding, ...]:  # fmt: skip
    """Let the warnings of this code stand, of one entry or all of them; returns those that it covers.

    Raises Misuse without a reason and for a code that is none, Refused when there is no such warning, for
    a blocker, and for an edition that has gone out or was seen in another version.
    """
    name = f"{newsletter.slug}/{slug}"
    if not why.strip():
        raise Misuse(
            "It takes a reason, which stays on the record.",
            next_step=f"newsletter editions check {name} --waive {code} --why TEXT",
        )
    with runtime.database.reading() as session:
        edition = find_edition(session, newsletter, slug)
        if edition.state in ENDED:
            raise Refused(f"{name} is {edition.state}; nothing can be waived any more.")
        refuse_unseen(newsletter, edition, version)
        found = _found(examine(runtime, session, newsletter, edition, now), code, article_id, name)
    waived = [
        Waiver(finding.code, finding.article_id, who, now, why.strip(), edition.version) for finding in found
    ]
    with runtime.database.writing() as session:
        waivers.waive(session, id_of(edition), waived)
        for waiver in waived:
            entry = f" of article {waiver.article_id}" if waiver.article_id else ""
            note(
                session, now, who, "waived", "edition", id_of(edition), f"{waiver.code}{entry}: {waiver.why}"
            )
    return found


def _found(checked: Preflight, code: str, article_id: int | None, name: str) -> tuple[Finding, ...]:
    if code not in list(Check):
        known = ", ".join(sorted({str(finding.code) for finding in checked.findings})) or "none"
        raise Misuse(
            f"No check is called {code[:40]!r}; found here: {known}.",
            next_step=f"newsletter editions check {name}",
        )
    found = tuple(
        finding
        for finding in checked.findings
        if finding.code == code and article_id in (None, finding.article_id)
    )
    if blocker := next((each for each in found if each.severity is Severity.BLOCKER), None):
        raise Refused(f"A blocker cannot be waived: {blocker.sentence}", next_step=blocker.mend)
    if not found:
        of = f" of article {article_id}" if article_id else ""
        raise Refused(f"{name} has no warning {code}{of}.", next_step=f"newsletter editions check {name}")
    return found
