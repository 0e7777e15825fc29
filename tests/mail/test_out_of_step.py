"""Relays that speak too much, too little, too late or nonsense: the connection ends, and no answer
is ever taken for another mail's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from newsletter.mail.smtp import NotOpened, open_session
from newsletter.values import Fate, Outcome, Phase
from tests.mail.hostile import CLOSE, DEAF, GO_ON, HELLO, PIPELINING, QUICK, Heard, relay_saying

MAIL = (b"250 mail\r\n",)
LETTER = b"Subject: x\r\n\r\nx\r\n"


Talk = Callable[..., tuple[list[Outcome], Heard]]


@pytest.fixture(params=[HELLO[1], PIPELINING], ids=["stop and wait", "pipelining"])
def talk(request: pytest.FixtureRequest) -> Talk:
    """Sends two messages to a relay that gives these answers; what comes of it is the same for relays
    of either kind."""

    async def run(greeting: bytes, *answers: bytes) -> tuple[list[Outcome], Heard]:
        async with relay_saying(greeting, request.param, *answers) as heard:
            session = await open_session(heard.relay, timeouts=QUICK)
            outcomes = [
                await session.send("a@b.example", f"{n}@x.example", LETTER) for n in ("first", "second")
            ]
            assert not session.usable
            await session.close()
            return outcomes, heard

    def talk(greeting: bytes, hello: bytes, *answers: bytes) -> tuple[list[Outcome], Heard]:
        assert (greeting, hello) == HELLO
        return asyncio.run(run(greeting, *answers))

    return talk


TOO_MUCH = [
    b"250 ok\r\n250 again\r\n",
    b"250 ok\r\n25",
    b"250 ok\r\n\r\n",
    b"250 ok\r\n2x0 no\r\n",
]
NONSENSE = [
    b"2x0 what\r\n",
    b"250 a\0b\r\n",
    b"250-a\r\n251 b\r\n",
    b"250-for ever\r\n" * 5000,
    b"x" * 1_000_000,
    b"250-" + b"y" * 1_000_000,
    b"",
    b"250-never ended\r\n",
    CLOSE,
]


@pytest.mark.parametrize("answer", [*TOO_MUCH, *NONSENSE])
def test_before_content_left_nothing_has_happened(talk: Talk, answer: bytes) -> None:
    for asked in (HELLO, HELLO + MAIL, GO_ON[:4]):
        outcomes, heard = talk(*asked, answer)
        assert [outcome.fate for outcome in outcomes] == [Fate.LOST, Fate.LOST]
        assert not heard.contents


@pytest.mark.parametrize("answer", NONSENSE)
def test_after_the_dot_only_that_mail_is_in_doubt(talk: Talk, answer: bytes) -> None:
    outcomes, _ = talk(*GO_ON, answer)
    assert [outcome.fate for outcome in outcomes] == [Fate.DOUBT, Fate.LOST]


@pytest.mark.parametrize("answer", TOO_MUCH)
def test_after_the_dot_its_own_answer_counts_and_no_second(talk: Talk, answer: bytes) -> None:
    outcomes, heard = talk(*GO_ON, answer)
    assert [outcome.fate for outcome in outcomes] == [Fate.ACCEPTED, Fate.LOST]
    assert len(heard.contents) == 1


def test_an_answer_in_advance_is_no_answer(talk: Talk) -> None:
    outcomes, heard = talk(*GO_ON[:4], b"354 go\r\n250 taken already\r\n")
    assert [outcome.fate for outcome in outcomes] == [Fate.LOST, Fate.LOST]
    assert not heard.contents


@pytest.mark.parametrize(
    ("answers", "phase"),
    [
        ((*HELLO, b"354 go\r\n"), Phase.MAIL),
        ((*HELLO, *MAIL, b"334 who\r\n"), Phase.RCPT),
        ((*GO_ON[:4], b"250 ok\r\n"), Phase.DATA),
    ],
)
def test_a_yes_of_the_wrong_kind_is_out_of_step(talk: Talk, answers: tuple[bytes, ...], phase: Phase) -> None:
    [outcome, _], _ = talk(*answers)
    assert (outcome.fate, outcome.phase) == (Fate.LOST, phase)


def test_a_third_kind_of_answer_to_the_dot_leaves_doubt(talk: Talk) -> None:
    [outcome, _], _ = talk(*GO_ON, b"354 more\r\n")
    assert (outcome.fate, outcome.phase) == (Fate.DOUBT, Phase.CONTENT)


def test_a_refused_reset_ends_the_session(talk: Talk) -> None:
    outcomes, heard = talk(*HELLO, *MAIL, b"550 5.1.1 nobody\r\n", b"502 what\r\n")
    assert [outcome.fate for outcome in outcomes] == [Fate.DEAD, Fate.LOST]
    assert b"RSET" in heard.lines


@pytest.mark.parametrize(
    "greeting", [b"", CLOSE, b"hello\r\n", b"220 hi\r\n250 more\r\n", b"220-" + b"x" * 4000]
)
def test_a_greeting_that_is_none(greeting: bytes) -> None:
    async def run() -> None:
        async with relay_saying(greeting) as heard:
            with pytest.raises(NotOpened) as caught:
                await open_session(heard.relay, timeouts=QUICK)
            assert caught.value.outcome.fate is Fate.LOST
            assert not [line for line in heard.lines if not line.startswith(b"EHLO")]

    asyncio.run(run())


def test_a_goodbye_between_two_messages() -> None:
    async def run() -> None:
        async with relay_saying(*GO_ON, b"250 taken\r\n421 idle for too long\r\n") as heard:
            session = await open_session(heard.relay, timeouts=QUICK)
            first = await session.send("a@b.example", "a@x.example", LETTER)
            assert first.fate is Fate.ACCEPTED
            assert not session.usable
            second = await session.send("a@b.example", "b@x.example", LETTER)
            assert (second.fate, second.text) == (Fate.LOST, "The relay said goodbye: 421 idle for too long")
            await session.close()

    asyncio.run(run())


def test_a_relay_that_stops_reading_is_left_before_the_dot() -> None:
    """Content that could not be written has not happened: the mail may go over another connection."""

    async def run() -> Outcome:
        async with relay_saying(*GO_ON, DEAF) as heard:
            session = await open_session(heard.relay, timeouts=QUICK)
            outcome = await session.send("a@b.example", "alice@readers.example", b"x" * 30_000_000)
            await session.close()
            return outcome

    outcome = asyncio.run(run())
    assert (outcome.fate, outcome.phase) == (Fate.LOST, Phase.CONTENT)
