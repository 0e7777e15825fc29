"""Preflight: what it finds in an edition, how it names it, and what people may let stand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from newsletter.models import LinkVerdict
from newsletter.store import articles, looks
from newsletter.store.feeds import record_success, sync_feeds
from newsletter.values import Check, Look
from tests.newsroom import Done, Newsroom, at
from tests.services.hooks import Webhook, alerts, share_secret
from tests.smtpd import SmtpServer

TODAY = "town/2026-02-18"
PICTURE = "https://town.example/p.jpg"
OTHER = "https://town.example/harbour.jpg"


@pytest.fixture
def relay() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


@pytest.fixture
def room(tmp_path: Path, database_url: str, relay: SmtpServer) -> Newsroom:
    room = Newsroom(tmp_path, database_url, relay.port)
    room.import_readers(20)
    return room


only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def add(room: Newsroom, *rows: dict[str, Any], days: int = 0) -> None:
    now = at("04:00", days=days)
    text = "".join(
        json.dumps({"section": "Town", "published_at": now.isoformat(), **row}) + "\n" for row in rows
    )
    room._import("articles", "some.jsonl", text, now)


def check(room: Newsroom, edition: str = TODAY, *, now: Any = None, words: tuple[str, ...] = ()) -> Done:
    return room.run("editions", "check", edition, "--json", *words, now=now or at("06:00"))


def codes(done: Done) -> dict[str, list[int | None]]:
    """Each check that found something, and the entries that it is about."""
    found: dict[str, list[int | None]] = {}
    for finding in done.json["findings"]:
        assert finding["sentence"].endswith(".") and finding["mend"]
        found.setdefault(finding["code"], []).append(finding["article_id"])
    return found


def test_a_day_is_compared_with_the_week_before_it(room: Newsroom) -> None:
    """On both stores, for the figures come from their sums."""
    for day in range(3):
        room.import_stories(6, published=at("04:00", days=day), kind=f"day{day}")
        room.run("tick", now=at("05:00", days=day))
        room.run("tick", now=at("09:00", days=day))
    lead = room.edition("2026-02-20")["entries"][0]
    repeated = {"url": "https://town.example/new", "title": lead["headline"].upper() + "  "}
    add(
        room,
        repeated,
        *({"url": f"https://town.example/x{n}", "title": f"Other {n}"} for n in range(2)),
        days=3,
    )
    room.import_readers([f"new{n}@readers.example" for n in range(3)], now=at("04:10", days=3))
    room.run("tick", now=at("05:00", days=3))
    done = check(room, "town/2026-02-21", now=at("06:00", days=3))
    found = codes(done)
    (number,) = found["same-headline"]
    told = {finding["code"]: finding["sentence"] for finding in done.json["findings"]}
    assert (
        f"Article {number} has the headline that article {lead['article']} had in 2026-02-20."
        in told.values()
    )
    assert told["audience"] == "It is for 23 people, 15% more than the week's median of 20."
    assert told["fewer"] == "It has 3 stories; 6 are usual in a week."
    assert "audience" not in codes(check(room, "town/2026-02-20", now=at("06:00", days=3))), "it went out"


@only_sqlite
def test_a_picture_that_ran_and_one_without_words(room: Newsroom) -> None:
    wide = {"picture_url": PICTURE, "picture_width": 1200, "picture_height": 800}
    add(room, {"url": "https://town.example/1", "title": "One", **wide},
        *({"url": f"https://town.example/o{n}", "title": f"Other {n}"} for n in range(4)))  # fmt: skip
    room.run("tick", now=at("05:00"))
    found = codes(check(room))
    assert found == {"no-alt": [1]}
    room.run("tick", now=at("09:00"))
    others = [{"url": f"https://town.example/p{n}", "title": f"Another {n}"} for n in range(4)]
    add(
        room,
        {"url": "https://town.example/2", "title": "Two", "picture_alt": "a view", **wide},
        *others,
        days=1,
    )
    room.run("tick", now=at("05:00", days=1))
    assert codes(check(room, "town/2026-02-19", now=at("06:00", days=1))) == {"same-picture": [6]}


@only_sqlite
@pytest.mark.parametrize(("chosen", "seen"), [(OTHER, 7), ("none", None)])
def test_the_picture_that_readers_saw_is_the_one_that_ran(
    room: Newsroom, chosen: str, seen: int | None
) -> None:
    """An editor's own before that of the source, and nothing ran of a story that was to be without."""
    add(room, {"url": "https://town.example/1", "title": "One", "picture_url": PICTURE},
        *({"url": f"https://town.example/o{n}", "title": f"Other {n}"} for n in range(4)))  # fmt: skip
    room.run("tick", now=at("05:00"))
    done = room.run("editions", "reword", "town/2026-02-18", "1", "--picture", chosen, now=at("05:10"))
    assert done.code == 0, done.said
    room.run("tick", now=at("09:00"))
    again = ({"url": f"https://town.example/p{n}", "title": f"Another {n}", "picture_url": url}
             for n, url in enumerate((PICTURE, OTHER)))  # fmt: skip
    add(
        room, *again, *({"url": f"https://town.example/q{n}", "title": f"More {n}"} for n in range(3)), days=1
    )
    room.run("tick", now=at("05:00", days=1))
    done = check(room, "town/2026-02-19", now=at("06:00", days=1))
    assert codes(done).get("same-picture", []) == ([seen] if seen else [])


