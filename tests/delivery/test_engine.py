"""The engine over a real SMTP server and both stores: windows, pauses, lost connections, refusals."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from newsletter.clock import Clock, monotonic
from newsletter.config import Lane, Relay, Sending
from newsletter.delivery.dispatcher import Dispatcher
from newsletter.delivery.embedded import EmbeddedDispatcher
from newsletter.delivery.engine import Engine
from newsletter.errors import RelayFailed, StoreFailed
from newsletter.mail.content import Content, content_of
from newsletter.mail.smtp import Timeouts
from newsletter.models import Batch, Delivery, Edition, EditionKind, EditionState
from newsletter.store import closing, deliveries, editions, freezing, moving
from newsletter.store.audience import audience
from newsletter.store.database import Database
from newsletter.values import Recipient
from tests.newsroom import until
from tests.people import NINE, make_edition, make_newsletter, make_reader, make_readers
from tests.smtpd import SmtpServer

IMPATIENT = Timeouts(connect=2, greeting=2, command=2, data=2, block=2, dot=3, quit=1)


class Plain:
    """A mail with nothing in it but whose it is."""

    def envelope_sender(self, _recipient: Recipient) -> str:
        return "bounces@town.example"

    def content(self, recipient: Recipient) -> Content:
        head = f"To: {recipient.address}\r\nMessage-ID: <{recipient.subscriber_id}@x>"
        return content_of(f"{head}\r\n\r\nHello.\r\n".encode())


class Morning:
    """A frozen edition that is due, and an engine to deliver it."""

    def __init__(self, database: Database, server: SmtpServer, **sending: Any) -> None:
        self.database = database
        self.server = server
        self.sending = Sending(**sending)
        self.connections = 4
        self.rate = 0.0
        self.lanes: tuple[Lane, ...] = ()
        self.until_idle = True
        self.clock = Clock(NINE)
        self.stop = threading.Event()
        self.edition = 0
        self.compose_seconds = 0.0
        self.dispatcher: Dispatcher = EmbeddedDispatcher(database, self.clock, batches_at_once=2)

    def freeze(self, *addresses: str, readers: int = 0, **of_lanes: int) -> None:
        with self.database.writing() as session:
            newsletter = make_newsletter(session)
            for address in addresses:
                make_reader(session, newsletter, address)
            make_readers(session, newsletter, readers)
            for lane, count in of_lanes.items():
                make_readers(session, newsletter, count, lane=lane)
            edition = make_edition(session, newsletter)
            edition.state, edition.frozen_at = EditionState.FROZEN, NINE
            session.add(edition)
            session.flush()
            people = audience(newsletter, EditionKind.DAILY, edition.local_date, NINE, sections=None)
            self.edition = edition.id or 0
            deadline = NINE + timedelta(hours=4)
            freezing.plan(
                session, self.edition, people, due_at=NINE, deadline=deadline, size=self.sending.batch
            )

            self.dispatcher.enqueue(session, self.edition)

    def compose(self, _edition_id: int) -> Plain:
        threading.Event().wait(self.compose_seconds)
        return Plain()

    def deliver(self) -> None:
        asyncio.run(self._deliver())

    async def _deliver(self) -> None:
        relay = Relay(
            name="main", host="127.0.0.1", port=self.server.port, tls="none", connections=self.connections,
            rate=self.rate,
        )  # fmt: skip
        engine = Engine(
            self.database, self.clock, self.sending, [relay], self.compose, lanes=self.lanes,
            timeouts=IMPATIENT,
        )  # fmt: skip
        async with engine:
            await self.dispatcher.run(engine, self.stop, until_idle=self.until_idle)

    def counts(self) -> dict[str, int]:
        with self.database.reading() as session:
            sums = deliveries.sums(session, self.edition)
            rows = Counter(
                session.exec(select(Delivery.state).where(Delivery.edition_id == self.edition)).all()
            )
        counted = {name: getattr(sums, name) for name in Counter(rows)}
        assert counted == rows, "the batches' sums disagree with the rows"
        return dict(rows)

    def state(self) -> tuple[EditionState, str]:
        with self.database.reading() as session:
            edition = session.get_one(Edition, self.edition)
            return EditionState(edition.state), edition.why

    def watch(self, see: Callable[[Session], None]) -> threading.Thread:
        """Look at the store again and again while the engine works, until `stop`."""

        def run() -> None:
            while not self.stop.wait(0.005):
                with suppress(Exception), self.database.reading() as session:
                    see(session)

        thread = threading.Thread(target=run)
        thread.start()
        return thread


def test_everybody_gets_one_and_the_edition_is_sent(database: Database) -> None:
    with SmtpServer() as server:
        morning = Morning(database, server, batch=50)
        morning.freeze(readers=120)
        morning.deliver()
        assert morning.counts() == {"sent": 120}
        assert morning.state() == (EditionState.SENT, "")
        assert set(server.recipients().values()) == {1}


def test_a_batch_is_taken_once_however_long_its_edition_takes_to_compile(database: Database) -> None:
    with SmtpServer() as server:
        morning = Morning(database, server, batch=10)
        morning.freeze(readers=10)
        morning.compose_seconds = 2.5
        morning.deliver()
        with database.reading() as session:
            assert {batch.token for batch in session.exec(select(Batch)).all()} == {1}
        assert morning.counts() == {"sent": 10}


def test_a_slow_answer_holds_up_nobody_and_the_window_is_kept(database: Database) -> None:
    widest = 0

    def look(session: Session) -> None:
        nonlocal widest
        for batch in session.exec(select(Batch)).all():
            settled = batch.sent + batch.deferred + batch.failed + batch.unknown + batch.cancelled
            widest = max(widest, batch.begun - settled)

    with SmtpServer(delay=(1, 5)) as server:
        morning = Morning(database, server, window=10)
        morning.freeze("hangs1@x.example", readers=200)
        watcher = morning.watch(look)
        morning.deliver()
        morning.stop.set()
        watcher.join()
        assert morning.counts() == {"sent": 200, "unknown": 1}
        assert len(server.mails) == 200, "everybody else was mailed while it hung"
    assert 1 < widest <= 10


def test_a_connection_lost_before_content_costs_nothing(database: Database) -> None:
    with SmtpServer() as server:
        morning = Morning(database, server)
        morning.freeze("busy1@x.example", readers=30)
        morning.deliver()
        assert morning.counts() == {"sent": 30, "deferred": 1}


def test_dropped_after_content_is_in_doubt_and_never_sent_again(database: Database) -> None:
    with SmtpServer() as server:
        morning = Morning(database, server)
        morning.freeze("drops1@x.example", readers=30)
        morning.deliver()
        morning.deliver()
        assert morning.counts() == {"sent": 30, "unknown": 1}
        asked = [line for lines in server.commands for line in lines if "drops1" in line]
        assert len(asked) == 1


def test_a_refusal_before_any_recipient_pauses_and_leaves_every_row_queued(database: Database) -> None:
    with SmtpServer(mail_reply=b"550 5.7.1 you are on a list") as server:
        morning = Morning(database, server)
        morning.freeze(readers=60)
        morning.deliver()
        state, why = morning.state()
        assert state is EditionState.PAUSED
        assert "5.7.1 you are on a list" in why
        assert morning.counts() == {"queued": 60}


def test_sign_in_refused_pauses_too(database: Database) -> None:
    with SmtpServer(greeting=b"554 5.7.1 no service for you") as server:
        morning = Morning(database, server)
        morning.freeze(readers=10)
        with suppress(RelayFailed):
            morning.deliver()
        assert morning.state()[0] is EditionState.PAUSED
        assert morning.counts() == {"queued": 10}


def test_no_relay_no_row_begun(database: Database) -> None:
    with SmtpServer() as server:
        morning = Morning(database, server)
    morning.freeze(readers=10)
    with pytest.raises(RelayFailed, match="gives no session"):
        morning.deliver()
    assert morning.counts() == {"queued": 10}
    with database.reading() as session:
        assert {batch.begun for batch in session.exec(select(Batch)).all()} <= {0}


def test_a_pause_stops_within_a_second_and_hands_the_window_back(database: Database) -> None:
    with SmtpServer(delay=(20, 40)) as server:
        morning = Morning(database, server)
        morning.freeze(readers=400)
        thread = threading.Thread(target=morning.deliver)
        thread.start()
        while server.accepted < 40:
            morning.stop.wait(0.005)
        with database.writing() as session:
            session.get_one(Edition, morning.edition).state = EditionState.PAUSED
        paused_at = monotonic()
        thread.join()
        assert monotonic() - paused_at < 3
        counts = morning.counts()
        assert counts == {"sent": server.accepted, "queued": 400 - server.accepted}
        with database.writing() as session:
            session.get_one(Edition, morning.edition).state = EditionState.SENDING
        morning.deliver()
        assert morning.counts() == {"sent": 400}
        assert set(server.recipients().values()) == {1}


def test_a_stop_leaves_nothing_in_doubt(database: Database) -> None:
    with SmtpServer(delay=(20, 40)) as server:
        morning = Morning(database, server)
        morning.freeze(readers=300)
        thread = threading.Thread(target=morning.deliver)
        thread.start()
        while server.accepted < 40:
            morning.stop.wait(0.005)
        morning.stop.set()
        thread.join()
        assert morning.counts() == {"sent": server.accepted, "queued": 300 - server.accepted}


def test_a_store_that_fails_just_as_rows_are_handed_back_leaves_nothing_in_doubt(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = iter([True, True])

    def full_disk(*args: Any) -> None:
        if next(failing, False):
            raise StoreFailed("The disk is full.")
        moving.hand_back(*args)

    monkeypatch.setattr("newsletter.delivery.run.hand_back", full_disk)
    monkeypatch.setattr("newsletter.delivery.patience.PAUSE", 0.05)
    with SmtpServer(delay=(20, 30)) as server:
        morning = Morning(database, server)
        morning.freeze(readers=300)
        thread = threading.Thread(target=morning.deliver)
        thread.start()
        until(lambda: server.accepted > 20)
        morning.stop.set()
        thread.join()
        assert morning.counts().keys() == {"sent", "queued"}
        assert next(failing, None) is None, "it was tried"
        morning.stop.clear()
        morning.deliver()
        assert morning.counts() == {"sent": 300}
        assert set(server.recipients().values()) == {1}


# ── orders while connections hang ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize("to", [EditionState.PAUSED, EditionState.CANCELLED])
def test_an_order_is_obeyed_within_a_second_while_every_connection_hangs(
    database: Database, to: EditionState
) -> None:
    """Three of four connections wait in vain for their answer; the fourth begins no other mail."""
    with SmtpServer(delay=(10, 20)) as server:
        morning = Morning(database, server)
        morning.freeze(*(f"hangs{number}@x.example" for number in range(3)), readers=400)
        thread = threading.Thread(target=morning.deliver)
        thread.start()
        until(lambda: server.accepted > 10)
        with database.writing() as session:
            edition = editions.get(session, morning.edition)
            assert editions.change(session, edition, to, NINE, who="ops")
            if to is EditionState.CANCELLED:
                closing.cancel_open(session, morning.edition)
        threading.Event().wait(1.0)
        begun = server.count("MAIL")
        thread.join()
        assert server.count("MAIL") == begun
        rest = "queued" if to is EditionState.PAUSED else "cancelled"
        counts = morning.counts()
        assert counts == {"sent": server.accepted, "unknown": 3, rest: 400 - server.accepted}
        assert morning.state()[0] is to


@pytest.mark.parametrize("in_doubt", ["list", "resend"])
def test_who_prefers_a_double_to_a_gap_has_it_sent_once_more(database: Database, in_doubt: str) -> None:
    with SmtpServer() as server:
        morning = Morning(database, server, in_doubt=in_doubt)
        morning.freeze("drops1@x.example", readers=30)
        morning.deliver()
        assert morning.counts() == {"sent": 30, "unknown": 1}, "in doubt twice it waits for a person"
        assert server.tries["drops1@x.example"] == (1 if in_doubt == "list" else 2)
        assert morning.state()[0] is EditionState.SENT
