"""Somebody signs up: they ask on the web, a letter asks back, and their own click makes it true.

The answer to the first step is the same for every address, known or not, and for every limit. Only a POST
behind the mailed link confirms, once; what it finds depends on what happened since, for nobody is brought
back by a letter that is older than their leave.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlmodel import Session

from newsletter.config import NewsletterSettings
from newsletter.mail.addresses import lane_of, masked
from newsletter.models import LinkPurpose, MailedLink, SubscriptionState
from newsletter.runtime import Runtime
from newsletter.schedule import describe, next_due
from newsletter.services import lettering
from newsletter.services.asking import Browser, ask, asker_of
from newsletter.services.lettering import Addressee
from newsletter.store import editions, joining, mailed_links, places
from newsletter.store.history import note
from newsletter.store.newsletters import newsletter_ids, sync_newsletters

FASTEST = timedelta(seconds=2)  # in which a person fills in a form that they have just been given
STALEST = timedelta(hours=24)
KEPT = timedelta(hours=24)  # that a worn link is remembered, for the limits and for a kind answer
PRINTED = 0  # seconds since the epoch: a form that stands on somebody's page
LONGEST_SOURCE = 200  # characters
# Without user names; a browser writes everything else in ASCII, or as %XX
_PAGE = re.compile(
    r"(https?://[a-z0-9.:\[\]-]{1,260}(?:/[!$-;=@-Z_a-z~]*)?)(?:[?#].*)?", re.IGNORECASE | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a sign-up form says: `source` is the page where it stood, `trap` a field that people do not see,
    `form` its signed token."""

    address: str
    newsletters: Collection[str]
    source: str = ""
    trap: str = ""
    form: str = ""


class Standing(StrEnum):
    """How a confirmation link stands."""

    OPEN = "open"
    USED = "used"
    EXPIRED = "expired"
    OVERTAKEN = "overtaken"  # they left, complained or were forgotten since they asked
    WORN = "worn"  # it is none of ours


@dataclass(frozen=True, slots=True)
class Start:
    """A newsletter, its schedule in words, and the local date and time at which its next edition arrives."""

    slug: str
    name: str
    schedule: str
    day: date
    time: str


@dataclass(frozen=True, slots=True)
class Look:
    """A confirmation link as its page shows it; `is_same_browser` where the wish came from."""

    standing: Standing
    purpose: LinkPurpose | None = None
    address: str = ""
    starts: tuple[Start, ...] = ()
    is_same_browser: bool = False


WORN = Look(Standing.WORN)


def sign_up(runtime: Runtime, wish: Wish, browser: Browser, now: datetime) -> bool:
    """Ask for newsletters. False when the form has to be sent once more, because it is too old, too quick or
    none of ours. True says nothing of what became of it: the answer is the same for everybody.

    Raises Misuse for an address that is none, which anybody can see for themselves.
    """
    asker = asker_of(runtime, wish.address, browser)
    wanted = [runtime.newsletters[slug] for slug in runtime.newsletters if slug in set(wish.newsletters)]
    is_open = [newsletter for newsletter in wanted if newsletter.sign_up]
    if not is_open or wish.trap:
        return True
    if not _is_ours(runtime, wish.form, now):
        return False
    with runtime.database.writing() as session:
        sync_newsletters(session, is_open, now)
        numbers = newsletter_ids(session)
        ask(
            session, runtime, asker, LinkPurpose.CONFIRM, now,
            newsletters=[numbers[newsletter.slug] for newsletter in is_open],
            life=timedelta(seconds=runtime.settings.sign_up.expires),
            consent_text=consent_text(is_open), source=page_of(wish.source),
        )  # fmt: skip
    return True


def consent_text(newsletters: Sequence[NewsletterSettings]) -> str:
    """What somebody agrees to by asking for these, kept with their place."""
    return "I want to get " + ", ".join(f"“{newsletter.name}”" for newsletter in newsletters) + " by mail."


def page_of(told: str) -> str:
    """The page where a form stood, as its sender tells it: origin and path, and nothing of what is no page.

    A query may say anything about a person, so it is cut off.
    """
    found = _PAGE.fullmatch(told)
    return found[1][:LONGEST_SOURCE] if found else ""


def _is_ours(runtime: Runtime, form: str, now: datetime) -> bool:
    """A form of ours that was filled in by a person: not forged, not at once, not after a day."""
    issued = runtime.links.read_form(form)
    if issued is None:
        return False
    return issued.timestamp() == PRINTED or FASTEST <= now - issued <= STALEST


