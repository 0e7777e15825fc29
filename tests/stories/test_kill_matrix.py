"""SIGKILL at each step of a delivery, on either store and with either engine: whoever comes next finishes.

The server writes each mail through to the disk before its 250 is on the way back; its log is the truth.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from newsletter.delivery import shares
from newsletter.store import hints
from newsletter.store.database import Database
from tests.newsroom import NINE, Newsroom, at, until
from tests.smtpd import SmtpServer
from tests.stories.dying import BRIEF, POINTS, begin, limits_of

READERS = 90
WINDOW = 10
AT_ONCE = 2
SENDING = f'engine = "{{engine}}"\nbatch = 30\nwindow = {WINDOW}\nbatches_at_once = {AT_ONCE}'
NOTHING_BEGUN = ("after the freeze", "after the token")
SURELY_IN_DOUBT = ("after the watermark", "before a settle", "in mid-window")
AFTER = at("09:01")


def frozen_soon(tmp_path: Path, database_url: str, server: SmtpServer, engine: str) -> Newsroom:
    """A newsroom whose edition is due at nine, with either engine."""
    room = Newsroom(tmp_path, database_url, server.port, sending=SENDING.format(engine=engine))
    if engine == "procrastinate":
        database = Database(database_url)
        hints.set_up(database)
        database.close()
    room.import_stories()
    room.import_readers(READERS)
    return room


def check(room: Newsroom, log: Path, *, most_in_doubt: int) -> int:
    """Nobody lost, nobody doubled, and the ledger agrees with the log; returns how many are in doubt."""
    mailed = Counter(json.loads(line)["recipient"] for line in log.read_text().splitlines())
    story = room.edition(now=AFTER)
    in_doubt = {row["address"] for row in story["unknown"]}
    sums = story["sums"]
    assert set(mailed.values()) == {1}, "somebody was mailed twice"
    assert set(room.readers) - set(mailed) <= in_doubt, "somebody was lost without a word"
    assert len(in_doubt) == sums["unknown"] <= most_in_doubt
    assert sums["sent"] + sums["unknown"] == len(room.readers)
    assert sums["sent"] == sum(mailed[reader] for reader in set(room.readers) - in_doubt)
    assert story["state"] == "sent"
    return len(in_doubt)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Procrastinate's successors wait for silence, so the plain run has two of its cases."""
    cases = [(store, "embedded", point) for store in ("sqlite", "postgresql") for point in POINTS]
    among_machines = (
        POINTS if metafunc.config.getoption("--soak") else ("after the watermark", "in mid-window")
    )
    cases += [("postgresql", "procrastinate", point) for point in among_machines]
    metafunc.parametrize(("store", "engine", "point"), cases)


def test_killed(
    tmp_path: Path, request: pytest.FixtureRequest, store: str, engine: str, point: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setitem(limits_of(), "limits", BRIEF)
    monkeypatch.setattr(shares, "LAPSE", BRIEF.silence)
    log = tmp_path / "accepted.jsonl"
    with SmtpServer(delay=(2, 10), log=log, remember=False) as server:
        room = frozen_soon(tmp_path, request.getfixturevalue(f"{store}_url"), server, engine)
        dying = begin("" if point == "in mid-window" else point, room.words("tick", "--quiet", now=NINE))
        if point == "in mid-window":
            until(lambda: server.accepted >= READERS // 3)
            dying.kill()
        dying.join()
        assert dying.exitcode == -9
        until(lambda: is_sent_by_a_tick(room))
    in_doubt = check(room, log, most_in_doubt=0 if point in NOTHING_BEGUN else WINDOW * AT_ONCE)
    assert in_doubt or point not in SURELY_IN_DOUBT, "nobody can know what became of what had begun"


def is_sent_by_a_tick(room: Newsroom) -> bool:
    """A tick leaves the work to a worker that was alive a moment ago, so it takes more than one."""
    room.run("tick", now=AFTER)
    return bool(room.edition(now=AFTER)["state"] == "sent")
