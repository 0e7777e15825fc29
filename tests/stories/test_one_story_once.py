"""One story once, as an editor lives with it: found in two feeds, asked about, split, merged, told once.

Two papers report the same events in their own words. The machine joins what is one story and says why;
what the editor decides outlives every later look at the feeds, and a repetition of what ran weighs less.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from newsletter.demo.catchall import free_port
from tests.feeds.server import Server
from tests.newsroom import NINE, Newsroom, at
from tests.smtpd import SmtpServer

BALLOT = (
    "Senate of Portovar impeaches President Ilva Dorn",
    "Senators in Portovar removed Ilva Dorn by 61 votes.",
)
OUSTED = (
    "Portovar's Senate ousts President Dorn",
    "Ilva Dorn is impeached; Portovar's senators voted 61 to 20.",
)
FERRY = ("The ferry to Gannet Rock sails again", "After nine months the Marigold left the quay at dawn.")
RAIN = ("Rain fills the reservoirs of Hallin", "The waterworks opened all gates on Monday.")
CHESS = ("A schoolgirl wins the county chess cup", "Nine boards, one kettle and no draw.")
BREWERY = ("School opens in a former brewery", "Two hundred pupils moved in.")
PAPERS = {"herald": (BALLOT, FERRY, RAIN), "courier": (OUSTED, CHESS, BREWERY)}
EIGHT, SOON_AFTER = at("08:00"), at("08:01")


def rss(paper: str, stories: tuple[tuple[str, str], ...], when: datetime) -> bytes:
    items = "".join(
        f"<item><title>{title}</title><link>https://{paper}.example/{when:%d}/{place}</link>"
        f"<description>{summary}</description><pubDate>{format_datetime(when)}</pubDate></item>"
        for place, (title, summary) in enumerate(stories)
    )
    return f'<rss version="2.0"><channel><title>{paper}</title>{items}</channel></rss>'.encode()


@pytest.fixture
def feeds() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def relay() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


@pytest.fixture
def room(tmp_path: Path, database_url: str, feeds: Server, relay: SmtpServer) -> Newsroom:
    parts = "".join(
        f'[[feeds]]\nname = "{paper}"\nurl = "{publish(feeds, paper, stories)}"\n'
        for paper, stories in PAPERS.items()
    )
    uses = '[[newsletters.feeds]]\nuse = "herald"\n[[newsletters.feeds]]\nuse = "courier"'
    return Newsroom(
        tmp_path, database_url, relay.port, newsletter=uses, web_port=free_port(),
        feeds=f'[gathering]\nallow_hosts = ["127.0.0.1"]\n{parts}',
    )  # fmt: skip


def publish(feeds: Server, paper: str, stories: tuple[tuple[str, str], ...], days: int = 0) -> str:
    return feeds.on(f"/{paper}", rss(paper, stories, at("06:00", days=days)))


def numbers(room: Newsroom, now: datetime) -> dict[str, str]:
    listed = room.run("articles", "list", "--json", now=now).json["articles"]
    return {article["title"]: str(article["id"]) for article in listed}


def draft(room: Newsroom, now: datetime, newsletter: str = "town") -> dict[str, Any]:
    return room.run("editions", "draft", newsletter, "--dry-run", "--json", now=now).json


def told(room: Newsroom, now: datetime) -> list[str]:
    return [entry["headline"] for entry in draft(room, now)["entries"]]


def test_an_editor_asks_splits_and_merges(room: Newsroom, feeds: Server) -> None:
    room.run("gather", now=EIGHT)
    ids = numbers(room, EIGHT)
    one, other = ids[BALLOT[0]], ids[OUSTED[0]]
    assert len(told(room, SOON_AFTER)) == 5, "six articles tell five stories"
    assert room.run("tick", now=SOON_AFTER).code == 0
    shown = room.run("articles", "show", one, "--json", now=SOON_AFTER).json
    assert [str(same["article"]) for same in shown["same_story"]] == [other]
    answers = {
        number: room.run("articles", "why", number, "--edition", "town/today", "--json", now=SOON_AFTER).json
        for number in (one, other)
    }
    assert sorted(answer["in"] for answer in answers.values()) == [False, True]
    (out,) = (answer["reason"] for answer in answers.values() if not answer["in"])
    assert out.startswith("tells the same story as article") and "split from it" in out

    assert room.run("articles", "split", one, "--why", "not the same vote", now=at("08:02")).code == 0
    publish(feeds, "courier", (*PAPERS["courier"], ("Bees", "")))
    assert room.run("gather", now=at("08:10")).code == 0
    assert {BALLOT[0], OUSTED[0]} <= set(told(room, at("08:11"))), "the next look changes nothing"

    assert room.run("articles", "merge", one, ids[FERRY[0]], now=at("08:12")).code == 0
    assert room.run("gather", now=at("08:20")).code == 0
    after = told(room, at("08:21"))
    assert len({BALLOT[0], FERRY[0]} & set(after)) == 1 and OUSTED[0] in after
    assert "Nothing was written." in room.run("editions", "draft", "town", "--dry-run", now=at("08:21")).out


def test_what_ran_is_told_again_only_when_it_goes_on(
    room: Newsroom, feeds: Server, relay: SmtpServer
) -> None:
    room.import_readers(2)
    room.run("gather", now=EIGHT)
    assert room.run("tick", now=NINE).code == 0
    sent = [entry["headline"] for entry in room.edition()["entries"]]
    assert (BALLOT[0] in sent) != (OUSTED[0] in sent)

    tomorrow = at("08:00", days=1)
    copied = ("Senate of Portovar impeaches President Ilva Dorn - Herald", BALLOT[1])
    goes_on = ("Gannet Rock ferry turns trippers away", "The Marigold was full within the hour.")
    publish(feeds, "herald", (copied, ("A quiet day at the quay", ""), ("Tea is dearer", "")), days=1)
    publish(feeds, "courier", (goes_on, ("Moss survives boiling", ""), ("Night bus is back", "")), days=1)
    room.run("gather", now=tomorrow)
    drafted = draft(room, at("08:01", days=1))
    assert not set(sent) & {entry["headline"] for entry in drafted["entries"]}, "nothing runs twice"
    reasons = {title: drafted["reasons"][number] for title, number in numbers(room, tomorrow).items()}
    assert "beware: article" in reasons[copied[0]] and "in the edition 2026-02-18" in reasons[copied[0]]
    assert reasons[goes_on[0]].startswith("in: ") and "beware" not in reasons[goes_on[0]]
    assert drafted["entries"][0]["headline"] != copied[0], "a repetition leads no edition"


def test_two_newsletters_choose_their_own_from_one_feed(room: Newsroom) -> None:
    """The same pool, another section and another weight."""
    second = """
