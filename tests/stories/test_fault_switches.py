"""smtp-sink breaks off or refuses at each step in turn: the ledger calls it what the rules call it.

Whoever's content cannot have been taken gets the mail a little later, once; whoever's may have been is in
doubt, and gets no second one; a refusal is about one mail or about us, by the step where it came.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.newsroom import NINE, Newsroom, at
from tests.servers.sink import Sink
from tests.smtpd import SmtpServer

READERS = 5
CASES = [
    # disconnects without a word
    ("-q MAIL", "deferred"),
    ("-q DATA", "deferred"),
    ("-q .", "unknown"),
    # says 421 and disconnects
    ("-Q MAIL", "deferred"),
    ("-Q DATA", "deferred"),
    ("-Q .", "deferred"),
    # says no for a while, and for good
    ("-r DATA", "deferred"),
    ("-r .", "deferred"),
    ("-f MAIL", "queued"),
    ("-f RCPT", "failed"),
    ("-f DATA", "failed"),
    ("-f .", "failed"),
]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("switches", "state"), CASES, ids=[switches for switches, _ in CASES])
def test_each_fault_at_each_step(tmp_path: Path, database_url: str, switches: str, state: str) -> None:
    with Sink(tmp_path / "sink", *switches.split()) as sink, SmtpServer() as server:
        room = Newsroom(tmp_path / "room", database_url, sink.ports["plain"])
        room.import_stories()
        room.import_readers(READERS)
        done = room.run("send", "town", "--no-wait", now=NINE)
        assert room.counts() == {state: READERS}, done
        assert room.edition()["state"] == {"queued": "paused", "deferred": "sending"}.get(state, "sent")
        room.configure(relay_port=server.port)
        if state == "queued":
            assert room.run("resume", "town/2026-02-18", now=at("09:06")).code == 0
        gets_it = state in ("deferred", "queued")
        assert room.run("tick", now=at("09:06")).code == (0 if gets_it else 4)
    assert room.counts() == {"sent" if gets_it else state: READERS}
    assert server.recipients() == (dict.fromkeys(room.readers, 1) if gets_it else {})


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_who_says_no_before_the_dot_has_not_taken_it(tmp_path: Path, database_url: str) -> None:
    """354, and 550 at once behind it: a refusal, or a connection that is of no use, and never a doubt."""
    with Sink(tmp_path / "sink", "-A", "0") as sink:
        room = Newsroom(tmp_path / "room", database_url, sink.ports["plain"])
        room.import_stories()
        room.import_readers(READERS)
        room.run("send", "town", "--no-wait", now=NINE)
    counts = room.counts()
    assert sum(counts.values()) == READERS and set(counts) <= {"deferred", "failed"}
