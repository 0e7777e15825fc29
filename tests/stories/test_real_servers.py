"""Mornings over Postfix, Exim and OpenSMTPD: what arrives is what was meant, and the ledger knows the truth.

The servers are Debian's own, each mail is read back from their mailboxes, and the newsroom's clock is
turned where a server wants to be asked again.
"""

from __future__ import annotations

import email
import json
from collections import Counter
from pathlib import Path

import pytest
from sqlmodel import select

from newsletter.models import Delivery, Edition, Subscriber, Suppression
from newsletter.services.sending import compose
from newsletter.values import Recipient
from tests.mail.verifiers import OpenDkim, dkimpy_says
from tests.newsroom import NINE, Newsroom, at, reader
from tests.servers import PASSWORD, USER, Server
from tests.servers.exim import Exim
from tests.servers.opensmtpd import OpenSMTPD
from tests.signers import signers

READERS = 30
KEYS = 'keys = { rsa = "dkim-rsa.pem", ed25519 = "dkim-ed25519.pem" }'
RETURN_PATH = 'return_path = "bounces+{token}@town.example"'
HEADLINE = "Über die Brücke – 橋が開く. And . at last"
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def room_beside(folder: Path, database_url: str, server: Server, mood: str, **more: str) -> Newsroom:
    """A newsroom whose only relay is the server, at one of its ports; its lead means harm."""
    room = Newsroom(folder, database_url, server.ports[mood], **more)  # type: ignore[arg-type]
    room.import_stories()
    row = {
        "url": "https://town.example/bridge", "title": HEADLINE, "section": "Town",
        "summary": f".\r\n.\r\nMAIL FROM:<x@y.example>\r\n{'x' * 1_200} .",
        "published_at": at("08:00").isoformat(),
    }  # fmt: skip
    (folder / "lead.jsonl").write_text(json.dumps(row))
    assert room.run("articles", "import", str(folder / "lead.jsonl"), now=at("08:00")).code == 0
    return room


def encrypted(server: Server, file: Path, *, password: str = PASSWORD, tls: str = "starttls") -> str:
    """A relay's keys for TLS, with our own authority, and for signing in with what is in a file."""
    file.write_text(password)
    file.chmod(0o600)
    keys = {"tls": tls, "user": USER, "password_file": file, "ca_file": server.ca_file}
    return "\n".join(f'{key} = "{value}"' for key, value in keys.items())


def send(room: Newsroom) -> dict[str, int]:
    """The edition goes out at nine; how its deliveries stand then."""
    done = room.run("send", "town", "--no-wait", now=NINE)
    assert done.code in (0, 4), done.said
    return room.counts()


def meant(room: Newsroom) -> dict[str, tuple[str, bytes]]:
    """By reader: the envelope sender and the whole mail that the ledger's rows stand for."""
    with room.opened() as runtime:
        with runtime.database.reading() as session:
            [number] = session.exec(select(Edition.id).where(Edition.slug == "2026-02-18")).all()
            rows = session.exec(
                select(Delivery, Subscriber).where(Delivery.subscriber_id == Subscriber.id)
            ).all()
            people = [
                Recipient(row.subscriber_id, person.address, person.name, row.attempt, row.pos)
                for row, person in rows
            ]
        assert number is not None
        compiled = compose(runtime, number)
        return {
            one.address: (compiled.envelope_sender(one), b"".join(compiled.content(one).segments))
            for one in people
        }


def arrived(server: Server, count: int) -> dict[str, tuple[str, bytes]]:
    mails = server.mails(count)
    found = {mail.recipient: (mail.sender, mail.content) for mail in mails}
    assert len(found) == count, "nobody has it twice"
    return found


def replies(room: Newsroom) -> dict[str, str]:
    with room.opened() as runtime, runtime.database.reading() as session:
        rows = session.exec(
            select(Subscriber.address, Delivery.reply).where(Delivery.subscriber_id == Subscriber.id)
        )
        return dict(rows.all())


def test_a_signed_morning_is_read_back_whole(tmp_path: Path, database_url: str, real_server: Server) -> None:
    _, records = signers(tmp_path, "town.example")
    if "starttls" in real_server.ports:
        way = {"mood": "starttls", "relay": encrypted(real_server, tmp_path / "relay.password")}
    else:
        way = {"mood": "plain"}
    room = room_beside(tmp_path, database_url, real_server, dkim=KEYS, newsletter=RETURN_PATH, **way)
    room.import_readers([*map(reader, range(READERS)), "o'hara+x=y@readers.example", "olena@пошта.example"])
    words = ("subscribers", "add", "named@readers.example", "--newsletter", "town", "--name", "Олена  Ім'я")
    assert room.run(*words, now=at("04:00")).code == 0
    assert send(room) == {"sent": READERS + 3}
    found = arrived(real_server, READERS + 3)
    assert found == meant(room)
    opendkim = OpenDkim(tmp_path, records)
    for _, content in found.values():
        assert dkimpy_says(content, records) == [True, True]
        assert opendkim.says(content) == [True, opendkim.knows_ed25519]
    opendkim.close()
    parsed = [email.message_from_bytes(content) for _, content in found.values()]
    assert len({mail["Message-ID"] for mail in parsed}) == READERS + 3
    assert {str(mail["Subject"]).startswith("=?utf-8?B?") for mail in parsed} == {True}