[[newsletters]]
slug = "evening"
name = "Evening"
from_address = "evening@town.example"
postal_address = "1 Square, Town"
timezone = "America/New_York"
send_at = "18:00"
[newsletters.selection]
max_stories = 2
[[newsletters.feeds]]
use = "herald"
section = "Quay"
weight = 0.1
[[newsletters.feeds]]
use = "courier"
section = "Minds"
"""
    uses = (
        '[[newsletters.feeds]]\nuse = "herald"\nsection = "News"\nweight = 3\n'
        '[[newsletters.feeds]]\nuse = "courier"\nsection = "More"\nexclude = ["chess"]\n'
    )
    room.configure(newsletter=uses + second)
    room.run("gather", now=EIGHT)
    town, evening = draft(room, SOON_AFTER)["entries"], draft(room, SOON_AFTER, "evening")["entries"]
    assert {entry["section"] for entry in town} == {"News", "More"}
    assert CHESS[0] not in {entry["headline"] for entry in town}
    assert {entry["section"] for entry in evening} <= {"Quay", "Minds"} and len(evening) == 3
    assert CHESS[0] in {entry["headline"] for entry in evening}
    faces = [{entry["headline"] for entry in entries} & {BALLOT[0], OUSTED[0]} for entries in (town, evening)]
    assert faces == [{BALLOT[0]}, {OUSTED[0]}], "who shows the story is each newsletter's own choice"


def test_a_rehearsal_of_another_day_knows_that_day_only(room: Newsroom) -> None:
    room.run("gather", now=EIGHT)
    later = draft(room, at("07:00", days=2))
    assert later["edition"] == "town/2026-02-20" and later["entries"] == []
    assert "not enough articles" in later["skipped"]
    assert {reason.partition(",")[0] for reason in later["reasons"].values()} == {
        f"out: published {at('06:00').isoformat(' ')[:16]} UTC"
    }
    assert draft(room, SOON_AFTER)["edition"] == "town/2026-02-18"
