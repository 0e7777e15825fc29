"""Replies are read within bounds, and each refusal has exactly one meaning."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.mail.replies import BadReply, Reply, ReplyReader, classify
from newsletter.values import Fate, Phase


def read(*chunks: bytes) -> tuple[list[Reply], bool]:
    """What a reader makes of these chunks: the replies, and whether it gave up after them."""
    reader, replies = ReplyReader(), []
    try:
        for chunk in chunks:
            for reply in reader.feed(chunk):
                replies.append(reply)
    except BadReply:
        return replies, True
    return replies, False


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:end] for start, end in pairwise(edges)]


reply_like = st.lists(
    st.sampled_from(
        [
            b"250",
            b"250-",
            b"250 ok",
            b"251-x",
            b"2x0",
            b"99",
            b"\r\n",
            b"\r",
            b"\n",
            b"\0",
            b"\xff\xd0",
            b"5.1.1 ",
            b"x" * 700,
        ]
    )
).map(b"".join)


@settings(deadline=None)
@given(st.one_of(st.binary(max_size=4000), reply_like), st.lists(st.integers(0, 9999), max_size=12))
def test_bytes_in_any_split_give_the_same(data: bytes, places: list[int]) -> None:
    assert read(*cut(data, places)) == read(data)


def test_lines_are_joined_and_the_enhanced_code_is_told_once() -> None:
    replies, is_bad = read(b"550-5.1.1 The mailbox\r\n550 5.1.1 is gone\r\n250\r\n")
    assert not is_bad
    assert replies[0].enhanced == "5.1.1"
    assert replies[0].text == "The mailbox is gone"
    assert replies[1] == Reply(250, ("",))


def test_words_are_kept_without_what_a_terminal_would_obey() -> None:
    replies, _ = read(b"550 \x1b[2Jboo\xe2\x80\xae \xff\r\n")
    assert replies[0].text == "?[2Jboo? �"


@pytest.mark.parametrize(
    "data",
    [
        b"2x0 no\r\n", b"25 no\r\n", b"650 no\r\n", b"150 no\r\n", b"250_no\r\n", b"\r\n", b"250 a\0b\r\n",
        b"250 a\rb\r\n", b"250 a\nb\r\n", b"250-a\r\n251 b\r\n", b"250-a\r\n" * 65, b"2" * 2048,
        b"250 " + b"x" * 2043 + b"\r\n", "２５０ ok\r\n".encode(),
    ],
)  # fmt: skip
def test_what_is_no_reply_ends_it(data: bytes) -> None:
    assert read(data) == ([], True)


def test_the_longest_that_is_allowed() -> None:
    replies, is_bad = read((b"250-" + b"x" * 2042 + b"\r\n") * 63 + b"250 " + b"y" * 2042 + b"\r\n")
    assert not is_bad
    assert sum(map(len, replies[0].lines)) == 8192


def test_memory_is_bounded_whatever_comes() -> None:
    tracemalloc.start()
    for endless in (b"x" * 65_536, b"250-more\r\n" * 6_000):
        reader = ReplyReader()
        with pytest.raises(BadReply):
            for _ in range(100):
                list(reader.feed(endless))
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("phase", "code", "enhanced", "text", "fate"),
    [
        # before a recipient is named, it is about us
        (Phase.GREETING, 554, "", "no service", Fate.STOP),
        (Phase.GREETING, 421, "", "busy", Fate.BUSY),
        (Phase.EHLO, 550, "", "who are you", Fate.STOP),
        (Phase.STARTTLS, 454, "4.7.0", "not now", Fate.BUSY),
        (Phase.STARTTLS, 501, "", "no", Fate.STOP),
        (Phase.AUTH, 535, "5.7.8", "wrong", Fate.STOP),
        (Phase.AUTH, 454, "4.7.0", "Too many login attempts", Fate.BUSY),
        (Phase.MAIL, 550, "5.7.1", "policy", Fate.STOP),
        (Phase.MAIL, 552, "5.3.4", "too big", Fate.STOP),
        (Phase.MAIL, 550, "5.1.1", "even so", Fate.STOP),
        (Phase.MAIL, 451, "", "later", Fate.BUSY),
        (Phase.MAIL, 421, "", "enough for one connection", Fate.LOST),
        (Phase.MAIL, 452, "4.5.3", "Too many messages sent", Fate.LOST),
        (Phase.MAIL, 452, "4.3.1", "Insufficient system storage", Fate.BUSY),
        (Phase.RCPT, 452, "4.2.2", "Too many messages in this mailbox", Fate.BUSY),
        # about the recipient
        (Phase.RCPT, 550, "5.1.1", "x", Fate.DEAD),
        (Phase.RCPT, 550, "5.1.2", "x", Fate.DEAD),
        (Phase.RCPT, 553, "5.1.3", "x", Fate.DEAD),
        (Phase.RCPT, 551, "5.1.6", "moved", Fate.DEAD),
        (Phase.RCPT, 556, "5.1.10", "null MX", Fate.DEAD),
        (Phase.RCPT, 550, "", "No such user here", Fate.DEAD),
        (Phase.RCPT, 550, "", "<a@b.c>: Recipient address rejected: User unknown in table", Fate.DEAD),
        (Phase.RCPT, 553, "", "unknown local mailbox", Fate.DEAD),
        (Phase.RCPT, 550, "", "The user <a@b.c> does not exist", Fate.DEAD),
        (Phase.RCPT, 551, "", "Mailbox not found", Fate.DEAD),
        (Phase.RCPT, 550, "", "Sender address rejected: Domain does not exist", Fate.REFUSED),
        (Phase.RCPT, 550, "", "Requested action not taken: mailbox unavailable", Fate.REFUSED),
        (Phase.RCPT, 550, "5.7.1", "user unknown to our allow list", Fate.REFUSED),
        (Phase.RCPT, 550, "5.7.515", "not authenticated", Fate.REFUSED),
        (Phase.RCPT, 552, "5.2.2", "mailbox full", Fate.REFUSED),
        (Phase.RCPT, 554, "", "No such user here", Fate.REFUSED),
        (Phase.RCPT, 550, "5.1.8", "bad sender", Fate.REFUSED),
        (Phase.RCPT, 452, "4.5.3", "too many recipients", Fate.BUSY),
        (Phase.RCPT, 552, "", "Too many recipients", Fate.BUSY),
        (Phase.RCPT, 421, "", "busy", Fate.BUSY),
        (Phase.RCPT, 450, "4.2.1", "greylisted", Fate.BUSY),
        # about the content
        (Phase.DATA, 554, "5.5.1", "no valid recipients", Fate.REFUSED),
        (Phase.DATA, 451, "", "later", Fate.BUSY),
        (Phase.CONTENT, 550, "5.1.1", "too late to say so", Fate.REFUSED),
        (Phase.CONTENT, 554, "5.7.1", "spam", Fate.REFUSED),
        (Phase.CONTENT, 452, "4.3.1", "disk full", Fate.BUSY),
        (Phase.CONTENT, 421, "", "going down", Fate.BUSY),
    ],
)  # fmt: skip
def test_what_a_refusal_means(phase: Phase, code: int, enhanced: str, text: str, fate: Fate) -> None:
    assert classify(phase, code, enhanced, text) is fate
