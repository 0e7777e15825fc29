"""Something is asked for on the web: within the limits a link is written, and the letter that carries it.

A part of the services behind the sign-up box and the preferences. Nothing here looks at who is subscribed, so
nobody learns it from an answer or from the time that it takes. What goes beyond a limit is dropped without
a word: whoever floods us learns nothing, and whoever is flooded gets no mail.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from newsletter.config import SignUp
from newsletter.mail.addresses import Address, is_within, mailbox_of, parse_address
from newsletter.models import LinkPurpose
from newsletter.runtime import Runtime
from newsletter.services import lettering
from newsletter.services.lettering import Addressee
from newsletter.store import control, mailed_links
from newsletter.store.history import note
from newsletter.store.mailed_links import Asker

BREAKER = timedelta(hours=1)  # that a flooded sign-up stays silent
LETTERS = {
    LinkPurpose.CONFIRM: ("confirm", lettering.confirm),
    LinkPurpose.OWN_DATA: ("preferences", lettering.preferences),
    LinkPurpose.NEW_ADDRESS: ("confirm", lettering.address_change),
}


@dataclass(frozen=True, slots=True)
class Browser:
    """Where a wish came from: a truncated network address, and the hash of a cookie that it got."""

    network: str = ""
    cookie: str = ""


def asker_of(runtime: Runtime, address: str, browser: Browser) -> Asker:
    """Raises Misuse for an address that is none."""
    parsed: Address = parse_address(address)
    return Asker(
        address=parsed.normalised,
        address_key=runtime.address_key.of(parsed.normalised),
        mailbox_key=runtime.address_key.of(mailbox_of(parsed.normalised)),
        domain=parsed.domain,
        network=browser.network,
        browser=browser.cookie,
    )


def ask(
    session: Session, runtime: Runtime, asker: Asker, purpose: LinkPurpose, now: datetime, *,
    life: timedelta, newsletters: Sequence[int] = (), subscriber_id: int | None = None,
    consent_text: str = "", source: str = "",
) -> bool:  # fmt: skip
    """Write a link and the letter with it; False when a limit is reached, and nothing was written."""
    limits = runtime.settings.sign_up
    if is_within(asker.domain, limits.refused_domains) or not _may(session, limits, asker, purpose, now):
        return False
    link = mailed_links.write(
        session, asker, purpose, now, expires_at=now + life, newsletters=newsletters,
        subscriber_id=subscriber_id, consent_text=consent_text, source=source,
    )  # fmt: skip
    page, ask_letter = LETTERS[purpose]
    to = Addressee(asker.address, subscriber_id, newsletters[0] if newsletters else None)
    url = runtime.links.mailed(page, link.id or 0, link.nonce)
    return ask_letter(session, to, f"{purpose} {link.id}", now, url=url, good_for=life)


def _may(session: Session, limits: SignUp, asker: Asker, purpose: LinkPurpose, now: datetime) -> bool:
    """One at a time, so that a thousand at once get no more than the limits allow."""
    stop = control.alone(session, control.SIGN_UP)
    if stop and stop.at is not None and now < stop.at + BREAKER:
        return False
    if stop:
        control.give(session, control.SIGN_UP, "", now, who="sign-up")
    asked = mailed_links.asked(session, asker, purpose, now)
    if asked.hour >= limits.overall:
        control.give(session, control.SIGN_UP, control.FLOODED, now, who="sign-up")
        note(session, now, "sign-up", "flooded", "control", 0, f"{asked.hour} letters in an hour")
        return False
    if asked.domain >= limits.per_domain or asked.network >= limits.per_network:
        return False
    is_too_soon = asked.latest is not None and now < asked.latest + timedelta(seconds=limits.pause)
    return asked.mailbox < limits.per_address and not is_too_soon
