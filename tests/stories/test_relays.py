"""Relays that fail at the wrong moment: nobody is lost, nobody is mailed twice, and nothing is tried in vain.

`main` comes first and `second` stands by. Each listens on a port of its own, or is not there at all.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlmodel import select

from newsletter.clock import monotonic
from newsletter.demo.catchall import free_port
from newsletter.models import Delivery, History, RelayRecord
from tests.newsroom import NINE, Newsroom, at, ended, reader, until
from tests.smtpd import Mood, SmtpServer

READERS = 40
QUICK = "fail_over = 1\nfail_back = 1"
SECOND = (
    '[[relays]]\nname = "second"\nhost = "127.0.0.1"\nport = {}\ntls = "none"\npriority = 2\nconnections = 4'
)
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
EVIL = b"\x1b]0;owned\x07 \xe2\x80\xaegnp"


@pytest.fixture
def ports() -> tuple[int, int]:
    return free_port(), free_port()


@pytest.fixture
def room(tmp_path: Path, database_url: str, ports: tuple[int, int]) -> Newsroom:
    main, second = ports
    room = Newsroom(
        tmp_path, database_url, main, relays=SECOND.format(second), sending=QUICK, web_port=free_port()
    )
    room.import_stories()
    room.import_readers(READERS)
    return room


def carried(room: Newsroom) -> Counter[str]:
    """How many deliveries each relay took."""
    with room.opened() as runtime, runtime.database.reading() as session:
        return Counter(session.exec(select(Delivery.relay).where(Delivery.state == "sent")).all())


def attempts(room: Newsroom) -> set[int]:
    with room.opened() as runtime, runtime.database.reading() as session:
        return set(session.exec(select(Delivery.attempt)).all())


def acts(room: Newsroom, what: str = "relay") -> list[str]:
    with room.opened() as runtime, runtime.database.reading() as session:
        return list(session.exec(select(History.act).where(History.what == what).order_by(History.id)).all())


def relays(room: Newsroom) -> dict[str, bool | None]:
    return {line["name"]: line["is_up"] for line in room.run("relays", "list", "--json").json["relays"]}


@contextmanager
def serving(room: Newsroom, clock: str) -> Iterator[None]:
    process = room.start("serve", now=at(clock))
    try:
        yield
        process.terminate()
        stopped = ended(process)
        assert (stopped.code, "Traceback" in stopped.err) == (0, False), stopped
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


# ── down at nine ────────────────────────────────────────────────────────────────────────────────


def test_down_from_two_minutes_before_nine_until_ten_past(room: Newsroom, ports: tuple[int, int]) -> None:
    room.configure(relays="")
    room.run("tick", now=at("08:58:30"))
    for moment in ("09:00", "09:05"):
        assert room.run("tick", now=at(moment)).code == 5
        assert (room.counts(), attempts(room)) == ({"queued": READERS}, {1})
    assert acts(room) == ["relay down"], "told once, however often it was tried"
    down = room.run("status", now=at("09:05"))
    assert (down.code, "no relay can be used: The relay main" in down.said) == (4, True), down
    with SmtpServer(port=ports[0]) as main:
        assert room.run("tick", now=at("09:10")).code == 0
        assert main.recipients() == dict.fromkeys(room.readers, 1)
    assert attempts(room) == {1}, "no attempt was counted while nobody could be asked"
    assert acts(room) == ["relay down", "relay up"]
    assert room.run("status", now=at("09:11")).code == 0


@ON_SQLITE
def test_a_running_serve_finds_it_before_nine_and_goes_on_by_itself(
    room: Newsroom, ports: tuple[int, int]
) -> None:
    room.configure(relays="", sending="lead = 10\nfail_over = 1", newsletter="cutoff = 11")
    with serving(room, "08:59:48"):
        until(lambda: acts(room) == ["relay down"])
        with room.opened() as runtime, runtime.database.reading() as session:
            assert session.exec(select(RelayRecord.since)).one() < NINE, (
                "found while there is time to mend it"
            )
        until(lambda: room.edition()["state"] == "sending")
        with SmtpServer(port=ports[0]) as main:
            until(lambda: room.counts() == {"sent": READERS})
            assert main.recipients() == dict.fromkeys(room.readers, 1)
    assert attempts(room) == {1}


@ON_SQLITE
def test_a_probe_is_no_message(room: Newsroom, ports: tuple[int, int]) -> None:
    room.configure(relays="")
    with SmtpServer(port=ports[0]) as main:
        assert room.run("relays", "probe", now=at("08:00")).code == 0
        assert main.commands == [[main.commands[0][0], "QUIT"]] and main.commands[0][0].startswith("EHLO")
        assert room.run("status", "--probe", now=at("08:01")).code == 0
    gone = room.run("relays", "probe", "main", "--json", now=at("08:02"))
    assert (gone.code, gone.json["all_well"]) == (5, False)
    assert room.run("status", "--probe", now=at("08:03")).code == 4
    assert acts(room) == ["relay down"]


# ── one beside it ───────────────────────────────────────────────────────────────────────────────


def test_down_for_good_with_another_beside_it(room: Newsroom, ports: tuple[int, int]) -> None:
    with SmtpServer(port=ports[1]) as second:
        assert room.run("tick", now=NINE).code == 0
        assert second.recipients() == dict.fromkeys(room.readers, 1)
        assert (carried(room), attempts(room)) == ({"second": READERS}, {1})
        assert relays(room) == {"main": False, "second": True}
        seen = room.run("status", now=at("09:01"))
        assert seen.code == 0 and re.search(r"main \(127.0.0.1:\d+\), down since 18 Feb", seen.said), seen
        room.import_stories(kind="next", published=at("05:00", days=1))
        room.run("relays", "use", "main", now=at("09:01"))
        told = room.run("status", "--json", now=at("09:02"))
        assert [p["next_step"] for p in told.json["problems"]] == ["newsletter relays use auto"]
        room.run("relays", "use", "auto", now=at("09:02"))
        began = monotonic()
        room.run("send", "town", "--no-wait", now=at("09:02", days=1))
        assert carried(room) == {"second": 2 * READERS}
        assert monotonic() - began > 0.9, "yesterday's word is no reason to pass a relay over today"


@ON_SQLITE
def test_one_that_dies_in_the_middle(room: Newsroom, ports: tuple[int, int]) -> None:
    room.import_readers(map(reader, range(READERS, 300)))
    main = SmtpServer(Mood(delay=(10, 20)), port=ports[0])
    with SmtpServer(port=ports[1]) as second:
        with main:
            process = room.start("tick", now=NINE)
            until(lambda: main.accepted >= 60)
        ended(process)
        got = main.recipients() + second.recipients()
        in_doubt = {row["address"] for row in room.edition()["unknown"]}
        assert max(got.values()) == 1, "nobody is mailed twice"
        assert set(room.readers) - set(got) <= in_doubt, "whoever has no mail is told of"
        assert len(in_doubt) <= 4, "what was on the wire of four connections"
        assert carried(room)["second"] >= 200


def test_both_down_past_the_deadline(room: Newsroom, ports: tuple[int, int]) -> None:
    assert room.run("tick", now=NINE).code == 5
    assert room.run("tick", now=at("12:59:50")).code == 5
    assert room.counts() == {"queued": READERS}
    assert room.run("tick", now=at("13:00:01")).code == 4
    shown = room.edition()
    assert (shown["state"], room.counts()) == ("sent", {"expired": READERS})
    assert {row["address"] for row in shown["expired"]} == set(room.readers), "all are listed"
    assert "reached nobody" in room.run("status", now=at("13:01")).said
    assert acts(room) == ["relay down", "relay down"]
    with SmtpServer(port=ports[0]) as main:
        assert room.run("send", "town", "--missing", now=at("13:10")).code == 0
        assert main.recipients() == dict.fromkeys(room.readers, 1)
        assert room.edition()["state"] == "sent"


@ON_SQLITE
def test_the_better_one_comes_back_once_it_is_well(room: Newsroom, ports: tuple[int, int]) -> None:
    room.import_readers(map(reader, range(READERS, 600)))
    with SmtpServer(Mood(delay=(20, 30)), port=ports[1]) as second:
        process = room.start("tick", now=NINE)
        until(lambda: second.accepted >= 20)
        with SmtpServer(port=ports[0]) as main:
            assert ended(process).code == 0
            got = main.recipients() + second.recipients()
    assert got == dict.fromkeys(room.readers, 1)
    assert carried(room)["main"] > 0 < carried(room)["second"]
    assert acts(room) == ["relay down", "relay up", "relay used"]


# ── what is about us ────────────────────────────────────────────────────────────────────────────


def test_a_refusal_of_us_is_not_carried_to_the_next(room: Newsroom, ports: tuple[int, int]) -> None:
    with (
        SmtpServer(Mood(mail_reply=b"550 5.7.1 not you " + EVIL), port=ports[0]) as main,
        SmtpServer(port=ports[1]) as second,
    ):
        told = room.run("tick", now=NINE)
        assert (told.code, room.edition()["state"]) == (4, "paused"), told
        assert main.count("MAIL") > 0 and second.count("MAIL") == 0
        assert acts(room, "edition")[-1] == "stopped"
    assert "\x1b" not in told.out + told.err and "550 5.7.1 not you ?]0;owned?" in told.said


@ON_SQLITE
def test_one_that_turns_us_away_at_the_door_is_passed_over_and_both_stop_the_run(
    room: Newsroom, ports: tuple[int, int]
) -> None:
    closed = Mood(greeting=b"554 5.7.1 no service " + EVIL)
    with SmtpServer(closed, port=ports[0]), SmtpServer(Mood(**vars(closed)), port=ports[1]) as second:
        room.run("tick", now=NINE)
        assert (room.edition()["state"], room.counts()) == ("paused", {"queued": READERS})
        for words in ("status", "relays list", "relays probe", "editions show town/2026-02-18"):
            told = room.run(*words.split(), now=at("09:01"))
            assert "\x1b" not in told.out + told.err and "\u202e" not in told.out + told.err, told
        second.mood.greeting = b"220 welcome"
        assert room.run("resume", "town/2026-02-18", now=at("09:02")).code == 0
        room.run("tick", now=at("09:02"))
        assert second.recipients() == dict.fromkeys(room.readers, 1)


# ── by hand ─────────────────────────────────────────────────────────────────────────────────────


@ON_SQLITE
def test_a_running_serve_obeys_a_choice_by_hand_within_a_second(
    room: Newsroom, ports: tuple[int, int]
) -> None:
    room.import_readers(map(reader, range(READERS, 500)))
    slow = Mood(delay=(20, 30))
    room.configure(sending=f"{QUICK}\nbatch = 100")
    with SmtpServer(slow, port=ports[0]) as main, SmtpServer(slow, port=ports[1]) as second:
        with serving(room, "09:00"):
            until(lambda: main.accepted >= 20)
            assert room.run("relays", "use", "second").code == 0
            chosen = monotonic()
            until(lambda: second.accepted > 0)
            assert monotonic() - chosen < 3
            until(lambda: second.accepted >= 20)  # what ran ahead to the first has been answered by then
            before = main.count("MAIL")
            until(lambda: second.accepted >= 60)
            assert main.count("MAIL") == before, "once it was told, no other mail"
            assert room.run("relays", "use", "second").code == 3
            assert room.run("relays", "use", "auto").code == 0
            until(lambda: main.count("MAIL") > before)
            until(lambda: room.counts().get("sent") == 500)
        assert main.recipients() + second.recipients() == dict.fromkeys(room.readers, 1)


# ── a minute that several newsletters share ─────────────────────────────────────────────────────


@ON_SQLITE
def test_a_small_newsletter_does_not_wait_for_a_large_one(tmp_path: Path, database_url: str) -> None:
    village = (
        '[[newsletters]]\nslug = "village"\nname = "Village"\nfrom_address = "news@village.example"\n'
        'postal_address = "1 Lane"\ntimezone = "America/New_York"'
    )
    with SmtpServer(Mood(delay=(20, 30))) as server:
        room = Newsroom(
            tmp_path, database_url, server.port, newsletter=village, sending="batch = 40", connections=2
        )
        room.import_stories()
        room.import_readers(250)
        (tmp_path / "villagers.csv").write_text("address\n" + "\n".join(f"v{n}@v.example" for n in range(40)))
        words = ("subscribers", "import", str(tmp_path / "villagers.csv"), "--newsletter", "village")
        assert room.run(*words, now=at("09:00", days=-1)).code == 0
        assert room.run("tick", now=NINE).code == 0
        villagers = [n for n, mail in enumerate(server.mails) if mail.recipient.endswith("@v.example")]
        assert (len(server.mails), len(villagers)) == (290, 40)
        assert villagers[-1] < 200, "they took turns, so the small one was done long before the large one"
