"""What is somebody's own: their data to see, their address to change, themselves to be forgotten.

Mails get forwarded, so the link of a mail does none of this: it has a fresh link mailed to the address, good
for half an hour, and only that opens what is here. A new address confirms for itself.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from newsletter.mail.addresses import lane_of
from newsletter.models import LinkPurpose, MailedLink
from newsletter.runtime import Runtime
from newsletter.services import lettering
from newsletter.services.asking import Browser, ask, asker_of
from newsletter.services.lettering import Addressee
from newsletter.store import joining, mailed_links, people, subscribers
from newsletter.store.history import note

FRESH = timedelta(minutes=30)


def mail_link(runtime: Runtime, address: str, browser: Browser, now: datetime) -> None:
    """Mail a fresh link to an address. Raises Misuse for an address that is none.

    For nobody's address the very same is done, and the letter has expired before its turn comes: neither an
    answer nor its time tells who is a reader.
    """
    asker = asker_of(runtime, address, browser)
    with runtime.database.writing() as session:
        life = FRESH if people.find(session, asker.address_key) else timedelta(0)
        ask(session, runtime, asker, LinkPurpose.OWN_DATA, now, life=life)


def mail_link_to(runtime: Runtime, subscriber_id: int, browser: Browser, now: datetime) -> None:
    """The same, for who holds the link of a mail."""
    with runtime.database.reading() as session:
        address = subscribers.address_of(session, subscriber_id)
    if address is not None:
        mail_link(runtime, address, browser, now)


def owner(runtime: Runtime, token: str, now: datetime) -> int | None:
    """Who may see and change their own data behind this link now; None when it is worn out."""
    with runtime.database.reading() as session:
        link = _fresh(session, runtime, token, now)
        person = people.find(session, link.address_key) if link else None
        return person.id if person else None


def use_up(runtime: Runtime, token: str, now: datetime) -> bool:
    """Take the one use of a fresh link; False when it had none left."""
    with runtime.database.writing() as session:
        link = _fresh(session, runtime, token, now)
        return link is not None and mailed_links.use(session, link, now)


def change_address(runtime: Runtime, token: str, address: str, browser: Browser, now: datetime) -> bool:
    """Ask the new mailbox whether it is theirs; False when the link had no use left.

    Raises Misuse for an address that is none: then the link can still be used.
    """
    asker = asker_of(runtime, address, browser)
    with runtime.database.writing() as session:
        link = _fresh(session, runtime, token, now)
        person = people.find(session, link.address_key) if link else None
        if link is None or person is None or not mailed_links.use(session, link, now):
            return False
        ask(session, runtime, asker, LinkPurpose.NEW_ADDRESS, now, life=FRESH, subscriber_id=person.id)
        return True


def _fresh(session: Session, runtime: Runtime, token: str, now: datetime) -> MailedLink | None:
    place = runtime.links.read_mailed(token)
    link = mailed_links.find(session, *place) if place else None
    is_open = link is not None and link.used_at is None and now < link.expires_at
    return link if is_open and link is not None and link.purpose == LinkPurpose.OWN_DATA else None


def take_address(runtime: Runtime, token: str, now: datetime) -> bool:
    """The new mailbox says yes: mails go there from now on. False when the link is of no use any more, or
    somebody else has the address."""
    with runtime.database.writing() as session:
        place = runtime.links.read_mailed(token)
        link = mailed_links.find(session, *place) if place else None
        if link is None or link.purpose != LinkPurpose.NEW_ADDRESS or link.subscriber_id is None:
            return False
        if not mailed_links.use(session, link, now) or not joining.lift(
            session, link.address_key, link.asked_at
        ):
            return False
        old = subscribers.address_of(session, link.subscriber_id)
        moved = old is not None and joining.move_to(
            session, link.subscriber_id, link.address, link.address_key, lane_of(link.domain)
        )
        if moved and old is not None:
            note(session, now, "reader", "change address", "subscriber", link.subscriber_id)
            to = Addressee(old, link.subscriber_id)
            lettering.address_changed(session, to, f"moved {link.id}", now)
        return moved
