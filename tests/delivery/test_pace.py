"""Pace over a real SMTP server and both stores: limits are kept, and nobody waits for somebody else's."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from datetime import timedelta

from sqlmodel import Session, select

from newsletter.clock import Clock, monotonic
from newsletter.config import Lane, Relay
from newsletter.delivery.embedded import EmbeddedDispatcher
from newsletter.delivery.pace import BURST, Pace
from newsletter.delivery.post import Post
from newsletter.models import Batch, EditionState
from newsletter.store import editions
from newsletter.store.database import Database
from newsletter.values import Fate, Outcome, Phase, Recipient
from tests.delivery.test_engine import Morning
from tests.newsroom import until
from tests.people import NINE
from tests.smtpd import Mood, SmtpServer

MAIN = Relay(name="main", host="127.0.0.1", port=25, tls="none")
LATER = Outcome(Fate.BUSY, Phase.RCPT, 451, "4.7.1", "try again later")
FULL = Outcome(Fate.BUSY, Phase.RCPT, 452, "4.2.2", "mailbox full")
GONE = Outcome(Fate.LOST, Phase.RCPT, 421, "4.7.0", "too busy")


def lane_order(server: SmtpServer) -> list[str]:
    return [mail.recipient.partition("@")[2].partition(".")[0] for mail in server.mails]


# ── limits ──────────────────────────────────────────────────────────────────────────────────────


def test_a_lane_keeps_to_its_rate_and_the_others_do_not_wait_for_it(database: Database) -> None:
    """Two batches may be in hand at once, and there are two slow lanes; still the others go on."""
    with SmtpServer() as server:
        morning = Morning(database, server, batch=5)
        morning.lanes = (Lane(name="gmail", rate=1), Lane(name="yahoo", rate=1))
        morning.freeze(gmail=30, rest=60, yahoo=30)
        began = monotonic()
        thread = threading.Thread(target=morning.deliver)
        thread.start()
        until(lambda: lane_order(server).count("rest") == 60)
        morning.stop.set()
        thread.join()
        gone = Counter(lane_order(server))
        assert 1 <= gone["gmail"] <= 2 + (monotonic() - began), "what may gather, and one a second"
        assert morning.counts() == {"sent": gone.total(), "queued": 120 - gone.total()}


def test_a_relay_keeps_to_its_rate(database: Database) -> None:
    with SmtpServer() as server:
        morning = Morning(database, server, batch=10)
        morning.rate = 40
        morning.freeze(gmail=15, rest=15)
        began = monotonic()
        morning.deliver()
        assert monotonic() - began > (30 - 1 - 0.4 * 40) / 40
        assert morning.counts() == {"sent": 30}


def test_three_workers_share_one_rate(database: Database) -> None:
    """On PostgreSQL; on SQLite there is one worker, whose batches share it."""
    count = 1 if database.is_sqlite else 3
    workers = [Pace(database, [MAIN], [Lane(name="gmail", rate=200)]) for _ in range(count)]

    async def work(pace: Pace, end: float) -> int:
        given = 0
        while monotonic() < end:
            given += await pace.take("gmail", "main", 50)
            await asyncio.sleep(min(0.1, pace.pause("gmail", "main")))
        return given

    async def all_at_once() -> list[int]:
        return await asyncio.gather(*(work(pace, began + 1.0) for pace in workers))

    began = monotonic()
    given = asyncio.run(all_at_once())
    passed = monotonic() - began
    assert sum(given) <= 200 * (passed + 0.4) + 1
    assert sum(given) > 200 * 0.5
    assert asyncio.run(workers[0].take("yahoo", "main", 50)) == 50, "nothing holds back the others"


def test_a_lanes_mail_goes_over_so_many_connections_and_each_carries_so_much_of_it(
    database: Database,
) -> None:
    with SmtpServer(delay=(5, 10)) as server:
        morning = Morning(database, server)
        morning.lanes = (Lane(name="gmail", connections=2, messages_per_connection=8),)
        morning.freeze(gmail=60)
        morning.deliver()
        assert morning.counts() == {"sent": 60}
        carried = [sum(line.startswith("RCPT") for line in lines) for lines in server.commands]
        assert max(carried) <= 8


def test_a_connection_that_has_a_lanes_mail_in_hand_may_have_the_next_and_others_may_not() -> None:
    class Batch:
        edition_id, lane = 1, "gmail"

    batch, gmail = Batch(), Recipient(1, "a@gmail.com", "", 1, 0)
    post = Post([Lane(name="gmail", connections=1)])
    post.enter(batch)  # type: ignore[arg-type]
    post.put(batch, (gmail,) * 3)  # type: ignore[arg-type]
    one: Counter[str] = Counter()
    other: Counter[str] = Counter()
    assert post.next(one) and post.next(one)
    assert post.next(other) is None and not post.has_mail
    post.give_up(one, "gmail")
    assert post.next(other) is None, "its second mail is not answered yet"
    post.give_up(one, "gmail")
    assert post.has_mail and post.next(other) is not None


# ── back-off ────────────────────────────────────────────────────────────────────────────────────


def test_a_burst_of_later_slows_the_lane_down_for_all_workers(database: Database) -> None:
    one, other = (Pace(database, [MAIN], []) for _ in range(2))

    def allowed(pace: Pace) -> int:
        pace.look()
        return asyncio.run(pace.take("gmail", "main", 10_000))

    for _ in range(BURST - 1):
        one.tell("gmail", LATER)
        one.tell("yahoo", FULL)
    assert allowed(one) == 10_000
    for _ in range(BURST):
        one.tell("gmail", GONE)
        one.tell("yahoo", FULL)
    assert allowed(one) < 100
    assert asyncio.run(one.take("yahoo", "main", 10_000)) == 10_000, "full mailboxes say nothing about pace"
    assert (allowed(other) < 100) is not database.is_sqlite


def test_a_burst_delays_but_never_pauses_and_costs_nobody_the_mail(database: Database) -> None:
    with SmtpServer() as server:
        morning = Morning(database, server, retry_after=[0])
        morning.freeze(*(f"tempfail{number}@x.example" for number in range(40)), readers=20)
        morning.deliver()
        until(lambda: morning.deliver() or morning.counts() == {"sent": 60}, seconds=30)
        assert morning.state()[0] is EditionState.SENT
        assert set(server.recipients().values()) == {1}


# ── orders ──────────────────────────────────────────────────────────────────────────────────────


def test_a_throttled_worker_does_not_sleep_through_a_pause(database: Database) -> None:
    with SmtpServer() as server:
        morning = Morning(database, server)
        morning.rate = 0.5
        morning.freeze(readers=50)
        thread = threading.Thread(target=morning.deliver)
        thread.start()
        until(lambda: server.accepted > 0)
        with database.writing() as session:
            editions.get(session, morning.edition).state = EditionState.PAUSED
        paused = monotonic()
        thread.join()
        assert monotonic() - paused < 3
        assert morning.counts() == {"sent": server.accepted, "queued": 50 - server.accepted}


def test_a_slow_relay_that_hangs_holds_up_nobody_and_obeys_a_pause(database: Database) -> None:
    """Ten a second over each connection, and one of three never answers its first mail."""
    widest = 0

    def look(session: Session) -> None:
        nonlocal widest
        for batch in session.exec(select(Batch)).all():
            settled = (
                batch.sent + batch.deferred + batch.failed + batch.unknown + batch.cancelled + batch.moved
            )
            widest = max(widest, batch.begun - settled)

    with SmtpServer(Mood(delay=(100, 100))) as server:
        morning = Morning(database, server, window=10)
        morning.connections = 3
        morning.freeze("hangs1@x.example", readers=200)
        watcher = morning.watch(look)
        thread = threading.Thread(target=morning.deliver)
        thread.start()
        until(lambda: server.accepted >= 15)
        in_time = "unknown" not in morning.counts()
        with database.writing() as session:
            editions.get(session, morning.edition).state = EditionState.PAUSED
        threading.Event().wait(1.0)
        begun = server.count("MAIL")
        thread.join()
        morning.stop.set()
        watcher.join()
        assert in_time, "the others waited for the one that hangs"
        assert server.count("MAIL") == begun < 60
        counts = morning.counts()
        assert counts == {"sent": server.accepted, "unknown": 1, "queued": 200 - server.accepted}
        assert 1 < widest <= 10


# ── at nine, not about nine ─────────────────────────────────────────────────────────────────────


def test_connections_are_open_before_the_minute_and_the_first_mail_leaves_within_a_second(
    database: Database,
) -> None:
    with SmtpServer() as server:
        morning = Morning(database, server)
        morning.until_idle = False
        morning.freeze(readers=100)
        morning.clock = Clock(NINE - timedelta(seconds=1.5))
        morning.dispatcher = EmbeddedDispatcher(database, morning.clock, batches_at_once=2)
        thread = threading.Thread(target=morning.deliver)
        thread.start()
        until(lambda: server.count("EHLO") >= 4)
        assert morning.clock.now() < NINE and server.count("MAIL") == 0, "warm, and nothing begun"
        until(lambda: server.count("MAIL") > 0)
        assert timedelta(0) <= morning.clock.now() - NINE < timedelta(seconds=1)
        until(lambda: morning.state()[0] is EditionState.SENT)
        morning.stop.set()
        thread.join()
        assert morning.counts() == {"sent": 100}