@only_sqlite
def test_a_feed_that_has_been_silent_for_two_hours(room: Newsroom) -> None:
    room.configure(
        feeds='[[feeds]]\nname = "quiet"\nurl = "https://post.example/feed"',
        newsletter='[[newsletters.feeds]]\nuse = "quiet"',
    )
    with room.opened() as runtime, runtime.database.writing() as session:
        sync_feeds(session, runtime.settings.feeds)
        (feed,) = articles.feeds(session)
        record_success(session, feed, at("05:00"), etag="", last_modified="")
    room.import_stories(5)
    # What is about the network is the gatherer's: the day is drafted without a look at the feed
    assert room.run("editions", "draft", "town", now=at("05:00")).code == 0
    assert "silent-feed" not in codes(check(room, now=at("06:59")))
    done = check(room, now=at("07:00"))
    (finding,) = (each for each in done.json["findings"] if each["code"] == "silent-feed")
    assert (finding["place"], finding["mend"]) == ("quiet", "newsletter gather")


@only_sqlite
def test_colours_that_are_too_faint_by_day_and_by_night(room: Newsroom) -> None:
    theme = room.folder / "themes" / "default"
    theme.mkdir(parents=True)
    shipped = Path(__file__).parents[2] / "templates" / "mail" / "default"
    day = (shipped / "inline.css").read_text()
    (theme / "inline.css").write_text(day + "\n.byline, .promise, .dateline { color: #b5b0a8 }\n")
    night = (shipped / "screen.css").read_text().replace("h1 a, h2, h3 a", "h2, h3 a")
    (theme / "screen.css").write_text(night)
    room.import_stories(5)
    room.run("tick", now=at("05:00"))
    assert codes(check(room)) == {"lead-picture": [1]}, "the shipped theme"
    room.config.write_text('themes = "themes"\n' + room.config.read_text())
    told = [each["sentence"] for each in check(room).json["findings"] if each["code"] == "contrast"]
    assert [sentence for sentence in told if " by day;" in sentence]
    assert [
        sentence for sentence in told if "“The day's story no. 0”" in sentence and "dark screens" in sentence
    ]


@only_sqlite
def test_a_theme_s_fault_is_named_with_its_place(room: Newsroom) -> None:
    theme = room.folder / "themes" / "default"
    theme.mkdir(parents=True)
    (theme / "digest.txt.j2").write_text("{{ edition.nme }}\n")
    room.import_stories(5)
    room.run("tick", now=at("05:00"))
    room.config.write_text('themes = "themes"\n' + room.config.read_text())
    done = check(room)
    (finding,) = (each for each in done.json["findings"] if each["severity"] == "blocker")
    assert (done.code, finding["code"]) == (3, "template")
    assert finding["place"].endswith("digest.txt.j2:1") and "nme" in finding["sentence"]


@only_sqlite
def test_no_lead_and_a_key_that_is_missing_block(room: Newsroom) -> None:
    room.run("tick", now=at("05:00"))
    room.configure(dkim='domain = "town.example"')
    done = check(room)
    assert done.code == 3
    assert {"no-lead", "too-few", "no-key"} <= codes(done).keys()


def test_every_check_is_explained() -> None:
    page = (Path(__file__).parents[2] / "docs" / "preflight.md").read_text(encoding="utf-8")
    assert [code for code in Check if f"`{code}`" not in page] == []


# ── waivers ─────────────────────────────────────────────────────────────────────────────────────


