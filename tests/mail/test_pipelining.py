"""Envelopes that run ahead: what goes over the wire in which order, and what each answer then means.

The relays here follow scripts that hear before they say, so a client that waited for an answer in
between would wait for ever.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.clock import monotonic
from newsletter.config import Relay
from newsletter.mail.content import content_of
from newsletter.mail.envelope import Envelope
from newsletter.mail.smtp import Session, Timeouts, open_session
from newsletter.values import Fate, Outcome, Phase
from tests.mail.hostile import CLOSE, CONTENT, DEAF, PIPELINING, QUICK, Heard, relay_doing
from tests.smtpd import SmtpServer

PATIENT = Timeouts(connect=5, greeting=5, command=5, data=5, block=5, dot=5, quit=0.2, brisk=2)
OPENING = (b"220 hi\r\n", 1, PIPELINING)
GO = b"250 mail\r\n250 rcpt\r\n354 go\r\n"
FIRST = (3, GO, CONTENT, b"250 first\r\n")  # its answer shows that the relay is brisk
AHEAD = (3, GO, CONTENT, 3)  # the second content, and with it the third's envelope
CROWD = ("first", "second", "third", "fourth")

Told = list[tuple[str, Outcome]]


def carry(*script: bytes | float, timeouts: Timeouts = PATIENT, crowd: int = 3) -> tuple[Told, Heard]:
    """Hand letters to a relay that follows this script; the outcomes in the order in which they came."""

    async def run() -> tuple[Told, Heard]:
        async with relay_doing(*script) as heard:
            session = await open_session(heard.relay, timeouts=timeouts)
            told = await carry_over(session, CROWD[:crowd])
            await session.close()
            return told, heard

    return asyncio.run(run())


async def carry_over(session: Session, names: tuple[str, ...]) -> Told:
    told: Told = []
    envelopes = iter(
        [
            Envelope(
                "post@harbour.example",
                f"{name}@x.example",
                content_of(f"Subject: {name}\r\n\r\n{name}\r\n".encode()),
                lambda outcome, name=name: told.append((name, outcome)),  # type: ignore[misc]
            )
            for name in names
        ]
    )
    await session.carry(lambda: next(envelopes, None))
    return told


def fates(told: Told) -> list[Fate]:
    return [outcome.fate for _, outcome in told]


def test_a_message_is_one_write_and_the_next_envelope_goes_with_its_dot() -> None:
    told, heard = carry(
        *OPENING, *FIRST, *AHEAD, b"250 second\r\n" + GO, CONTENT, b"250 third\r\n", 1, b"221 bye\r\n"
    )
    assert [(name, outcome.fate, outcome.text) for name, outcome in told] == [
        (name, Fate.ACCEPTED, name) for name in CROWD[:3]
    ]
    envelopes = [
        line
        for name in CROWD[:3]
        for line in (b"MAIL FROM:<post@harbour.example>", f"RCPT TO:<{name}@x.example>".encode(), b"DATA")
    ]
    assert heard.lines[1:] == [*envelopes, b"QUIT"]
    assert heard.contents == [f"Subject: {n}\r\n\r\n{n}\r\n.\r\n".encode() for n in CROWD[:3]]
    assert heard.rest == b""


def test_without_the_offer_each_command_waits_for_its_answer() -> None:
    """Whatever came before its turn would be in `rest`."""
    for answered in range(3):
        script = [step for answer in (b"250 a\r\n", b"250 b\r\n", b"354 c\r\n") for step in (1, answer)]
        told, heard = carry(
            b"220 hi\r\n", 1, b"250 hi\r\n", *script[: 2 * answered], 1, timeouts=QUICK, crowd=1
        )
        assert [(o.fate, o.phase) for _, o in told] == [
            (Fate.LOST, (Phase.MAIL, Phase.RCPT, Phase.DATA)[answered])
        ]
        assert len(heard.lines) == 2 + answered
        assert heard.rest == b""


def test_without_the_offer_no_envelope_runs_ahead_of_a_brisk_answer() -> None:
    one_by_one = (1, b"250 mail\r\n", 1, b"250 rcpt\r\n", 1, b"354 go\r\n", CONTENT, b"250 taken\r\n")
    told, heard = carry(
        b"220 hi\r\n", 1, b"250 hi\r\n", *one_by_one, *one_by_one, 1, timeouts=replace(QUICK, brisk=0.2)
    )
    assert fates(told) == [Fate.ACCEPTED, Fate.ACCEPTED, Fate.LOST]
    assert heard.lines[-1].startswith(b"MAIL")
    assert heard.rest == b""


def test_after_a_goodbye_no_more_answers_are_awaited() -> None:
    started = monotonic()
    told, heard = carry(*OPENING, 3, b"421 bye\r\n", 5.0)
    assert fates(told) == [Fate.LOST]
    assert monotonic() - started < 1
    assert len(heard.lines) == 4


# What the relay says once it has the second content and the third envelope, and what becomes of both
YES, BUSY, LOST, DOUBT = Fate.ACCEPTED, Fate.BUSY, Fate.LOST, Fate.DOUBT
REFUSED, DEAD, STOP = Fate.REFUSED, Fate.DEAD, Fate.STOP
NO_MAIL = b"503 MAIL first\r\n" * 2
AFTER_BOTH: list[tuple[str, tuple[bytes | float, ...], tuple[Fate, ...], int]] = [
    ("goes down at the dot", (b"421 going down\r\n", CLOSE), (BUSY, LOST), 2),
    ("closes without a word", (CLOSE,), (DOUBT, LOST), 2),
    ("closes after its answer", (b"250 second\r\n", CLOSE), (YES, LOST), 2),
    ("goes down between", (b"250 second\r\n421 bye\r\n", CLOSE), (YES, LOST), 2),
    ("goes down at RCPT", (b"250 2\r\n250 m\r\n421 bye\r\n", CLOSE), (YES, BUSY), 2),
    ("goes down at DATA", (b"250 2\r\n250 m\r\n250 r\r\n421 bye\r\n", CLOSE), (YES, BUSY), 2),
    ("talks nonsense", (b"hello\r\n",), (DOUBT, LOST), 2),
    ("talks nonsense between", (b"250 second\r\nhello\r\n",), (YES, LOST), 2),
    ("never ends its answer", (b"250-second\r\n250-", CLOSE), (DOUBT, LOST), 2),
    ("wants more", (b"354 more\r\n" + GO,), (DOUBT, LOST), 2),
    ("refuses the content", (b"554 5.7.1 no\r\n" + GO, CONTENT, b"250 3\r\n"), (REFUSED, YES), 3),
    ("drops after the last content", (b"250 2\r\n" + GO, CONTENT, CLOSE), (YES, DOUBT), 3),
    ("answers once too often", (b"250 2\r\n250 again\r\n" + GO,), (YES, LOST), 2),
    ("answers in advance", (b"250 2\r\n" + GO + b"250 taken\r\n",), (YES, LOST), 2),
    ("refuses the sender", (b"250 2\r\n550 5.7.1 no\r\n" + NO_MAIL,), (YES, STOP), 2),
    ("is busy for the sender", (b"250 2\r\n451 no\r\n" + NO_MAIL,), (YES, BUSY), 2),
    ("knows no such reader", (b"250 2\r\n250 m\r\n550 5.1.1 no\r\n554 x\r\n",), (YES, DEAD), 2),
    ("refuses and closes", (b"250 2\r\n250 m\r\n550 5.1.1 no\r\n", CLOSE), (YES, DEAD), 2),
    ("refuses at DATA", (b"250 2\r\n250 m\r\n250 r\r\n554 no\r\n",), (YES, REFUSED), 2),
    ("refuses, yet says yes to DATA", (b"250 2\r\n250 m\r\n550 5.1.1 x\r\n250 r\r\n",), (YES, LOST), 2),
]  # fmt: skip


@pytest.mark.parametrize(
    ("script", "expected", "contents"), [row[1:] for row in AFTER_BOTH], ids=[row[0] for row in AFTER_BOTH]
)
def test_what_becomes_of_a_content_and_of_the_envelope_behind_it(
    script: tuple[bytes | float, ...], expected: tuple[Fate, ...], contents: int
) -> None:
    told, heard = carry(*OPENING, *FIRST, *AHEAD, *script)
    assert fates(told) == [Fate.ACCEPTED, *expected]
    assert len(heard.contents) == contents
    assert heard.rest in (b"", b"QUIT\r\n")


# An answer in advance is known for one only while nothing was written that it could answer
IN_ANY_CUT = [row for row in AFTER_BOTH if row[0] != "answers in advance"]


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(IN_ANY_CUT), st.lists(st.integers(1, 60), max_size=8))
def test_however_the_answers_are_cut_they_mean_the_same(
    row: tuple[str, tuple[bytes | float, ...], tuple[Fate, ...], int], places: list[int]
) -> None:
    _, script, expected, _ = row
    pieces = [piece for step in script for piece in (cut(step, places) if is_speech(step) else [step])]
    told, _ = carry(*OPENING, *FIRST, *AHEAD, *pieces)
    assert fates(told) == [Fate.ACCEPTED, *expected]


def is_speech(step: bytes | float) -> bool:
    return isinstance(step, bytes) and step not in (CLOSE, DEAF)


def cut(step: bytes | float, places: list[int]) -> list[bytes | float]:
    assert isinstance(step, bytes)
    edges = sorted({0, len(step), *(place for place in places if place < len(step))})
    return [step[start:end] for start, end in pairwise(edges)]


ANSWERS = [
    b"250 ok\r\n", b"250-more\r\n", b"354 go\r\n", b"421 bye\r\n", b"451 later\r\n",
    b"550 5.1.1 no\r\n", b"nonsense\r\n",
]  # fmt: skip


@settings(deadline=None, max_examples=80)
@given(st.lists(st.sampled_from(ANSWERS), max_size=6))
def test_whatever_is_said_nobody_counts_as_sent_or_in_doubt_whose_content_did_not_leave(
    answers: list[bytes],
) -> None:
    told, _ = carry(*OPENING, *FIRST, *AHEAD, b"".join(answers), CLOSE)
    assert [name for name, _ in told] == list(CROWD[:3]), "each was answered, once and in order"
    second, third = fates(told)[1:]
    whole = next((answer for answer in answers if answer != b"250-more\r\n"), b"")
    assert (second is Fate.ACCEPTED) == (whole == b"250 ok\r\n")
    if b"354 go\r\n" not in answers:
        assert third not in (Fate.ACCEPTED, Fate.DOUBT)
    assert third is not Fate.ACCEPTED, "nobody ever answered its dot"


def test_a_content_that_nobody_is_to_get_is_a_lone_dot() -> None:
    """RFC 2920 §3.1: all recipients refused, and DATA answered with 354 all the same."""
    refused = b"250 mail\r\n550 5.1.1 nobody\r\n354 go\r\n"
    for said_to_the_dot in (b"554 nobody to send to\r\n", b"250 thanks for nothing\r\n"):
        told, heard = carry(
            *OPENING, *FIRST, *AHEAD, b"250 2\r\n" + refused, 1, said_to_the_dot,
            3, GO, CONTENT, b"250 4\r\n", crowd=4,
        )  # fmt: skip
        assert fates(told) == [Fate.ACCEPTED, Fate.ACCEPTED, Fate.DEAD, Fate.ACCEPTED]
        assert heard.lines[10] == b"."
        assert len(heard.contents) == 3


def test_a_lone_dot_is_not_sent_where_somebody_would_get_it() -> None:
    odd = b"550 5.7.1 not you\r\n250 rcpt\r\n354 go\r\n"
    told, heard = carry(*OPENING, 3, odd, crowd=2)
    assert fates(told) == [Fate.STOP]
    assert heard.rest == b""


def test_a_refused_envelope_is_reset_before_the_next() -> None:
    refused = b"250 mail\r\n550 5.1.1 nobody\r\n554 no valid recipients\r\n"
    told, heard = carry(*OPENING, 3, refused, 1, b"250 reset\r\n", 3, GO, CONTENT, b"250 ok\r\n", crowd=2)
    assert fates(told) == [Fate.DEAD, Fate.ACCEPTED]
    assert heard.lines[4] == b"RSET"


def test_who_waits_behind_a_slow_dot_is_given_back_and_the_answer_still_counts() -> None:
    """The second's answer takes its time: the third goes over another connection meanwhile."""

    async def run() -> tuple[Told, Heard]:
        async with relay_doing(*OPENING, *FIRST, *AHEAD, DEAF) as heard:
            quick = replace(PATIENT, brisk=0.1, dot=0.6)
            session = await open_session(heard.relay, timeouts=quick)
            started = monotonic()
            told = await carry_over(session, CROWD)
            assert monotonic() - started < 2
            assert not session.usable
            await session.close()
            return told, heard

    told, heard = asyncio.run(run())
    assert [(name, outcome.fate) for name, outcome in told] == [
        ("first", Fate.ACCEPTED), ("third", Fate.LOST), ("second", Fate.DOUBT)
    ]  # fmt: skip
    assert told[2][1].text == "The relay was silent for 0.6 seconds."
    assert len(heard.contents) == 2


