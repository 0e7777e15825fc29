"""Addresses: one reading, or none."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import Misuse
from newsletter.mail import addresses
from newsletter.mail.addresses import (
    Address,
    as_written,
    is_wire_safe,
    lane_of,
    parse_address,
    without_addresses,
)


@pytest.mark.parametrize(
    ("text", "normalised", "needs_smtputf8"),
    [
        ("alice@readers.example", "alice@readers.example", False),
        ("  Alice@Readers.EXAMPLE \n", "Alice@readers.example", False),
        ("alice@readers.example.", "alice@readers.example", False),
        ("o'brien+news@sub.readers.test", "o'brien+news@sub.readers.test", False),
        ("bob@printer.localhost", "bob@printer.localhost", False),
        ("bob@nowhere.invalid", "bob@nowhere.invalid", False),
        ("hans@München.example", "hans@xn--mnchen-3ya.example", False),
        ("hans@xn--mnchen-3ya.example", "hans@xn--mnchen-3ya.example", False),
        ("олена@пошта.укр", "олена@xn--80a1acn3a.xn--j1amh", True),
        ("jose\u0301@readers.example", "jos\u00e9@readers.example", True),
    ],
)
def test_the_stored_form(text: str, normalised: str, needs_smtputf8: bool) -> None:
    address = parse_address(text)
    assert address.normalised == normalised
    assert address.domain == normalised.rpartition("@")[2]
    assert address.needs_smtputf8 is needs_smtputf8
    assert is_wire_safe(address.normalised)
    assert parse_address(address.normalised) == address


@pytest.mark.parametrize(
    "text",
    [
        "", "alice", "alice@", "@readers.example", "alice@readers", "alice@localhost", "alice@[127.0.0.1]",
        "alice@127.0.0.1", "a@b@readers.example", '"a@evil x"@readers.example', '"a"@readers.example',
        "alice@readers.example, bob@readers.example", "alice@readers.example bob@readers.example",
        "Alice <alice@readers.example>", "alice(comment)@readers.example", "<alice@readers.example>", "<>",
        "@route:alice@readers.example", "group:alice@readers.example;", "=?utf-8?q?x?=@readers.example",
        "\uff41@readers.example", "alice@\uff52eaders.example", "alice@readers\u3002example",
        "alice\u200b@readers.example", "ali ce@readers.example", "alice@readers.example..",
        ".alice@readers.example", "a..b@readers.example", "x" * 65 + "@readers.example",
        "a@" + "b." * 150 + "example", "a" * 400 + "@readers.example",
        *(f"a{p}@readers.example" for p in ("\r\nRCPT TO:<x@y>", "\n", "\r", "\0", "\x85", "\u2028", "\x1b")),
        *(f"a@readers.example{p}x" for p in ("\r\n", "\n", "\r", "\0", "\x85", "\u2028")),
    ],
)  # fmt: skip
def test_what_could_be_read_in_two_ways_is_refused(text: str) -> None:
    with pytest.raises(Misuse) as caught:
        parse_address(text)
    assert len(caught.value.sentence) < 400
    assert not any(ord(letter) < 32 for letter in caught.value.sentence)


@pytest.mark.parametrize(
    ("domain", "lane"),
    [
        ("gmail.com", "gmail"), ("googlemail.com", "gmail"), ("hotmail.com", "microsoft"),
        ("hotmail.co.uk", "microsoft"), ("live.nl", "microsoft"), ("outlook.com.br", "microsoft"),
        ("yahoo.co.jp", "yahoo"), ("aol.com", "yahoo"), ("me.com", "icloud"), ("wanadoo.fr", "orange"),
        ("readers.example", "rest"), ("notgmail.com", "rest"), ("gmail.com.evil.example", "rest"),
        ("yahoo.evil.example", "rest"), ("", "rest"),
    ],
)  # fmt: skip
def test_lanes(domain: str, lane: str) -> None:
    assert lane_of(domain) == lane


_ATOM = st.text("abcXYZ019._+-", min_size=1, max_size=70)
_DOMAIN = st.text("abXz09.-", min_size=1, max_size=30) | st.sampled_from(
    ["x.example", "xn--bcher-kva.example", "x.test", "xn--a.example", "localhost", "127.0.0.1", "a.b" * 80]
)


@given(_ATOM, _DOMAIN)
def test_plain_addresses_are_read_as_all_others(local: str, domain: str) -> None:
    """There is a short way for what nearly every address is; it leads where the long one does."""

    def reading(parse: Callable[[str], Address]) -> Address | None:
        try:
            return parse(f"{local}@{domain}")
        except Misuse:
            return None

    assert reading(parse_address) == reading(addresses._parse)


@pytest.mark.parametrize(
    ("stored", "written"),
    [
        ("a@xn--bcher-kva.example", "a@bücher.example"), ("a@b.example", "a@b.example"),
        ("a@xn--zzzzzzz-.example", "a@xn--zzzzzzz-.example"),
        ("", ""),
    ],
)  # fmt: skip
def test_an_address_is_shown_as_its_owner_writes_it(stored: str, written: str) -> None:
    assert as_written(stored) == written


def test_a_servers_words_are_kept_without_addresses() -> None:
    words = "550 5.1.1 <Rosalind@readers.example>: unknown; ask olena@пошта.example."
    assert without_addresses(words) == "550 5.1.1 <…>: unknown; ask …"