@ON_SQLITE
def test_who_is_greylisted_gets_it_at_the_second_try(
    tmp_path: Path, database_url: str, real_server: Server
) -> None:
    room = room_beside(tmp_path, database_url, real_server, "grey")
    room.import_readers(READERS)
    assert send(room) == {"deferred": READERS}
    assert all("greylisted, try again" in reply for reply in replies(room).values())
    assert room.run("tick", now=at("09:04")).code == 0
    assert room.counts() == {"deferred": READERS}, "not before five minutes"
    assert room.run("tick", now=at("09:06")).code == 0
    assert room.counts() == {"sent": READERS}
    assert arrived(real_server, READERS) == meant(room)


@ON_SQLITE
def test_each_refusal_costs_its_own_mail(tmp_path: Path, database_url: str, real_server: Server) -> None:
    refused = {
        "nobody": ("failed", "550 5.1.1"), "policy": ("failed", "550 5.7.1"), "full": ("deferred", "45"),
        "reject": ("failed", "55"), "goodbye": ("deferred", "421"),
    }  # fmt: skip
    if real_server.name == "Exim":
        del refused["goodbye"]  # an answer of its lists closes no connection
    room = room_beside(tmp_path, database_url, real_server, "plain")
    room.import_readers([*map(reader, range(READERS)), *(f"{name}@readers.example" for name in refused)])
    by_state = Counter(state for state, _ in refused.values())
    assert send(room) == {"sent": READERS, **by_state}
    said = replies(room)
    for name, (_, beginning) in refused.items():
        assert said[f"{name}@readers.example"].startswith(beginning), said
    found, wanted = arrived(real_server, READERS), meant(room)
    assert found == {address: wanted[address] for address in map(reader, range(READERS))}
    room.run("tick", now=at("13:01"))
    assert room.counts()["expired"] == by_state["deferred"], "and with that the run is over"
    with room.opened() as runtime, runtime.database.reading() as session:
        assert len(session.exec(select(Suppression.address_key)).all()) == 1, "only who does not exist"


@ON_SQLITE
def test_who_may_send_three_mails_a_minute_sends_the_others_later(
    tmp_path: Path, database_url: str, postfix: Server
) -> None:
    room = room_beside(tmp_path, database_url, postfix, "few")
    room.import_readers(READERS)
    assert send(room) == {"sent": 3, "deferred": READERS - 3}
    assert sum("too much mail" in reply for reply in replies(room).values()) == READERS - 3
    room.configure(relay_port=postfix.ports["plain"])
    assert room.run("tick", now=at("09:06")).code == 0
    assert room.counts() == {"sent": READERS}
    assert arrived(postfix, READERS) == meant(room)


@ON_SQLITE
def test_a_mail_that_is_too_big_is_not_begun_and_costs_nobody(
    tmp_path: Path, database_url: str, postfix: Server
) -> None:
    room = room_beside(tmp_path, database_url, postfix, "small")
    room.import_readers(READERS)
    assert send(room) == {"queued": READERS}
    assert room.edition()["state"] == "paused"
    said = room.run("status", now=at("09:01")).said
    assert "bytes, and the relay takes 20000" in said
    assert " mail=" not in postfix.log().rpartition("connect from")[2], "nothing was asked"
    room.configure(relay_port=postfix.ports["plain"])
    assert room.run("resume", "town/2026-02-18", now=at("09:05")).code == 0
    assert room.run("tick", now=at("09:05")).code == 0
    assert arrived(postfix, READERS) == meant(room)


@ON_SQLITE
@pytest.mark.parametrize(
    ("mood", "tls", "password", "why"),
    [
        ("plain", "starttls", PASSWORD, "does not offer STARTTLS"),
        ("starttls", "starttls", "wrong", "535 5.7.8"),
        ("starttls", "none", PASSWORD, "AUTH"),
    ],
    ids=["stripped", "a wrong password", "in the clear"],
)
def test_who_is_not_what_we_were_told_gets_no_mail(
    tmp_path: Path, database_url: str, postfix: Server, mood: str, tls: str, password: str, why: str
) -> None:
    relay = encrypted(postfix, tmp_path / "relay.password", password=password, tls=tls)
    room = room_beside(tmp_path, database_url, postfix, mood, relay=relay)
    room.import_readers(3)
    done = room.run("send", "town", "--no-wait", now=NINE)
    assert done.code in (4, 5), done
    assert why in done.said + room.run("status", now=NINE).said
    assert room.counts() == {"queued": 3}
    assert not postfix.mails(0)


@ON_SQLITE
@pytest.mark.parametrize("real_server", [Exim, OpenSMTPD], indirect=True)
def test_who_says_goodbye_after_three_mails_is_called_again(
    tmp_path: Path, database_url: str, real_server: Server
) -> None:
    room = room_beside(tmp_path, database_url, real_server, "few")
    room.import_readers(READERS)
    assert send(room) == {"sent": READERS}
    assert arrived(real_server, READERS) == meant(room)