def test_a_connection_whose_envelope_was_given_back_ends_with_its_answer() -> None:
    slow = (*AHEAD, 0.3, b"250 second\r\n" + GO)
    told, heard = carry(*OPENING, *FIRST, *slow, timeouts=replace(PATIENT, brisk=0.1), crowd=4)
    assert [(name, outcome.fate) for name, outcome in told] == [
        ("first", Fate.ACCEPTED), ("third", Fate.LOST), ("second", Fate.ACCEPTED)
    ]  # fmt: skip
    assert heard.rest == b"", "no content, no dot, no command"


def test_a_relay_that_is_always_slow_gets_no_envelope_ahead() -> None:
    with SmtpServer(delay=(60, 70)) as server:

        async def run() -> Told:
            relay = Relay(name="slow", host="127.0.0.1", port=server.port, tls="none")
            session = await open_session(relay, timeouts=replace(PATIENT, brisk=0.02))
            told = await carry_over(session, CROWD)
            assert session.usable
            await session.close()
            return told

        assert fates(asyncio.run(run())) == [Fate.ACCEPTED] * 4
    assert len(server.commands) == 1


PATIENTLY = {"greeting": 5.0, "command": 5.0, "data": 5.0, "dot": 5.0, "block": 5.0}


@pytest.mark.parametrize(
    ("impatient", "script", "expected"),
    [
        ("command", (3, DEAF), (Fate.LOST, Phase.MAIL)),
        ("command", (3, b"250 mail\r\n25", DEAF), (Fate.LOST, Phase.RCPT)),
        ("data", (3, b"250 mail\r\n250 rcpt\r\n", DEAF), (Fate.LOST, Phase.DATA)),
        ("dot", (3, GO, CONTENT, b"250-wait\r\n", DEAF), (Fate.DOUBT, Phase.CONTENT)),
    ],
)
def test_each_step_has_its_own_time(
    impatient: str, script: tuple[bytes | float, ...], expected: tuple[Fate, Phase]
) -> None:
    timeouts = Timeouts(connect=5, quit=0.2, **{**PATIENTLY, impatient: 0.15})
    [(_, outcome)], _ = carry(*OPENING, *script, timeouts=timeouts, crowd=1)
    assert (outcome.fate, outcome.phase) == expected
    assert outcome.text == "The relay was silent for 0.15 seconds."


def test_nobody_is_given_less_time_than_the_standard_asks() -> None:
    """RFC 5321 §4.5.3.2, in minutes: greeting, MAIL and RCPT, DATA, a block, the final dot."""
    usual = Timeouts()
    times = (usual.greeting, usual.command, usual.data, usual.block, usual.dot)
    assert [seconds / 60 for seconds in times] == [5, 5, 2, 3, 10]


def test_a_tarpit_that_drips_has_no_more_time_than_one_that_is_silent() -> None:
    timeouts = replace(QUICK, command=0.2)
    drips = (b"250-wait\r\n", 0.05) * 40
    started = monotonic()
    told, _ = carry(*OPENING, 3, *drips, timeouts=timeouts, crowd=1)
    assert fates(told) == [Fate.LOST]
    assert 0.2 <= monotonic() - started < 1.5
