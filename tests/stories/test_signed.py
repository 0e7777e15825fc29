"""A morning whose mails are signed, and one whose key is gone: nothing goes out unsigned."""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from newsletter.logs import Lines
from newsletter.mail.signing_keys import Algorithm
from tests.mail.verifiers import dkimpy_says
from tests.newsroom import NINE, Newsroom, at
from tests.signers import signers
from tests.smtpd import SmtpServer

EDITOR = "desk@town.example"
KEYS = 'keys = { rsa = "dkim-rsa.pem", ed25519 = "dkim-ed25519.pem" }'
PEOPLE = ('O\'Hara,  "Bob" K.', "Олена  Ім'я", "  x  ", "\u00a0", "=?utf-8?q?x?=", "a" * 90)


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


@pytest.fixture
def room(tmp_path: Path, database_url: str, server: SmtpServer) -> Newsroom:
    room = Newsroom(tmp_path, database_url, server.port, dkim=KEYS, newsletter=f'proof = ["{EDITOR}"]')
    room.import_stories()
    room.import_readers(3)
    return room


def test_every_mail_of_a_morning_verifies(
    room: Newsroom, server: SmtpServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    _, records = signers(room.folder, "town.example")
    for number, name in enumerate(PEOPLE):
        words = ("subscribers", "add", f"p{number}@readers.example", "--newsletter", "town", "--name", name)
        assert room.run(*words, now=at("04:00")).code == 0
    assert room.run("send", "town", "--test", EDITOR, now=at("07:00")).code == 0
    assert room.run("tick", now=NINE).code == 0
    assert len(server.mails) == 1 + 3 + len(PEOPLE)
    for mail in server.mails:
        assert dkimpy_says(mail.content, records) == [True, True], mail.recipient
    moments = {made_at(mail.content) for mail in server.mails}
    assert moments == {int(at("07:00").timestamp()), int(NINE.timestamp())}, "a test is of its own moment"
    log = "\n".join(map(Lines().format, caplog.records))
    assert not [secret for secret in secrets(room.folder) if secret in log]


def test_without_its_key_nothing_goes_out_and_with_it_everything(room: Newsroom, server: SmtpServer) -> None:
    _, records = signers(room.folder, "town.example", [Algorithm.RSA])
    for words in (("tick",), ("send", "town", "--no-wait"), ("send", "town", "--test", EDITOR)):
        refused = room.run(*words, "--json", now=NINE)
        assert refused.code == 2, refused
        assert re.search(r"^\[dkim\.keys\] ed25519: .*dkim-ed25519\.pem is missing", refused.json["error"])
        assert "newsletter dkim new" in refused.json["next_step"]
    watched = room.run("status", "--json", now=NINE)
    assert watched.code == 4 and "ed25519" in watched.out and "goes out unsigned" in watched.out
    assert not server.mails and room.editions() == {}, "refused before anything began"

    records |= signers(room.folder, "town.example", [Algorithm.ED25519])[1]
    assert room.run("tick", now=at("09:05")).code == 0
    assert server.recipients() == dict.fromkeys(room.readers, 1)
    assert all(dkimpy_says(mail.content, records) == [True, True] for mail in server.mails)


def test_a_domain_without_a_key_sends_nothing_either(room: Newsroom, server: SmtpServer) -> None:
    room.configure(dkim='domain = "town.example"')
    refused = room.run("tick", now=NINE)
    assert (refused.code, "[dkim] names a domain and no key" in refused.said) == (2, True)
    assert not server.mails


def made_at(content: bytes) -> int:
    """When the topmost signature says that it was made."""
    found = re.search(rb"[ ;]t=(\d+);", content)
    assert found
    return int(found[1])


def secrets(folder: Path) -> list[str]:
    """Every piece of the keys' files that a log could hold, in base64 and in hexadecimal."""
    found = []
    for file in folder.glob("dkim-*.pem"):
        lines = file.read_text().splitlines()[1:-1]
        found += [*lines, base64.b64decode("".join(lines)).hex()[-64:]]
    assert len(found) > 20
    return found
