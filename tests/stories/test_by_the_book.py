"""The pages of `docs/operations.md` for bad days: each is tried, command by command, on such a day."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from newsletter.demo.catchall import free_port
from tests.newsroom import NINE, Done, Newsroom, at, until
from tests.smtpd import Mood, SmtpServer
from tests.stories.test_bad_days import limit_files

BOOK = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
MEANT = {"EDITION": "town/2026-02-18", "NEWSLETTER": "town", "SLUG": "2026-02-18", "RELAY": "main"}


def page(title: str) -> Iterator[list[str]]:
    """The page's commands as a person would type them."""
    text = BOOK.partition(f"\n### {title}\n")[2]
    text = re.split(r"^##", text, maxsplit=1, flags=re.MULTILINE)[0]
    for block in re.findall(r"^```\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            words = re.split(r" {2,}", line)[0].split()
            assert words[0] == "newsletter"
            yield [MEANT.get(word, word) for word in words[1:]]


def follow(room: Newsroom, title: str, clock: str, **meant: str) -> dict[str, Done]:
    """Do what the page says, in its order."""
    return {
        " ".join(words): room.run(*[meant.get(word, word) for word in words], now=at(clock))
        for words in page(title)
    }


@pytest.fixture
def room(tmp_path: Path, sqlite_template: Path) -> Newsroom:
    (tmp_path / "newsletter.db").write_bytes(sqlite_template.read_bytes())
    room = Newsroom(tmp_path, f"sqlite:///{tmp_path}/newsletter.db", free_port(), web_port=free_port())
    room.import_stories()
    return room


def test_the_wrong_edition_is_going_out(room: Newsroom) -> None:
    room.import_readers(90)
    with SmtpServer(Mood(delay=(150, 200))) as server:
        room.configure(relay_port=server.port)
        tick = room.start("tick", now=NINE)
        until(lambda: server.accepted > 10)
        told = follow(room, "The wrong edition is going out", "09:01")
        tick.communicate()
    assert [done.code for done in told.values()] == [0, 4, 0, 0], told
    counts = room.counts()
    assert counts == {"sent": server.accepted, "cancelled": 90 - server.accepted}
    assert room.edition()["state"] == "cancelled"


def test_the_relay_is_down(room: Newsroom) -> None:
    room.import_readers(5)
    assert room.run("tick", now=NINE).code == 5
    assert room.run("tick", now=at("13:01")).code == 4
    assert room.counts() == {"expired": 5}
    told = follow(room, "The relay is down", "13:05")
    assert [done.code for done in told.values()] == [0, 5, 0, 0, 0, 5], told
    with SmtpServer() as server:
        room.configure(relay_port=server.port)
        assert room.run("tick", now=at("13:10")).code == 0
        again = follow(room, "The relay is down", "13:15")
        assert [done.code for done in again.values()] == [0, 0, 0, 0, 0, 0], again
        assert server.recipients() == dict.fromkeys(room.readers, 1)


def test_killed_in_the_middle_and_in_doubt(room: Newsroom) -> None:
    room.import_readers(100)
    with SmtpServer(Mood(delay=(30, 60))) as server:
        room.configure(relay_port=server.port)
        tick = room.start("tick", now=NINE)
        until(lambda: server.accepted > 30)
        tick.kill()
        tick.communicate()
        server.mood.delay = (0, 0)
        told = follow(room, "Killed in the middle", "09:02")
        assert [done.code for done in told.values()] == [4, 4], told
        doubted = [row["address"] for row in room.run("unknown", "list", "--json").json["unknown"]]
        assert 2 < len(doubted) == room.counts()["unknown"] <= 100
        first = room.run("unknown", "count-sent", "town/2026-02-18", doubted[0], now=at("09:03"))
        assert "Counted as sent in town/2026-02-18: 1." in first.said
        told = follow(room, "In doubt", "09:04", ADDRESS=doubted[1])
    codes = [done.code for done in told.values()]
    # The first answer settles the reader whom the second one names, and the page says either
    assert codes == [0, 0, 2, 0, 0], told
    assert room.counts() == {"sent": 100}
    assert set(room.readers) - set(server.recipients()) <= set(doubted)


def test_the_disk_is_full(room: Newsroom) -> None:
    room.import_readers(40)
    assert room.run("tick", now=at("08:58:30")).code == 0
    with SmtpServer() as server:
        room.configure(relay_port=server.port)
        full = room.call("tick", "--json", now=NINE, preexec_fn=partial(limit_files, 4096))
        assert (full.code, server.mails) == (5, [])
        told = follow(room, "The disk is full", "09:03")
        assert [done.code for done in told.values()] == [4, 0], told
        assert "nobody delivers it" in told["status"].said
        assert server.recipients() == dict.fromkeys(room.readers, 1)


def test_a_list_was_imported_twice_or_was_the_wrong_one(room: Newsroom, tmp_path: Path) -> None:
    room.import_readers(5)
    assert room.run("tick", now=at("08:00")).code == 0
    wrong = "stranger@elsewhere.example"
    room.import_readers([wrong], now=at("08:10"))
    told = follow(
        room, "A list was imported twice", "08:20", ADDRESS=wrong, FILE=str(tmp_path / "readers.csv")
    )
    # Without a terminal to answer on, forgetting wants its yes in the command
    assert [done.code for done in told.values()] == [0, 0, 0, 0, 2, 0], told
    rehearsed, listed, held, shown, forget, _ = told.values()
    assert "1 known" in rehearsed.said and wrong in listed.said, rehearsed.said
    assert "readers.csv" in shown.said and held.said
    assert f"newsletter subscribers forget {len(room.readers)} --yes" in forget.said
    assert room.run("subscribers", "forget", wrong, "--yes", now=at("08:30")).code == 0
    with SmtpServer() as server:
        room.configure(relay_port=server.port)
        assert room.run("tick", now=NINE).code == 0
        assert server.recipients() == dict.fromkeys(room.readers[:-1], 1)
