"""A mail's body: cut once, filled for each reader, always legal and always decoding to the same text."""

from __future__ import annotations

import email
import html
import quopri
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.mail.segments import decode, encode, fill, html_value, kept, one_line, split, text_value

HOLE = re.compile("hole612d19ea96cc(name|link)z")
TOKENS = {"name": "hole612d19ea96ccnamez", "link": "hole612d19ea96cclinkz"}

words = st.text(st.characters(codec="utf-8"), max_size=120) | st.sampled_from(
    [
        ".",
        ". .",
        "From me",
        "a = b",
        "=3D",
        "trailing ",
        "before a break \nafter",
        "two  spaces",
        "\ttab",
        "",
        "\r\n",
        "\n.\n",
        "\r",
        " ",
    ]
)
tails = st.text(st.characters(codec="utf-8"), max_size=120).map(lambda text: text + " end.")
texts = st.tuples(
    st.lists(st.tuples(words, st.sampled_from(sorted(TOKENS))), max_size=6), tails
).map(lambda made: "".join(literal + TOKENS[name] for literal, name in made[0]) + made[1])  # fmt: skip
values = st.fixed_dictionaries(dict.fromkeys(TOKENS, words))

SECTIONS = ("World", "Sport", "Life, and so on")
MARK = re.compile("mark612d19ea96cc([0-9])z\n")
pieces = st.lists(
    st.tuples(words, st.sampled_from([*sorted(TOKENS.values()), ""])), max_size=3
).map(lambda made: "".join(map("".join, made)) + "\n")  # fmt: skip
choices = st.sets(st.sampled_from([*SECTIONS, "one that is not there today"]))


def directly(text: str, values: dict[str, str]) -> str:
    """What a renderer without segments would have written."""
    template = re.sub(r"\r\n|\r", "\n", text)  # first, for an empty value may stand between CR and LF
    return HOLE.sub(lambda hole: one_line(values[hole[1]]), template).rstrip() + "\n"


def relaxed(body: bytes) -> bytes:
    """RFC 6376 §3.4.4, written from its text: the canonical form that a verifier hashes."""
    lines = [re.sub(rb"[ \t]+$", b"", re.sub(rb"[ \t]+", b" ", line)) for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)


@given(texts, values)
def test_a_filled_body_reads_as_if_rendered_directly(text: str, values: dict[str, str]) -> None:
    filled = fill(split(text, HOLE), {name: text_value(value) for name, value in values.items()})
    assert decode(filled) == directly(text, values)
    assert quopri.decodestring(filled).decode().replace("\r\n", "\n") == directly(text, values)


@given(texts, values)
def test_every_line_of_a_filled_body_is_legal_and_canonical(text: str, values: dict[str, str]) -> None:
    must_be_legal(fill(split(text, HOLE), {name: text_value(value) for name, value in values.items()}))


def must_be_legal(filled: bytes) -> None:
    assert re.fullmatch(rb"(?:[ -~]*\r\n)+", filled), "only printable ASCII in CRLF lines"
    for line in filled.split(b"\r\n"):
        assert len(line) <= 76
        assert not line.startswith((b".", b"From "))
        assert not line.endswith(b" ")
    assert relaxed(filled) == filled


@given(st.lists(pieces, min_size=4, max_size=4), st.lists(pieces, min_size=3, max_size=3), choices, values)
def test_with_any_set_of_spans_it_reads_as_if_rendered_directly(
    around: list[str], inside: list[str], chosen: set[str], values: dict[str, str]
) -> None:
    around[-1] += "end."
    spans = [
        f"mark612d19ea96cc{number}z\n{text}mark612d19ea96cc{number}z\n" for number, text in enumerate(inside)
    ]
    marked = "".join(a + b for a, b in zip(around, [*spans, ""], strict=True))
    staying = [text if name in chosen else "" for name, text in zip(SECTIONS, inside, strict=True)]
    plain = "".join(a + b for a, b in zip(around, [*staying, ""], strict=True))
    body = kept(split(marked, HOLE, MARK, SECTIONS), chosen)
    filled = fill(body, {name: text_value(value) for name, value in values.items()})
    assert decode(filled) == directly(plain, values)
    must_be_legal(filled)


@given(values)
def test_markup_in_a_value_stays_text_in_the_html_part(values: dict[str, str]) -> None:
    body = split(f'<p>{TOKENS["name"]}</p><a href="{TOKENS["link"]}">x</a>', HOLE)
    filled = decode(fill(body, {name: html_value(value) for name, value in values.items()}))
    found = re.fullmatch(r'<p>([^<>]*)</p><a href="([^<>"]*)">x</a>\n', filled)
    assert found
    read = [html.unescape(part) for part in found.groups()]
    assert read == [one_line(values["name"]), one_line(values["link"])]


def test_a_mail_client_reads_the_same_text() -> None:
    text = (
        f"Доброго ранку, {TOKENS['name']}.\n\n.hidden dot\nFrom here on\n{'ї' * 90} {TOKENS['link']} і далі"
    )
    values = {"name": "Олена 👩‍👩‍👧", "link": "https://news.example/u/abc_DEF-123"}
    filled = fill(split(text, HOLE), {name: text_value(value) for name, value in values.items()})
    head = b'Content-Type: text/plain; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
    payload = email.message_from_bytes(head + filled).get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert payload.decode().replace("\r\n", "\n") == directly(text, values)


@pytest.mark.parametrize(
    "hostile",
    ["\n.\n", "\r\n.\r\nMAIL FROM:<x@y.example>", "\r.\r", ".", "\r\n..\r\n", "a" * 74 + "\r\n.\r\nQUIT"],
)
@pytest.mark.parametrize("lead", ["", "x" * 75, "x" * 4095])
def test_neither_values_nor_articles_can_end_the_data(hostile: str, lead: str) -> None:
    body = split(f"{lead}{hostile}{TOKENS['name']}{hostile}end", HOLE)
    filled = fill(body, {"name": text_value(hostile)})
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", filled), "no bare CR or LF"
    assert not re.search(rb"(?:^|\r\n)\.", filled), "no line begins with a dot"


@pytest.mark.parametrize("value", ["Olena", "https://news.example/unsubscribe/abc_DEF-123", "a b c"])
def test_ordinary_values_are_carried_as_they_are(value: str) -> None:
    assert encode(value) == value.encode()


def test_line_ends_are_never_lost_in_the_fast_path() -> None:
    assert encode("a\n") == b"a\r\n"
    assert encode("x" * 76) == b"x" * 75 + b"=\r\nx"


def test_nothing_personal_may_stand_last() -> None:
    with pytest.raises(ValueError, match="nothing follows the last hole"):
        split(f"Leave: {TOKENS['link']}\n", HOLE)


def test_no_section_may_stand_last() -> None:
    with pytest.raises(ValueError, match="nothing follows the last section"):
        split("All.\nmark612d19ea96cc0z\nNews.\nmark612d19ea96cc0z\n", HOLE, MARK, SECTIONS)


def test_a_value_loses_what_could_turn_or_break_a_line() -> None:
    assert one_line("a\u202eb\u2066c\u2028d\x85e\x00f\ud800g") == "a b c d e f g"
    assert one_line("👩‍👩‍👧 नमस्ते می‌خواهم") == "👩‍👩‍👧 नमस्ते می‌خواهم"
