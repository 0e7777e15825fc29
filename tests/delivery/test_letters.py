"""The courier on bad days: servers that say later, say no, are not there, or never answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from newsletter.delivery.letters import PAUSES
from newsletter.demo.catchall import free_port
from newsletter.services import lettering
from newsletter.services.lettering import Addressee
from newsletter.store import control
from newsletter.store.leases import acquire, this_process
from newsletter.store.letters import LEASE
from tests.letters import ask, carry, letters
from tests.newsroom import NINE, Newsroom
from tests.smtpd import SmtpServer
from tests.stories.test_relays import ON_SQLITE, SECOND

ALICE = "alice@readers.example"
LINK = "https://town.example/sign-in/secret"


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


@pytest.fixture
def room(tmp_path: Path, database_url: str, server: SmtpServer) -> Newsroom:
    return Newsroom(tmp_path / "room", database_url, server.port)


def states(room: Newsroom) -> dict[str, str]:
    with room.opened() as runtime:
        return {letter.address: letter.state for letter in letters(runtime)}


def carry_at(room: Newsroom, now: datetime) -> None:
    with room.opened(now) as runtime:
        carry(runtime)


def test_each_answer_has_its_consequence(room: Newsroom, server: SmtpServer) -> None:
    expected = {
        ALICE: "sent", "tempfail@x.example": "deferred", "permfail@x.example": "failed",
        "policy@x.example": "failed", "drops@x.example": "unknown",
    }  # fmt: skip
    with room.opened() as runtime:
        ask(runtime, list(expected))
        carry(runtime)
        by_address = {letter.address: letter for letter in letters(runtime)}
    assert {address: letter.state for address, letter in by_address.items()} == expected
    assert by_address["permfail@x.example"].reply == "550 5.1.1 no such mailbox"
    assert {letter.relay for letter in by_address.values()} == {"main"}
    assert {address: bool(letter.values) for address, letter in by_address.items()} == {
        address: state == "deferred" for address, state in expected.items()
    }


@ON_SQLITE
def test_a_letter_put_off_is_tried_ever_later_until_its_deadline(room: Newsroom, server: SmtpServer) -> None:
    server.mood.tempfails = 1_000
    now = NINE
    with room.opened() as runtime:
        ask(runtime, ["tempfail@x.example"])
    for pause in (*PAUSES, PAUSES[-1]):
        carry_at(room, now)
        tries = server.tries.total()
        carry_at(room, now + pause - timedelta(seconds=1))
        assert server.tries.total() == tries, "too early"
        now += pause + timedelta(seconds=1)
    carry_at(room, NINE + timedelta(hours=24))
    assert states(room) == {"tempfail@x.example": "expired"}


@ON_SQLITE
def test_the_same_letter_has_the_same_bytes_at_every_attempt(room: Newsroom, server: SmtpServer) -> None:
    with room.opened() as runtime:
        ask(runtime, ["tempfail@x.example", ALICE])
    for minute in range(2):
        carry_at(room, NINE + timedelta(minutes=minute))
    assert len(server.mails) == 2 and len({mail.message_id for mail in server.mails}) == 2
    assert {str(mail.message["Date"]) for mail in server.mails} == {"Wed, 18 Feb 2026 14:00:00 +0000"}


def test_where_no_relay_answers_the_letter_waits_and_status_says_so(room: Newsroom) -> None:
    room.configure(relay_port=free_port())
    with room.opened() as runtime:
        ask(runtime, [ALICE])
        carry(runtime)
        (letter,) = letters(runtime)
    assert letter.settled_at is not None
    assert (letter.state, letter.attempt, letter.next_at) == ("deferred", 1, letter.settled_at + PAUSES[0])
    later = room.run("status", now=NINE + timedelta(minutes=16))
    assert later.code == 4 and "1 letter has waited for more than a quarter of an hour" in later.said
    assert "newsletter tick" in later.said and "1 waiting" in later.said


@ON_SQLITE
@pytest.mark.parametrize("mood", ["gone", "refuses", "closes"])
def test_a_relay_that_is_of_no_use_costs_a_letter_nothing(
    room: Newsroom, server: SmtpServer, mood: str
) -> None:
    with SmtpServer() as second:
        room.configure(relays=SECOND.format(second.port))
        if mood == "gone":
            room.configure(relay_port=free_port())
        elif mood == "refuses":
            server.mood.mail_reply = b"550 5.7.1 we do not know you"
        else:
            server.mood.greeting = b"421 not now"
        with room.opened() as runtime:
            ask(runtime, [ALICE, "bob@readers.example"])
            carry(runtime)
            assert {(letter.state, letter.relay, letter.attempt) for letter in letters(runtime)} == {
                ("sent", "second", 1)
            }
        assert second.accepted == 2 and server.accepted == 0


@ON_SQLITE
def test_the_relay_to_be_avoided_is_the_last_choice(room: Newsroom, server: SmtpServer) -> None:
    told = {"text": "The run has stopped.", "next_step": "newsletter status", "event": "stopped", "id": "x"}
    with SmtpServer() as second:
        room.configure(relays=SECOND.format(second.port))
        with room.opened() as runtime:
            for number, avoid in enumerate(("main", "")):
                with runtime.database.writing() as session:
                    lettering.alert(session, Addressee(ALICE), f"{number}", NINE, told=told, avoid=avoid)
            carry(runtime)
            assert [letter.relay for letter in letters(runtime)] == ["second", "main"]
        room.configure(relays="")
        with room.opened() as runtime:
            with runtime.database.writing() as session:
                lettering.alert(session, Addressee(ALICE), "2", NINE, told=told, avoid="main")
            carry(runtime)
            assert letters(runtime)[-1].relay == "main", "better than none"


@ON_SQLITE
def test_one_connection_carries_letter_after_letter(room: Newsroom, server: SmtpServer) -> None:
    with room.opened() as runtime:
        ask(runtime, [f"{number}@readers.example" for number in range(30)])
        carry(runtime)
    assert server.accepted == 30 and server.count("EHLO") <= 4
    assert server.count("QUIT") == server.count("EHLO"), "and says goodbye"


@ON_SQLITE
def test_a_connection_that_ended_meanwhile_is_no_fault(room: Newsroom, server: SmtpServer) -> None:
    """`leaves` closes behind its 421; the letter after it has a connection of its own."""
    with room.opened() as runtime:
        ask(runtime, ["leaves@x.example", *(f"{number}@readers.example" for number in range(8))])
        carry(runtime)
        assert [letter.state for letter in letters(runtime)] == ["deferred", *["sent"] * 8]


def test_stop_all_stops_letters_only_when_told_to(room: Newsroom, server: SmtpServer) -> None:
    room.run("stop-all", now=NINE)
    with room.opened() as runtime:
        ask(runtime, [ALICE])
        carry(runtime)
        assert server.accepted == 1
        with runtime.database.writing() as session:
            control.give(session, control.LETTERS, control.STOPPED, NINE, who="ops")
        ask(runtime, ["bob@readers.example"], "again")
        with runtime.database.writing() as session:
            lettering.sign_in(
                session, Addressee("editor@town.example"), "sign in", NINE, url=LINK,
                good_for=timedelta(minutes=15),
            )  # fmt: skip
        carry(runtime)
        assert server.recipients().keys() == {ALICE, "editor@town.example"}
    assert "stopped by ops" in room.run("status").said
    room.run("resume", "--all", now=NINE)
    carry_at(room, NINE)
    assert "bob@readers.example" in server.recipients()


def test_beside_a_living_courier_nobody_else_carries(room: Newsroom, server: SmtpServer) -> None:
    other = this_process()
    with room.opened() as runtime:
        ask(runtime, [ALICE])
        with runtime.database.writing() as session:
            assert acquire(session, LEASE, other) is None
        carry(runtime)
    assert (server.accepted, states(room)) == (0, {ALICE: "queued"})


@ON_SQLITE
def test_a_letter_of_a_newsletter_that_is_gone_fails_and_holds_up_nobody(
    room: Newsroom, server: SmtpServer
) -> None:
    with room.opened() as runtime:
        ask(runtime, [ALICE])
    room.config.write_text(room.config.read_text().replace('slug = "town"', 'slug = "village"'))
    with room.opened() as runtime:
        carry(runtime)
        (letter,) = letters(runtime)
    assert letter.state == "failed" and "There is no newsletter 'town'" in letter.reply
