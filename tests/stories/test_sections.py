"""Readers who chose sections: a fill leaves the others out; who wants none of today's is not written to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from email import message_from_bytes, policy
from itertools import combinations
from pathlib import Path

import pytest

from newsletter.mail.signing_keys import Algorithm
from newsletter.services import preferring, subscribing
from newsletter.services.preferring import Wishes
from newsletter.store.newsletters import newsletter_ids
from tests.mail.verifiers import dkimpy_says
from tests.newsroom import NINE, THE_DAY_BEFORE, Newsroom, at
from tests.signers import signers
from tests.smtpd import SmtpServer

SECTIONS = ("Sport", "Town", "World")


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


@pytest.fixture
def room(tmp_path: Path, database_url: str, server: SmtpServer) -> Newsroom:
    """Three stories in each of three sections; one of them leads."""
    room = Newsroom(tmp_path, database_url, server.port)
    rows = (
        {"url": f"https://town.example/{section}/{n}", "title": f"{section} story no. {n}",
         "section": section, "published_at": at("04:00").isoformat()}
        for section in SECTIONS for n in range(3)
    )  # fmt: skip
    (room.folder / "news.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert room.run("articles", "import", str(room.folder / "news.jsonl"), now=at("04:00")).code == 0
    return room


def import_choices(room: Newsroom, choices: dict[str, str], *words: str) -> None:
    lines = [f'{name}@readers.example,"{chosen}"' for name, chosen in choices.items()]
    (room.folder / "people.csv").write_text("\n".join(["address,sections", *lines, ""]))
    done = room.run(
        "subscribers", "import", str(room.folder / "people.csv"), "--newsletter", "town", *words,
        now=THE_DAY_BEFORE,
    )  # fmt: skip
    assert done.code == 0, done.said


def shown(mail: bytes) -> list[set[str]]:
    """The sections whose headings stand in the HTML and in the text part."""
    message = message_from_bytes(mail, policy=policy.default)
    html, text = (message.get_body([kind]) for kind in ("html", "plain"))
    assert html is not None and text is not None
    return [
        {name for name in SECTIONS if f">{name}</h2>" in html.get_content()},
        {name for name in SECTIONS if f"\n{name.upper()}\n---" in text.get_content().replace("\r\n", "\n")},
    ]


def test_each_gets_what_they_chose_and_every_mail_verifies(room: Newsroom, server: SmtpServer) -> None:
    _, records = signers(room.folder, "town.example", [Algorithm.ED25519])
    room.configure(dkim='keys = { ed25519 = "dkim-ed25519.pem" }')
    sets = [set(some) for size in range(4) for some in combinations(SECTIONS, size)]
    choices = {f"p{number}": "; ".join(sorted(some)) for number, some in enumerate(sets)}
    import_choices(room, choices | {"both": "Gardens;  Sport ;Sport", "gone": "Gardens | sport"})

    dry = room.run("send", "town", "--dry-run", "--json", now=at("08:00"))
    assert dry.json["people"] == len(sets) + 1, "everybody but who wants gardens"
    assert room.run("tick", now=at("08:15")).code == 0
    assert room.run("status", "--json", now=at("08:30")).json["newsletters"][0]["people"] == len(sets) + 1
    assert room.run("tick", now=NINE).code == 0

    got = {mail.recipient.partition("@")[0]: mail.content for mail in server.mails}
    assert got.keys() == {*choices, "both"}
    for number, some in enumerate(sets):
        assert shown(got[f"p{number}"]) == [some or set(SECTIONS)] * 2
        assert dkimpy_says(got[f"p{number}"], records) == [True], some
    assert shown(got["both"]) == [{"Sport"}] * 2
    assert len({mail.split(b"Subject: ")[1].split(b"\r\n")[0] for mail in got.values()}) == 1
    assert all(b"<h1" in mail for mail in got.values()), "the lead stays"

    assert room.run("send", "town", "--missing", "--dry-run", "--json", now=at("09:05")).json["people"] == 0
    told = room.run("subscribers", "show", "gone@readers.example", now=at("09:05"))
    assert "town/2026-02-18 not planned: it had nothing of Gardens, sport" in told.out
    assert "only Gardens, sport" in told.out
    assert "not planned" not in room.run("subscribers", "show", "p1@readers.example", now=at("09:05")).out


def test_a_choice_changed_after_the_freeze_counts_in_the_mail_and_in_the_next_plan(
    room: Newsroom, server: SmtpServer
) -> None:
    import_choices(room, {"p1": "Sport", "p2": ""})
    assert room.run("tick", now=at("08:59")).code == 0
    with room.opened(at("08:59:30")) as runtime:
        assert preferring.prefer(runtime, 1, "town", Wishes(sections=["World", " World "]), at("08:59:30"))
        assert not preferring.prefer(runtime, 1, "town", Wishes(sections=["World"]), at("08:59:40"))
        assert preferring.prefer(runtime, 2, "town", Wishes(sections=["Gardens"]), at("08:59:40"))
    assert room.run("tick", now=NINE).code == 0
    got = {mail.recipient.partition("@")[0]: mail.content for mail in server.mails}
    assert shown(got["p1"]) == [{"World"}] * 2
    assert shown(got["p2"]) == [set()] * 2, "planned before they chose: the lead alone"
    story = room.run("subscribers", "show", "1", now=at("09:05")).out
    assert "chose sections on town: World (by reader)" in story

    with room.opened(at("10:00")) as runtime:
        assert preferring.prefer(runtime, 2, "town", Wishes(sections=[]), at("10:00"))
    assert "only" not in room.run("subscribers", "show", "2", now=at("10:01")).out


def test_who_left_chooses_nothing_and_an_import_changes_no_choice(room: Newsroom) -> None:
    import_choices(room, {"p1": "Sport", "p2": "Sport"})
    import_choices(room, {"p1": "World"}, "--update")
    with room.opened() as runtime:
        with runtime.database.reading() as session:
            town = newsletter_ids(session)["town"]
        subscribing.leave(runtime, 2, town, NINE)
        assert not preferring.prefer(runtime, 2, "town", Wishes(sections=["World"]), NINE)
    room.run("subscribers", "export", "--all", "--state", "any", "-o", str(room.folder / "out.csv"))
    lines = (room.folder / "out.csv").read_text().splitlines()
    column = lines[0].split(",").index("sections")
    assert [line.split(",")[column] for line in lines[1:]] == ["Sport", "Sport"]


def test_a_preview_is_filled_with_a_readers_own_sections(room: Newsroom) -> None:
    words = ("subscribers", "add", "ana@readers.example", "--newsletter", "town")
    assert room.run(*words, "--section", "Sport", "--section", "Town", now=THE_DAY_BEFORE).code == 0
    assert room.run("tick", now=at("07:55")).code == 0
    for reader, sections in (("ana@readers.example", {"Sport", "Town"}), ("", set(SECTIONS))):
        as_reader = ("--as", reader) if reader else ()
        words = ("editions", "preview", "town/2026-02-18", "-o", str(room.folder / "shown"), *as_reader)
        assert room.run(*words, now=at("08:00")).code == 0
        assert shown((room.folder / "shown" / "town-2026-02-18.eml").read_bytes()) == [sections] * 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", ["x" * 65, "\u202eevil", "a\x00b"])
def test_what_can_be_no_section_is_refused(room: Newsroom, name: str) -> None:
    words = ("subscribers", "add", "ana@readers.example", "--newsletter", "town", "--section", name)
    done = room.run(*words)
    assert (done.code, "is no section" in done.said) == (2, True), done.said
