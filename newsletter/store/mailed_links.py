"""Mailed links: written when something is asked for, counted for the limits, used once, and forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_hex

from sqlalchemy import case, delete, func, select, update
from sqlmodel import Session, col

from newsletter.models import LinkPurpose, MailedLink

AN_HOUR = timedelta(hours=1)
A_DAY = timedelta(hours=24)
_NONCE = 16  # bytes


@dataclass(frozen=True, slots=True)
class Asker:
    """Whom a link is mailed to, in the spellings that limits and erasure know, and where the wish is from."""

    address: str
    address_key: str
    mailbox_key: str
    domain: str
    network: str = ""
    browser: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """How many links were mailed: in the last hour at all, to this domain and for this network; in the last
    day to this mailbox, and when the latest of those was."""

    hour: int
    domain: int
    network: int
    mailbox: int
    latest: datetime | None


def asked(session: Session, asker: Asker, purpose: LinkPurpose, now: datetime) -> Asked:
    same_domain = case((col(MailedLink.domain) == asker.domain, 1), else_=0)
    same_network = case((col(MailedLink.network) == asker.network, 1), else_=0)
    hour, domain, network = session.execute(
        select(func.count(), func.sum(same_domain), func.sum(same_network)).where(
            col(MailedLink.asked_at) > now - AN_HOUR
        )
    ).one()
    mailbox, latest = session.execute(
        select(func.count(), func.max(col(MailedLink.asked_at))).where(
            col(MailedLink.mailbox_key) == asker.mailbox_key,
            col(MailedLink.purpose) == purpose,
            col(MailedLink.asked_at) > now - A_DAY,
        )
    ).one()
    return Asked(hour, domain or 0, network or 0, mailbox, latest)


def write(
    session: Session, asker: Asker, purpose: LinkPurpose, now: datetime, *, expires_at: datetime,
    newsletters: Sequence[int] = (), subscriber_id: int | None = None, consent_text: str = "",
    source: str = "",
) -> MailedLink:  # fmt: skip
    link = MailedLink(
        purpose=purpose, nonce=token_hex(_NONCE), address=asker.address, address_key=asker.address_key,
        mailbox_key=asker.mailbox_key, domain=asker.domain, network=asker.network,
        newsletters=list(newsletters), subscriber_id=subscriber_id, consent_text=consent_text, source=source,
        browser=asker.browser, asked_at=now, expires_at=expires_at,
    )  # fmt: skip
    session.add(link)
    session.flush()
    return link


def find(session: Session, link_id: int, nonce: str) -> MailedLink | None:
    query = select(MailedLink).where(col(MailedLink.id) == link_id, col(MailedLink.nonce) == nonce)
    return session.execute(query).scalar_one_or_none()


def use(session: Session, link: MailedLink, now: datetime) -> bool:
    """Use a link up; False when it has been used, or is worn out."""
    used = session.execute(
        update(MailedLink)
        .where(
            col(MailedLink.id) == link.id,
            col(MailedLink.used_at).is_(None),
            col(MailedLink.expires_at) > now,
        )
        .values(used_at=now)
    )
    return bool(used.rowcount == 1)  # type: ignore[attr-defined]


def any_worn(session: Session, before: datetime) -> bool:
    """Whether some link wore out before then."""
    worn = select(MailedLink.id).where(col(MailedLink.expires_at) < before).limit(1)  # type: ignore[call-overload]
    return session.execute(worn).first() is not None


def drop_worn(session: Session, before: datetime) -> None:
    """Forget the links that wore out before then."""
    session.execute(delete(MailedLink).where(col(MailedLink.expires_at) < before))
