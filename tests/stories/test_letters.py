"""Letters: each once or listed whatever dies, ahead of the largest edition, and never two for one purpose."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from newsletter.clock import monotonic
from newsletter.demo.catchall import free_port
from newsletter.runtime import Runtime
from tests.letters import ask, carrying, letters
from tests.newsroom import Newsroom, at, until
from tests.smtpd import SmtpServer
from tests.stories.test_serve import serving

CONNECTIONS = 4


def reader(number: int) -> str:
    return f"new{number}@readers.example"


def standing(runtime: Runtime) -> dict[str, list[str]]:
    """State → the addresses whose letter is in it."""
    found: dict[str, list[str]] = {}
    for letter in letters(runtime):
        found.setdefault(letter.state, []).append(letter.address)
    return found


def test_killed_in_the_middle_each_is_sent_once_or_listed(
    tmp_path: Path, database_url: str, soak: bool
) -> None:
    count = 1_000 if soak else 60
    log = tmp_path / "accepted.jsonl"
    with SmtpServer(delay=(5, 50), log=log, remember=False) as server:
        room = Newsroom(tmp_path, database_url, server.port, web_port=free_port())
        addresses = [reader(number) for number in range(count)]
        with room.opened() as runtime:
            assert all(ask(runtime, addresses))
            with serving(room, "09:00") as serve:
                until(lambda: server.accepted > count // 3)
                serve.kill()
                serve.communicate()
            then = server.accepted
            assert then < count, "it had ended before it was killed"
            assert room.run("tick", now=at("09:01")).code in (0, 4)
            found = standing(runtime)
            assert ask(runtime, addresses) == [False] * count, "nothing is asked for twice"
        mailed = Counter(json.loads(line)["recipient"] for line in log.read_text().splitlines())
        doubted = set(found.get("unknown", []))
        assert max(mailed.values()) == 1, "somebody was mailed twice"
        assert set(addresses) - set(mailed) <= doubted, "lost without a word"
        assert len(doubted) <= CONNECTIONS
        assert set(found["sent"]) | doubted == set(addresses)
        listed = {row["address"] for row in room.run("unknown", "list", "--json").json["letters"]}
        assert listed == doubted
        assert then < len(mailed)


def test_a_confirmation_goes_within_a_second_while_an_edition_is_sent(
    tmp_path: Path, database_url: str
) -> None:
    with SmtpServer(delay=(200, 300)) as server:
        room = Newsroom(tmp_path, database_url, server.port, web_port=free_port(), connections=4)
        room.import_stories()
        room.import_readers(200)
        with serving(room, "09:00"), room.opened() as runtime:
            until(lambda: server.accepted > 10)
            for round_no in range(3):
                ask(runtime, [reader(round_no)], str(round_no))
                asked = monotonic()
                until(lambda: server.recipients()[reader(round_no)], 5)  # noqa: B023
                assert monotonic() - asked < 1
            assert room.counts()["queued"] > 50, "the edition is still in full swing"


def test_what_is_asked_for_in_its_own_process_goes_at_once(tmp_path: Path, database_url: str) -> None:
    """Not at the courier's next look but at the commit."""
    with SmtpServer() as server:
        room = Newsroom(tmp_path, database_url, server.port)
        with room.opened() as runtime, carrying(runtime):
            ask(runtime, ["first@readers.example"], "first")
            until(lambda: server.accepted == 1)
            waits = []
            for number in range(5):
                asked = monotonic()
                ask(runtime, [reader(number)], str(number))
                until(lambda: server.recipients()[reader(number)])  # noqa: B023
                waits.append(monotonic() - asked)
            assert sorted(waits)[2] < 0.25, waits