def look(runtime: Runtime, token: str, browser: Browser, now: datetime) -> Look:
    """What a confirmation link would do. Changes nothing."""
    with runtime.database.reading() as session:
        link = _find(session, runtime, token)
        return WORN if link is None else _look(session, runtime, link, browser, now)


def confirm(runtime: Runtime, token: str, browser: Browser, now: datetime) -> Look:
    """Make it true, once. `OPEN` says that this call did it."""
    with runtime.database.writing() as session:
        link = _find(session, runtime, token)
        if link is None:
            return WORN
        seen = _look(session, runtime, link, browser, now)
        if seen.standing is not Standing.OPEN:
            return seen
        if not mailed_links.use(session, link, now):
            return replace(seen, standing=Standing.USED)
        did = _join(session, runtime, link, now)
    return seen if did else replace(seen, standing=Standing.OVERTAKEN)


def ask_again(runtime: Runtime, token: str, browser: Browser, now: datetime) -> None:
    """Mail a new link for a wish whose link has expired. Silent, like every sign-up."""
    with runtime.database.writing() as session:
        link = _find(session, runtime, token)
        if link is None or link.purpose != LinkPurpose.CONFIRM or link.expires_at > now or link.used_at:
            return
        asker = asker_of(runtime, link.address, browser)
        ask(
            session, runtime, asker, LinkPurpose.CONFIRM, now, newsletters=link.newsletters,
            life=timedelta(seconds=runtime.settings.sign_up.expires),
            consent_text=link.consent_text, source=link.source,
        )  # fmt: skip


def forget_worn(runtime: Runtime, now: datetime) -> None:
    """Delete what was asked for and never confirmed, and links that were used, once no limit counts them."""
    before = now - KEPT
    with runtime.database.reading() as session:
        if not mailed_links.any_worn(session, before):
            return
    with runtime.database.writing() as session:
        mailed_links.drop_worn(session, before)


def _join(session: Session, runtime: Runtime, link: MailedLink, now: datetime) -> bool:
    """True when at least one place has become active, or all were."""
    if not joining.lift(session, link.address_key, link.asked_at):
        return False
    lane = lane_of(link.domain)
    number = joining.know(session, link.address, link.address_key, lane, now)
    consent = joining.Consent(link.consent_text, link.source, link.network, link.asked_at, now)
    slugs = {ident: slug for slug, ident in newsletter_ids(session).items()}
    wanted = [ident for ident in link.newsletters if _is_open(runtime, slugs.get(ident, ""))]
    new = [ident for ident in wanted if joining.give_place(session, number, ident, consent)]
    for ident in new:
        note(session, now, "reader", "confirm", "subscriber", number, f"newsletter {ident}")
        to = Addressee(link.address, number, ident)
        lettering.welcome(session, runtime, to, f"welcome {link.id} {ident}", now)
    states = {places.state_of(session, number, ident) for ident in wanted}
    return bool(new) or SubscriptionState.ACTIVE in states


def _is_open(runtime: Runtime, slug: str) -> bool:
    newsletter = runtime.newsletters.get(slug)
    return newsletter is not None and newsletter.sign_up


def _find(session: Session, runtime: Runtime, token: str) -> MailedLink | None:
    """Links to one's own data open the preferences, and nothing here."""
    place = runtime.links.read_mailed(token)
    link = mailed_links.find(session, *place) if place else None
    return None if link is None or link.purpose == LinkPurpose.OWN_DATA else link


def _look(session: Session, runtime: Runtime, link: MailedLink, browser: Browser, now: datetime) -> Look:
    standing = Standing.OPEN
    if link.used_at is not None:
        standing = Standing.USED
    elif link.expires_at <= now:
        standing = Standing.EXPIRED
    slugs = {ident: slug for slug, ident in newsletter_ids(session).items()}
    wanted = [runtime.newsletters.get(slugs.get(ident, "")) for ident in link.newsletters]
    return Look(
        standing, LinkPurpose(link.purpose), masked(link.address),
        tuple(_start(session, newsletter, now) for newsletter in wanted if newsletter),
        bool(link.browser) and hmac.compare_digest(link.browser, browser.cookie),
    )  # fmt: skip


def _start(session: Session, newsletter: NewsletterSettings, now: datetime) -> Start:
    """The next edition that somebody who joins now will get: not one whose readers are settled already."""
    due = next_due(newsletter, now)
    number = newsletter_ids(session).get(newsletter.slug, 0)
    edition = editions.find(session, number, due.day.isoformat())
    if edition is not None and edition.frozen_at is not None:
        due = next_due(newsletter, due.at)
    return Start(
        newsletter.slug, newsletter.name, describe(newsletter, due.day), due.day,
        f"{newsletter.send_at:%H:%M}",
    )  # fmt: skip
