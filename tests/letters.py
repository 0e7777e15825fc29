"""Letters as a sign-up page or a desk would ask for them, and how they stand."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from sqlmodel import col, select

from newsletter.models import Letter
from newsletter.runtime import Runtime
from newsletter.services import lettering
from newsletter.services.lettering import Addressee
from newsletter.store.newsletters import newsletter_ids, sync_newsletters
from newsletter.worker import carry_letters
from tests.newsroom import NINE

A_DAY = timedelta(hours=24)


def town_of(runtime: Runtime) -> int:
    """The newsletter's number, which it has from the first letter on."""
    with runtime.database.writing() as session:
        sync_newsletters(session, runtime.settings.newsletters, NINE)
        return newsletter_ids(session)["town"]


def ask(runtime: Runtime, addresses: Sequence[str], key: str = "confirm", now: datetime = NINE) -> list[bool]:
    """A confirmation for each address, all in one transaction."""
    town = town_of(runtime)
    with runtime.database.writing() as session:
        return [
            lettering.confirm(
                session, Addressee(address, newsletter_id=town), f"{key}/{number}", now,
                url=f"{runtime.public_url}/confirm/secret-{number}", good_for=A_DAY,
            )
            for number, address in enumerate(addresses)
        ]  # fmt: skip


def carry(runtime: Runtime) -> None:
    """Everything that can go now."""
    closing = threading.Event()
    closing.set()
    carry_letters(runtime, threading.Event(), closing)


@contextmanager
def carrying(runtime: Runtime) -> Iterator[None]:
    """A courier beside, as `serve` has one."""
    stop = threading.Event()
    courier = threading.Thread(target=carry_letters, args=(runtime, stop))
    courier.start()
    try:
        yield
    finally:
        stop.set()
        courier.join()


def letters(runtime: Runtime) -> list[Letter]:
    with runtime.database.reading() as session:
        return list(session.exec(select(Letter).order_by(col(Letter.id))))
