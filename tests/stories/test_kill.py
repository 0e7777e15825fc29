"""kill -9 in the middle of a send: nobody lost, nobody doubled, and who is in doubt is listed by name.

The server writes each mail through to the disk before its 250 is even on the way back, and takes
its time over that, so that a kill finds mails in every stage. Its log is the truth.
"""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from newsletter.clock import monotonic
from tests.newsroom import NINE, Newsroom, at
from tests.smtpd import SmtpServer

READERS = 2_000
CONNECTIONS = 20
AT_ONCE = 4
AFTER = at("09:01")
POLL = threading.Event()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    rounds = 10 if metafunc.config.getoption("--soak") else 2
    metafunc.parametrize("round_no", range(rounds))


def test_killed_between_a_tenth_and_nine_tenths(database_url: str, tmp_path: Path, round_no: int) -> None:
    chance = random.Random(f"{round_no} {database_url.partition(':')[0]}")
    with SmtpServer(delay=(5, 50), log=tmp_path / "accepted.jsonl", remember=False, seed=round_no) as server:
        room = Newsroom(tmp_path, database_url, server.port, connections=CONNECTIONS)
        room.import_stories()
        room.import_readers(READERS)
        kill_at(room, server, round(READERS * chance.uniform(0.1, 0.9)))
        accepted_then = server.accepted
        room.call("tick", now=AFTER)
        check(room, tmp_path / "accepted.jsonl", accepted_then)


def kill_at(room: Newsroom, server: SmtpServer, accepted: int) -> None:
    """Start the send, and SIGKILL it once the server has taken so many."""
    sender = room.start("tick", "--quiet", now=NINE)
    patience = monotonic() + 60
    while server.accepted < accepted and sender.poll() is None and monotonic() < patience:
        POLL.wait(0.002)
    assert sender.poll() is None, "it ended before it could be killed"
    sender.kill()
    sender.communicate()


def check(room: Newsroom, log: Path, accepted_then: int) -> None:
    mailed = Counter(json.loads(line)["recipient"] for line in log.read_text().splitlines())
    shown = room.edition(now=AFTER)
    in_doubt = {row["address"] for row in shown["unknown"]}
    sums: dict[str, Any] = shown["sums"]
    assert max(mailed.values()) == 1, "somebody was mailed twice"
    unmailed = {address for address in room.readers if address not in mailed}
    assert unmailed <= in_doubt, f"lost without a word: {sorted(unmailed - in_doubt)[:5]}"
    window = 100 if room.is_sqlite else 50
    assert len(in_doubt) == sums["unknown"] <= window * AT_ONCE
    assert sums["sent"] + sums["unknown"] == len(room.readers)
    assert sums["sent"] == sum(mailed[address] for address in set(room.readers) - in_doubt)
    status = room.run("status", "--json", now=AFTER)
    assert (status.code, status.json["needs_a_person"]) == (4 if in_doubt else 0, bool(in_doubt))
    assert accepted_then < len(mailed)
