"""What may go over the wire, whole or in segments: nothing in it ends the mail early."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import Misuse
from newsletter.mail.content import Content, Mould, content_of
from tests.mail.test_message import OLENA, compiled

HEAD = b"Subject: x\r\n\r\n"
FIT = [b"", b"a", b"a\r\n", b"=\r\nb", b"a.", b"x.\r\nb"]
UNFIT = [b".", b".a", b"\n", b"\r", b"a\r", b"\nb", b"a\r\n.", b"a\r\n.\r\nb", b"\r\r\n"]


def unstuffed(wire: bytes) -> bytes:
    return re.sub(rb"(?m)^\.", b"", wire)


@given(st.lists(st.sampled_from([*FIT, *UNFIT]), max_size=8))
def test_no_content_holds_its_own_end(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    try:
        content = content_of(data)
    except Misuse:
        assert re.search(rb"(?<!\r)\n|\r(?!\n)", data)
        return
    wire = b"".join(content.segments)
    assert wire.endswith(b"\r\n")
    assert not re.search(rb"(?m)^\.\r\n", wire)
    assert unstuffed(wire) in (data, data + b"\r\n")
    assert content.size == len(unstuffed(wire))


@given(st.lists(st.one_of(st.sampled_from([*FIT, *UNFIT]), st.sampled_from(["one", "two"])), max_size=6),
       st.sampled_from([*FIT, *UNFIT]), st.sampled_from([*FIT, *UNFIT]))  # fmt: skip
def test_a_mould_gives_what_is_fit_or_refuses(pieces: list[bytes | str], one: bytes, two: bytes) -> None:
    values = {"one": one, "two": two}
    pieces = [*pieces, b"the end\r\n"]
    joined = HEAD + b"".join(values[piece] if isinstance(piece, str) else piece for piece in pieces)
    parts = [values[piece] if isinstance(piece, str) else piece for piece in pieces]
    try:
        content = Mould(pieces).content(HEAD, values)
    except Misuse:
        assert any(part in UNFIT for part in parts) or b"\r\n." in joined
        return
    wire = b"".join(content.segments)
    assert wire == joined
    assert not re.search(rb"\r\n\.|(?<!\r)\n|\r(?!\n)", wire)
    assert content.size == len(wire)


@pytest.mark.parametrize("poison", UNFIT)
def test_a_value_or_a_head_that_could_end_the_mail_is_refused(poison: bytes) -> None:
    mould = Mould([b"Hello ", "name", b"=\r\nbye\r\n"])
    with pytest.raises(Misuse):
        mould.content(HEAD, {"name": poison})
    with pytest.raises(Misuse):
        mould.content(poison, {"name": b"Olena"})
    with pytest.raises(Misuse):
        Mould([b"a", "name", poison, "name", b"b\r\n"])
    for end in ([b"no end of line"], [b"a\r\n", "name"]):
        with pytest.raises(Misuse):
            Mould(end)


def test_letters_beyond_ascii_are_known_by_where_they_stand() -> None:
    mould = Mould([b"Hello ", "name", b"\r\n"])
    plain = mould.content(HEAD, {"name": b"Olena"})
    assert (plain.needs_utf8, plain.needs_8bit) == (False, False)
    assert mould.content("To: олена@x\r\n\r\n".encode(), {"name": b"O"}).needs_utf8
    assert mould.content(HEAD, {"name": "О".encode()}).needs_8bit
    assert Mould(["ї\r\n".encode()]).content(HEAD, {}).needs_8bit


def test_copies_of_an_edition_share_all_but_what_is_their_own() -> None:
    edition = compiled()
    one, two = edition.content(OLENA), edition.content(OLENA)
    assert isinstance(one, Content) and b"".join(one.segments) == edition.fill(OLENA)
    shared = [a is b for a, b in zip(one.segments, two.segments, strict=True)]
    assert sum(shared) > len(shared) // 2
