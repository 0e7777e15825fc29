"""Headers are folded, encoded when they must be, and refused when they could end a line."""

from __future__ import annotations

import email
import email.policy
import re
from email.header import decode_header, make_header
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.errors import Misuse
from newsletter.mail.headers import header, mailbox_words, phrase_words, text_words

# C0, DEL, C1, separators: everything that ends a line for somebody
POISON = ["\r\nRCPT TO:<x@y>", "\r\nBcc: x@y"]
POISON += ["\n", "\r", "\0", "\x0b", "\x1b", "\x7f", "\x85", "\x9f", "\u2028", "\u2029", "\ud800"]

written = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=300)


def parsed(*headers: bytes) -> EmailMessage:
    message = email.message_from_bytes(b"".join(headers) + b"\r\n", policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def lines(raw: bytes) -> list[bytes]:
    assert raw.endswith(b"\r\n")
    return raw[:-2].split(b"\r\n")


@pytest.mark.parametrize("poison", POISON)
def test_nothing_ends_a_header_early(poison: str) -> None:
    for attack in (
        lambda: header("Subject", text_words(f"News{poison}", "Subject")),
        lambda: header("Subject", text_words(f"Новини{poison}", "Subject")),
        lambda: header("List-Id", [f"<a{poison}b>"]),
        lambda: header(f"X{poison}", ["x"]),
        lambda: header("From", mailbox_words(f"Post{poison}", "a@b.example", "From")),
        lambda: header("From", mailbox_words("Post" * 40 + poison, "a@b.example", "From")),
        lambda: header("To", mailbox_words("", f"a@b.example{poison}", "To")),
        lambda: header("To", mailbox_words("", f"a{poison}@b.example", "To")),
    ):
        with pytest.raises(Misuse):
            attack()


@pytest.mark.parametrize(
    "address", ["a@b.example, c@d.example", "a@b.example> <c@d.example", "a b@c.example", '"a@b"@c.example',
                "a(b)@c.example", "a@b@c.example", "@b.example", "a@", "", "g: a@b.example;", "a@[127.0.0.1]"]
)  # fmt: skip
def test_an_address_that_could_be_two(address: str) -> None:
    with pytest.raises(Misuse):
        mailbox_words("x", address, "To")


@settings(deadline=None)
@given(written.filter(lambda text: text.strip() == text and text))
def test_a_subject_reads_as_it_was_written(text: str) -> None:
    raw = header("Subject", text_words(text, "Subject"))
    assert parsed(raw)["Subject"] == text
    assert raw.isascii()
    if b"=?utf-8?" in raw:
        assert max(map(len, lines(raw))) <= 76
        for word in re.findall(rb"=\?utf-8\?B\?[^?]*\?=", raw):
            assert len(word) <= 75


@settings(deadline=None)
@given(written.filter(lambda text: text.strip() == text and text))
def test_a_name_reads_as_it_was_written(name: str) -> None:
    raw = header("To", mailbox_words(name, "olena@readers.example", "To"))
    phrase, _, address = raw.decode().replace("\r\n ", " ").removeprefix("To: ").strip().rpartition(" ")
    if phrase.startswith("=?"):
        phrase = str(make_header(decode_header(phrase)))
    elif phrase.startswith('"'):
        phrase = re.sub(r"\\(.)", r"\1", phrase[1:-1])
    assert (phrase, address) == (name, "<olena@readers.example>")
    assert [str(to.addr_spec) for to in parsed(raw)["To"].addresses] == ["olena@readers.example"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Olena", ["Olena"]),
        ("The Harbour Post", ["The", "Harbour", "Post"]),
        ("Smith, John", ['"Smith, John"']),
        ('J. "Bob" \\ Smith', ['"J. \\"Bob\\" \\\\ Smith"']),
        ("=?utf-8?q?x?= @b.c", ["=?utf-8?B?PT91dGYtOD9xP3g/PSBAYi5j?="]),
        ("Олена", ["=?utf-8?B?0J7Qu9C10L3QsA==?="]),
    ],
)
def test_names_are_bare_quoted_or_encoded(name: str, words: list[str]) -> None:
    assert list(phrase_words(name, "To")) == words


def test_links_are_neither_encoded_nor_broken() -> None:
    url = "https://news.example/unsubscribe/" + "A-_9" * 60
    assert header("List-Unsubscribe", [f"<{url}>"]) == f"List-Unsubscribe: <{url}>\r\n".encode()
    two = lines(header("List-Unsubscribe", [f"<{url}>,", f"<{url}>"]))
    assert two == [f"List-Unsubscribe: <{url}>,".encode(), f" <{url}>".encode()]


def test_a_line_that_no_server_takes() -> None:
    with pytest.raises(Misuse, match="List-Help"):
        header("List-Help", ["<https://news.example/" + "x" * 980 + ">"])


def test_a_plain_subject_breaks_between_words_only() -> None:
    subject = "The harbour reopens after the storm, and nine other stories to read before the ferry leaves"
    assert lines(header("Subject", text_words(subject, "Subject"))) == [
        b"Subject: The harbour reopens after the storm, and nine other stories to read",
        b" before the ferry leaves",
    ]