def test_a_warning_is_waived_with_a_reason_that_is_kept(room: Newsroom) -> None:
    room.import_stories(5)
    room.run("tick", now=at("05:00"))
    for article in ("2", "3"):
        room.run("editions", "reword", TODAY, article, "--headline", "word " * 30, now=at("05:30"))
    done = check(room, words=("--waive", "long-headline:2", "--why", "it reads well"))
    waivers = {each["article_id"]: each["waiver"] for each in done.json["findings"]}
    assert done.code == 0 and waivers[3] is None
    assert {**waivers[2], "at": ""} == {
        "code": "long-headline", "article_id": 2, "who": "ops", "at": "", "why": "it reads well",
        "version": done.json["version"],
    }  # fmt: skip
    assert check(room).json["findings"] == done.json["findings"], "it stays"
    history = [(line["act"], line["why"]) for line in room.edition(now=at("06:00"))["history"]]
    assert ("waived", "long-headline of article 2: it reads well") in history
    said = room.run("editions", "check", TODAY, now=at("06:00")).said
    assert f"waived by ops in version {done.json['version']}: it reads well" in said
    check(room, words=("--waive", "long-headline", "--why", "both do"))
    kept = {each["article_id"]: each["waiver"] for each in check(room).json["findings"]}
    assert (kept[2]["why"], kept[3]["why"]) == ("both do", "both do")
    room.run("editions", "approve", TODAY, now=at("06:10"))
    assert room.run("tick", now=at("09:00")).code == 0


NOT_WAIVED = [
    (("--waive", "long-subject"), 2, "It takes a reason"),
    (("--waive", "long-subject", "--why", "  "), 2, "It takes a reason"),
    (("--why", "because"), 2, "--why says why a warning is waived"),
    (("--waive", "nonsense", "--why", "x"), 2, "No check is called 'nonsense'; found here: lead-picture"),
    (("--waive", "large:one", "--why", "x"), 2, "'one' is no article's number"),
    (("--waive", "large", "--why", "x"), 3, "has no warning large"),
    (("--waive", "lead-picture:77", "--why", "x"), 3, "has no warning lead-picture of article 77"),
    (("--waive", "lead-picture", "--why", "x", "--version", "1"), 3, "you saw version 1"),
]


@only_sqlite
def test_what_cannot_be_waived(room: Newsroom) -> None:
    room.import_stories(5)
    room.run("tick", now=at("05:00"))
    for words, code, told in NOT_WAIVED:
        refused = check(room, words=words)
        assert (refused.code, refused.json["ok"]) == (code, False), words
        assert told in refused.json["error"] and refused.json["next_step"], refused.json
    assert all(each["waiver"] is None for each in check(room).json["findings"])


@only_sqlite
def test_a_blocker_cannot_be_waived(room: Newsroom) -> None:
    room.import_stories(2)
    room.run("tick", now=at("05:00"))
    refused = check(room, words=("--waive", "too-few", "--why", "a thin day"))
    assert (refused.code, "A blocker cannot be waived" in refused.json["error"]) == (3, True)


# ── what was seen of its links ──────────────────────────────────────────────────────────────────


def seen(room: Newsroom, address: str, status: int, *clocks: str) -> None:
    verdict = LinkVerdict.GONE if status in (404, 410) else LinkVerdict.OK
    trouble = "" if verdict is LinkVerdict.OK else f"The server answered {status}."
    for clock in clocks:
        with room.opened() as runtime, runtime.database.writing() as session:
            looks.record(
                session, [Look(address, at(clock), verdict, status, final_url=address, trouble=trouble)]
            )


def test_only_twice_is_believed_and_a_page_may_come_back(room: Newsroom) -> None:
    room.import_stories(5)
    room.run("tick", now=at("05:00"))
    address = "https://town.example/day/1"
    seen(room, address, 404, "05:10", "05:10:30")
    assert codes(check(room))["failing-link"] == [2], "two looks within a minute are one"
    seen(room, address, 404, "05:12")
    assert "failing-link" not in codes(check(room)), "it is out by now"
    room.run("tick", now=at("05:13"))
    gone = room.run("articles", "why", "2", "--edition", TODAY, now=at("05:14")).said
    assert "the server answered 404 twice until 10:12 UTC" in gone
    seen(room, address, 200, "05:15")
    room.run("tick", now=at("05:16"))
    assert 2 in [entry["article"] for entry in room.edition(now=at("05:16"))["entries"]]


@only_sqlite
def test_a_page_that_is_gone_from_a_closed_edition_is_told_of(
    tmp_path: Path, database_url: str, relay: SmtpServer
) -> None:
    with Webhook() as hook:
        folder = tmp_path / "room"
        room = Newsroom(folder, database_url, relay.port, feeds=alerts(webhook=hook.url))
        share_secret(folder)
        room.import_readers(2)
        room.import_stories(5)
        room.run("tick", now=at("05:00"))
        room.run("editions", "approve", TODAY, now=at("05:01"))
        seen(room, "https://town.example/day/1", 410, "06:00", "06:10")
        for clock in ("06:11", "06:12"):
            room.run("tick", now=at(clock))
        told = [event for event in hook.told if event["event"] == "dead_link"]
        assert [event["text"] for event in told] == [f"{TODAY} is closed, and the page of article 2 is gone."]
        assert told[0]["next_step"] == f"newsletter editions check {TODAY} --links"
        room.run("tick", now=at("09:00"))
        assert room.counts() == {"sent": 2}
