"""A run in which one reader after another is refused stops, whoever of several workers hears it, and nobody
is suppressed before a person has looked.
"""

from __future__ import annotations

import threading
from contextlib import suppress

from sqlmodel import select

from newsletter.delivery.retry import settle
from newsletter.errors import StoreFailed
from newsletter.models import BatchState, EditionState, Suppression
from newsletter.store import closing, editions, history, ledger
from newsletter.store.database import Database
from newsletter.values import BatchKey, Fate, Outcome, Phase
from tests.delivery.test_engine import Morning
from tests.people import NINE
from tests.smtpd import SmtpServer
from tests.store.test_ledger import commit, finish


def refuse(morning: Morning, key: BatchKey, outcome: Outcome) -> None:
    """What another worker does with a batch whose every reader is refused."""
    with morning.database.writing() as session:
        taken = ledger.take(session, key, NINE)
        assert taken is not None
        begun = commit(session, taken, (), begun=0, upto=taken.size)
        assert begun is not None
        settled = [settle(recipient, outcome, NINE, ()) for recipient in begun.recipients]
        commit(session, taken, settled, begun=taken.size, upto=taken.size)
        finish(session, taken, BatchState.DONE)


def suppressed(database: Database) -> int:
    with database.reading() as session:
        return len(session.exec(select(Suppression)).all())


def test_the_breaker_pauses_and_suppresses_nobody(database: Database) -> None:
    with SmtpServer() as server:
        morning = Morning(database, server)
        morning.freeze(*(f"permfail{number}@x.example" for number in range(80)))
        morning.deliver()
        state, why = morning.state()
        assert state is EditionState.PAUSED
        assert why.startswith("breaker: 21 of the first 21 answers") and "550 5.1.1" in why
        counts = morning.counts()
        assert counts["failed"] >= 21 and counts["failed"] + counts["queued"] == 80


def test_after_a_trip_that_was_accepted_the_breaker_counts_anew(database: Database) -> None:
    with SmtpServer() as server:
        morning = Morning(database, server)
        morning.freeze(*(f"permfail{number}@x.example" for number in range(30)), readers=30)
        morning.deliver()
        assert morning.state()[0] is EditionState.PAUSED
        with database.writing() as session:
            edition = editions.get(session, morning.edition)
            editions.change(session, edition, EditionState.SENDING, NINE, who="ops", act="resumed")
        morning.deliver()
        assert morning.state()[0] is EditionState.SENT
        assert morning.counts() == {"sent": 30, "failed": 30}


def test_a_trip_at_the_very_last_answer_pauses_before_another_worker_ends_the_run(database: Database) -> None:
    ended = threading.Event()

    def end_it() -> None:
        while not ended.is_set():
            with suppress(StoreFailed), database.writing() as session:
                closing.finish_if_done(session, morning.edition, NINE)

    with SmtpServer(delay=(5, 10)) as server:
        morning = Morning(database, server)
        morning.freeze(*(f"permfail{number}@x.example" for number in range(21)))
        other = threading.Thread(target=end_it)
        other.start()
        morning.deliver()
        ended.set()
        other.join()
        assert morning.counts() == {"failed": 21}
        assert morning.state()[0] is EditionState.PAUSED
        assert suppressed(database) == 0


def test_workers_that_hear_it_together_stop_together(database: Database) -> None:
    """Each heard too few refusals to stop by itself."""
    gone = Outcome(Fate.DEAD, Phase.RCPT, code=550, enhanced="5.1.1", text="no such mailbox", relay="main")
    with SmtpServer() as server:
        morning = Morning(database, server, batch=11)
        morning.freeze(readers=22)
        refuse(morning, BatchKey(morning.edition, 0), gone)
        refuse(morning, BatchKey(morning.edition, 1), gone)
        morning.deliver()
        told = "breaker: 22 of the first 22 answers were refusals; the last: 550 5.1.1 no such mailbox"
        assert morning.state() == (EditionState.PAUSED, told)
        assert suppressed(database) == 0


def test_what_we_refuse_ourselves_says_nothing_about_us(database: Database) -> None:
    odd = Outcome(Fate.REFUSED, Phase.RCPT, text="is no address to send to", relay="main")
    with SmtpServer() as server:
        morning = Morning(database, server)
        morning.freeze(readers=22)
        refuse(morning, BatchKey(morning.edition, 0), odd)
        morning.deliver()
        assert morning.counts() == {"failed": 22}
        assert morning.state()[0] is EditionState.SENT


def test_the_history_says_how_many_were_found_dead(database: Database) -> None:
    with SmtpServer() as server:
        morning = Morning(database, server)
        morning.freeze(*(f"permfail{number}@x.example" for number in range(3)), readers=2)
        morning.deliver()
        with database.reading() as session:
            told = history.story_of(session, "edition", morning.edition)[-1]
        assert (told.act, told.why) == ("sent", "3 addresses suppressed as dead")
        assert suppressed(database) == 3
