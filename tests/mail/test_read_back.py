"""Whatever a content holds, Postfix, Exim and OpenSMTPD keep what we meant, as one mail."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

import pytest

from newsletter.mail.smtp import NotOpened, open_session
from newsletter.values import Fate, Outcome, Phase
from tests.mail.test_smtp import HOSTILE, SENDER
from tests.servers import PASSWORD, USER, Server
from tests.servers.exim import Exim
from tests.servers.postfix import Postfix

HEAD = (
    b"From: post@harbour.example\r\nTo: alice@readers.example\r\n"
    b"Date: Wed, 18 Feb 2026 14:00:00 +0000\r\nMessage-ID: <%03d@harbour.example>\r\n"
)
SMUGGLED = b"\r\n.\r\nMAIL FROM:<x@y.example>\r\nRCPT TO:<z@y.example>\r\nDATA\r\n"
BODIES = [
    b".\r\n",
    b"..\r\n.\r\n...\r\n",
    b"\r\n.\r\n\r\n.\r\n",
    b".x" + SMUGGLED + b"Subject: smuggled\r\n\r\n.\r\nQUIT\r\n",
    b"z" * 998 + b"\r\n." + b"z" * 996 + b"\r\n",
    b"trailing  \r\n\t\r\n \r\nblanks \t\r\n",
    b"From the beginning\r\n>From again\r\n",
    b"Content-Type: no header\r\n\r\n\r\n",
]
IN_8_BITS = "Über die Brücke – 橋が開く\r\n.\r\n".encode()


def letter(number: int, body: bytes, subject: bytes = b"hello") -> bytes:
    return HEAD % number + b"Subject: " + subject + b"\r\n\r\n" + body


def smuggler(border: int, shift: int) -> bytes:
    """A body whose false end stands where a server's or our buffer ends."""
    room = border + shift - len(letter(0, b""))
    return (b"x" * 62 + b"\r\n") * (room // 64) + b"y" * (room % 64) + SMUGGLED


def send(
    server: Server, contents: Sequence[bytes], recipient: str = "alice@readers.example"
) -> list[Outcome]:
    """One message after another, over as many connections as the server wants."""

    async def run() -> list[Outcome]:
        outcomes: list[Outcome] = []
        while len(outcomes) < len(contents):
            session = await open_session(server.relay("plain"))
            while session.usable and len(outcomes) < len(contents):
                outcome = await session.send(SENDER, recipient, contents[len(outcomes)])
                if outcome.fate is not Fate.LOST:
                    outcomes.append(outcome)
            await session.close()
        return outcomes

    return asyncio.run(run())


def test_no_content_ends_itself_or_is_changed(real_server: Server) -> None:
    at_borders = [smuggler(border, shift) for border in (4_096, 65_536) for shift in range(-5, 2)]
    contents = [letter(number, body) for number, body in enumerate([*BODIES, *at_borders, IN_8_BITS])]
    assert {outcome.fate for outcome in send(real_server, contents)} == {Fate.ACCEPTED}
    assert sorted(mail.content for mail in real_server.mails(len(contents))) == sorted(contents)


def test_a_header_beyond_ascii_arrives_or_is_refused_by_us(real_server: Server) -> None:
    content = letter(1, b"hello\r\n", "Über die Brücke".encode())
    [outcome] = send(real_server, [content], "олена@readers.example")
    if real_server.name == "OpenSMTPD":
        assert (outcome.fate, outcome.code, "SMTPUTF8" in outcome.text) == (Fate.REFUSED, 0, True)
        assert not real_server.mails(0)
    else:
        assert outcome.fate is Fate.ACCEPTED
        [mail] = real_server.mails(1)
        assert mail.content == content


def test_what_servers_would_read_differently_is_refused_before_a_byte(real_server: Server) -> None:
    bad = [b"\n.\n", b"\r\n.\nMAIL FROM:<x@y.example>", b"\n.\r\n", b"\r.\r", b"\r\r\n", b"\r\n.\r"]
    fine = letter(0, b"fine\r\n")
    *refused, taken = send(real_server, [*(letter(n, b"x" + end) for n, end in enumerate(bad)), fine])
    assert {(one.fate, one.code) for one in refused} == {(Fate.REFUSED, 0)}
    for poison in HOSTILE:
        [outcome] = send(real_server, [fine], f"a@x.example{poison}")
        assert (outcome.fate, outcome.code) == (Fate.REFUSED, 0)
    assert taken.fate is Fate.ACCEPTED
    [mail] = real_server.mails(1)
    assert mail.content == fine


def test_a_mail_that_is_too_big_costs_no_connection(real_server: Server) -> None:
    big, small = (
        letter(0, b"x" * 70 + b"\r\n" + b"".join([b"y" * 70 + b"\r\n"] * 3_000)),
        letter(1, b"fits\r\n"),
    )
    refused, taken = send(real_server, [big, small])
    assert (refused.fate, refused.phase, refused.code) == (Fate.STOP, Phase.MAIL, 0)
    assert refused.text == f"the message has {len(big)} bytes, and the relay takes 200000"
    assert taken.fate is Fate.ACCEPTED
    [mail] = real_server.mails(1)
    assert mail.content == small


@pytest.mark.parametrize("real_server", [Postfix, Exim], indirect=True)
def test_signing_in_where_only_login_is_offered(real_server: Server) -> None:
    known = {"tls": "starttls", "ca_file": real_server.ca_file, "user": USER}

    async def run(password: str) -> Outcome:
        session = await open_session(real_server.relay("login", password=password, **known))
        outcome = await session.send(SENDER, "alice@readers.example", letter(0, b"hello\r\n"))
        await session.close()
        return outcome

    assert asyncio.run(run(PASSWORD)).fate is Fate.ACCEPTED
    assert re.search(r"sasl_method=LOGIN|A=login", real_server.log())
    with pytest.raises(NotOpened) as refused:
        asyncio.run(run("wrong"))
    assert (refused.value.outcome.phase, refused.value.outcome.code) == (Phase.AUTH, 535)
    assert len(real_server.mails(1)) == 1


@pytest.mark.parametrize("mood", ["silent", "waiting"])
def test_postfix_without_an_offer(postfix: Server, mood: str) -> None:
    """Its size is told only once the content came, or each command waits for its answer."""

    async def run() -> list[Outcome]:
        session = await open_session(postfix.relay(mood))
        outcomes = [await session.send(SENDER, "alice@readers.example", content) for content in contents]
        await session.close()
        return outcomes

    contents = [letter(0, b"x\r\n" * 9_000), letter(1, b"small\r\n")]
    big, small = asyncio.run(run())
    if mood == "silent":
        assert (big.fate, big.phase, big.reply) == (
            Fate.REFUSED, Phase.CONTENT, "552 5.3.4 Error: message file too big",
        )  # fmt: skip
    else:
        assert big.fate is Fate.ACCEPTED
    assert small.fate is Fate.ACCEPTED
    expected = contents[mood == "silent" :]
    assert sorted(mail.content for mail in postfix.mails(len(expected))) == sorted(expected)
