"""Messages over a real server, one mood after another."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from functools import partial

import pytest

from newsletter.config import Relay
from newsletter.errors import Misuse
from newsletter.mail.smtp import Timeouts, open_session
from newsletter.mail.wire import command
from newsletter.values import Fate, Outcome, Phase
from tests.smtpd import SmtpServer

SENDER = "post@harbour.example"
LETTER = b"Subject: hello\r\nMessage-ID: <1@harbour.example>\r\n\r\nGood morning.\r\n"


Make = Callable[..., SmtpServer]


@pytest.fixture(params=[True, False], ids=["pipelining", "stop and wait"])
def smtp(request: pytest.FixtureRequest) -> Make:
    """Makes servers of either kind; what becomes of a mail must not depend on it."""
    return partial(SmtpServer, pipelining=request.param)


def relay_of(server: SmtpServer) -> Relay:
    return Relay(name="house", host="127.0.0.1", port=server.port, tls="none")


def send(
    server: SmtpServer,
    *recipients: str,
    content: bytes | Sequence[bytes] = LETTER,
    sender: str = SENDER,
    timeouts: Timeouts | None = None,
) -> list[Outcome]:
    """Send one message to each over one session, as long as it is usable."""

    async def run() -> list[Outcome]:
        session = await open_session(relay_of(server), timeouts=timeouts)
        try:
            return [await session.send(sender, recipient, content) for recipient in recipients]
        finally:
            await session.close()

    return asyncio.run(run())


def test_a_message_arrives_as_it_left(smtp: Make) -> None:
    with smtp() as server:
        [outcome] = send(server, "alice@readers.example")
    assert (outcome.fate, outcome.phase, outcome.code) == (Fate.ACCEPTED, Phase.CONTENT, 250)
    assert outcome.relay == "house"
    assert outcome.reply == "250 2.0.0 taken"
    [mail] = server.mails
    assert (mail.sender, mail.recipient, mail.content) == (SENDER, "alice@readers.example", LETTER)
    assert server.commands == [
        [
            "EHLO [127.0.0.1]",
            f"MAIL FROM:<{SENDER}> SIZE={len(LETTER)}",
            "RCPT TO:<alice@readers.example>",
            "DATA",
            "QUIT",
        ]
    ]


@pytest.mark.parametrize(
    ("recipient", "fate", "phase", "reply"),
    [
        ("tempfail@x.example", Fate.BUSY, Phase.RCPT, "451 4.7.1 greylisted, try again"),
        ("permfail@x.example", Fate.DEAD, Phase.RCPT, "550 5.1.1 no such mailbox"),
        ("policy@x.example", Fate.REFUSED, Phase.RCPT, "550 5.7.1 not from you"),
        ("reject@x.example", Fate.REFUSED, Phase.CONTENT, "554 5.7.1 not with this content"),
    ],
)
def test_a_refusal_costs_its_own_mail_and_no_other(
    smtp: Make, recipient: str, fate: Fate, phase: Phase, reply: str
) -> None:
    with smtp() as server:
        refused, taken = send(server, recipient, "alice@readers.example")
    assert (refused.fate, refused.phase, refused.reply) == (fate, phase, reply)
    assert taken.fate is Fate.ACCEPTED
    assert [mail.recipient for mail in server.mails] == ["alice@readers.example"]
    assert server.count("RSET") == (1 if phase is Phase.RCPT else 0)
    assert len(server.commands) == 1


def test_who_is_busy_takes_it_later(smtp: Make) -> None:
    with smtp(tempfails=2) as server:
        fates = [outcome.fate for outcome in send(server, *["tempfail1@x.example"] * 3)]
    assert fates == [Fate.BUSY, Fate.BUSY, Fate.ACCEPTED]


def test_a_goodbye_ends_the_session_and_nothing_else(smtp: Make) -> None:
    with smtp() as server:
        busy, after = send(server, "busy@x.example", "alice@readers.example")
    assert (busy.fate, busy.code) == (Fate.BUSY, 421)
    assert (after.fate, after.phase) == (Fate.LOST, Phase.MAIL)
    assert not server.mails


def test_a_connection_that_is_used_up_loses_nobody(smtp: Make) -> None:
    with smtp(messages_per_connection=2) as server:
        fates = [outcome.fate for outcome in send(server, *(f"a{n}@x.example" for n in range(3)))]
    assert fates == [Fate.ACCEPTED, Fate.ACCEPTED, Fate.LOST]


def test_content_left_and_no_answer_came(smtp: Make) -> None:
    with smtp() as server:
        dropped, after = send(server, "drops@x.example", "alice@readers.example")
        [hung] = send(server, "hangs@x.example", timeouts=Timeouts(dot=0.2, quit=0.2))
    assert (dropped.fate, dropped.phase) == (Fate.DOUBT, Phase.CONTENT)
    assert after.fate is Fate.LOST
    assert (hung.fate, hung.phase, hung.text) == (
        Fate.DOUBT,
        Phase.CONTENT,
        "The relay was silent for 0.2 seconds.",
    )


def test_a_slow_answer_is_waited_for_and_a_late_one_is_nobodys(smtp: Make) -> None:
    with smtp(slow=0.3) as server:
        [waited] = send(server, "slow1@x.example")
        late, after = send(
            server, "slow2@x.example", "alice@readers.example", timeouts=Timeouts(dot=0.1, quit=0.1)
        )
    assert waited.fate is Fate.ACCEPTED
    assert late.fate is Fate.DOUBT
    assert after.fate is Fate.LOST  # had the late 250 been taken for hers, she would be ACCEPTED
    assert [mail.recipient for mail in server.mails] == ["slow1@x.example", "slow2@x.example"]


def test_refused_because_of_us(smtp: Make) -> None:
    with smtp(mail_reply=b"550 5.7.1 you are on a list") as server:
        [outcome] = send(server, "alice@readers.example")
    assert (outcome.fate, outcome.phase) == (Fate.STOP, Phase.MAIL)
    assert server.count("RCPT") == (1 if server.mood.pipelining else 0)
    assert server.count("QUIT") == 1


def test_a_message_that_is_too_big_is_not_even_begun(smtp: Make) -> None:
    with smtp(offers=(b"SIZE 60",)) as server:
        big, small = send(server, "alice@readers.example", content=LETTER + b"x" * 60 + b"\r\n"), None
        small = send(server, "alice@readers.example", content=b"S: x\r\n\r\n")
    assert (big[0].fate, big[0].phase) == (Fate.STOP, Phase.MAIL)
    assert "60" in big[0].text
    assert small[0].fate is Fate.ACCEPTED
    assert server.count("MAIL") == 1


def test_a_relay_without_size_is_not_told_one(smtp: Make) -> None:
    with smtp(offers=(b"HELP",)) as server:
        send(server, "alice@readers.example")
    assert f"MAIL FROM:<{SENDER}>" in server.commands[0]


def test_letters_beyond_ascii_need_a_relay_that_takes_them(smtp: Make) -> None:
    with smtp() as able, smtp(offers=(b"SIZE 1000",)) as unable:
        [taken] = send(able, "олена@x.example")
        refused, other = send(unable, "олена@x.example", "alice@readers.example")
    assert taken.fate is Fate.ACCEPTED
    assert able.mails[0].recipient == "олена@x.example"
    assert f"MAIL FROM:<{SENDER}> SIZE={len(LETTER)} SMTPUTF8" in able.commands[0]
    assert (refused.fate, refused.phase) == (Fate.REFUSED, Phase.RCPT)
    assert "SMTPUTF8" in refused.text
    assert other.fate is Fate.ACCEPTED
    assert unable.count("RCPT") == 1


def test_a_body_of_8_bits_is_announced_where_that_is_understood_and_else_not_sent(smtp: Make) -> None:
    content = "Subject: x\r\n\r\nДоброго ранку\r\n".encode()
    with smtp() as able, smtp(offers=(b"SIZE 1000",)) as unable:
        [taken] = send(able, "alice@readers.example", content=content)
        [refused] = send(unable, "alice@readers.example", content=content)
    assert taken.fate is Fate.ACCEPTED
    assert f"MAIL FROM:<{SENDER}> SIZE={len(content)} BODY=8BITMIME" in able.commands[0]
    assert (refused.fate, refused.phase) == (Fate.REFUSED, Phase.CONTENT)
    assert "8BITMIME" in refused.text
    assert unable.count("MAIL") == 0


def test_a_header_beyond_ascii_needs_smtputf8_and_a_body_of_7_bits_nothing_else(smtp: Make) -> None:
    with smtp() as server:
        [taken] = send(server, "alice@x.example", content="Subject: ї\r\n\r\nx\r\n".encode())
    assert taken.fate is Fate.ACCEPTED
    assert server.commands[0][1].endswith(" SMTPUTF8")
    assert "8BITMIME" not in server.commands[0][1]


def test_a_relay_that_turns_away_after_354_or_goes_down_at_the_dot(smtp: Make) -> None:
    with smtp() as server:
        [turned] = send(server, "turns@x.example")
        [left] = send(server, "leaves@x.example")
    assert turned.fate in (Fate.LOST, Fate.DOUBT)  # as it happens to see the end before or after it wrote
    assert (left.fate, left.phase, left.code) == (Fate.BUSY, Phase.CONTENT, 421)
    assert not server.mails


def test_nobody_is_mailed_when_data_is_accepted_all_the_same(smtp: Make) -> None:
    with smtp(data_anyway=True) as server:
        dead, taken = send(server, "permfail@x.example", "alice@x.example")
    assert (dead.fate, taken.fate) == (Fate.DEAD, Fate.ACCEPTED)
    assert [mail.recipient for mail in server.mails] == ["alice@x.example"]


HOSTILE = [
    "\r\nRCPT TO:<x@y.example>",
    "\n",
    "\r",
    "\0",
    "\x85",
    " ",
    "\x7f",
    "\x1b",
    ">",
    " SIZE=1",
    "\u2028",
]


@pytest.mark.parametrize("poison", HOSTILE)
def test_an_envelope_cannot_carry_a_second_command(smtp: Make, poison: str) -> None:
    with smtp() as server:
        as_recipient, _ = send(server, f"a@x.example{poison}", "alice@readers.example")
        [as_sender] = send(server, "alice@readers.example", sender=f"a{poison}@x.example")
    assert as_recipient.fate is Fate.REFUSED
    assert as_sender.fate is Fate.STOP
    assert server.count("MAIL") == server.count("RCPT") == 1


@pytest.mark.parametrize(
    "poison", ["\r\nRCPT TO:<x@y.example>", "\n", "\r", "\0", "\x85", "\x1b", "\x7f", "\u2028"]
)
def test_a_command_line_ends_where_we_end_it(poison: str) -> None:
    """Whoever looked at the address before: nothing is written that could be two commands."""
    with pytest.raises(Misuse):
        command(f"RCPT TO:<alice{poison}@readers.example>")


@pytest.mark.parametrize(
    "hostile",
    [b"\n.\n", b"\r\n.\nMAIL FROM:<x@y.example>", b"\n.\r\n", b"\r.\r", b"a\rb", b"\r\r\n", b"\r\n.\r"],
)
def test_line_ends_that_servers_read_differently_are_not_sent(smtp: Make, hostile: bytes) -> None:
    with smtp() as server:
        outcome, after = send(server, "a@x.example", "b@x.example", content=LETTER + hostile)
    assert outcome.fate is after.fate is Fate.REFUSED
    assert server.count("MAIL") == 0


@pytest.mark.parametrize("border", [4096, 65_536])
@pytest.mark.parametrize("shift", range(-6, 3))
def test_no_content_ends_itself(smtp: Make, border: int, shift: int) -> None:
    """The end of data, hidden in the content at borders of segments and of what is written at once."""
    filler = b"S: x\r\n\r\n" + b"x" * (border + shift - 8)
    smuggled = b"\r\n.\r\nMAIL FROM:<x@y.example>\r\nRCPT TO:<z@y.example>\r\nDATA\r\n"
    whole = filler + smuggled + b".\r\n..\r\n."
    with smtp() as server:
        outcomes = send(server, "a@x.example", content=[whole[:border], whole[border:]])
        outcomes += send(server, "b@x.example", content=[whole[n : n + 3] for n in range(0, len(whole), 3)])
    assert [outcome.fate for outcome in outcomes] == [Fate.ACCEPTED] * 2
    assert [mail.content for mail in server.mails] == [whole + b"\r\n"] * 2
    assert server.count("MAIL") == server.count("RCPT") == 2


@pytest.mark.parametrize("content", [b".", b".\r\n", b"..\r\n", b"", b"\r\n", b"\r\n.\r\n.\r\n"])
def test_small_contents_arrive_whole(smtp: Make, content: bytes) -> None:
    with smtp() as server:
        [outcome] = send(server, "a@x.example", content=content)
    assert outcome.fate is Fate.ACCEPTED
    assert re.sub(rb"\r\n\Z", b"", server.mails[0].content) == re.sub(rb"\r\n\Z", b"", content)


def test_an_interrupted_message_spoils_its_session(smtp: Make) -> None:
    async def run(server: SmtpServer) -> Outcome:
        session = await open_session(relay_of(server))
        message = asyncio.create_task(session.send(SENDER, "hangs@x.example", LETTER))
        while not server.count("DATA"):
            await asyncio.sleep(0.001)
        message.cancel()
        with pytest.raises(asyncio.CancelledError):
            await message
        assert not session.usable
        outcome = await session.send(SENDER, "alice@readers.example", LETTER)
        await session.close()
        return outcome

    with smtp() as server:
        assert asyncio.run(run(server)).fate is Fate.LOST
