"""Signatures that hold whatever a reader is called, that survive relays, and that nobody can get around.

Two strangers judge: dkimpy and OpenDKIM.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.errors import Misuse
from newsletter.mail.addresses import parse_address
from newsletter.mail.dkim import OVERSIGNED, Plan, Signing
from newsletter.mail.headers import header, is_clean
from newsletter.mail.message import Compiled
from newsletter.mail.segments import encode, split
from tests.mail.test_message import HOLE, LETTERHEAD, LINKS, OLENA, RENDITION
from tests.mail.verifiers import OpenDkim, dkimpy_says
from tests.signers import signers

DOMAIN = "harbour.example"
Says = Callable[[bytes], list[bool]]
BOTH = [True, True]
NEITHER = [False, False]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Signing, dict[str, str]]:
    return signers(tmp_path_factory.mktemp("keys"), DOMAIN)


@pytest.fixture(scope="module")
def signing(keys: tuple[Signing, dict[str, str]]) -> Signing:
    return keys[0]


@pytest.fixture(scope="module")
def mail(signing: Signing) -> Compiled:
    return Compiled(RENDITION, LETTERHEAD, LINKS, signing)


@pytest.fixture(scope="module", params=["dkimpy", "OpenDKIM"])
def says(
    request: pytest.FixtureRequest,
    keys: tuple[Signing, dict[str, str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Says]:
    """Asks a stranger whether the signatures of a mail are good, RSA's and Ed25519's."""
    if request.param == "dkimpy":
        yield lambda mail: dkimpy_says(mail, keys[1])
        return
    stranger = OpenDkim(tmp_path_factory.mktemp("opendkim"), keys[1])
    assert stranger.knows_ed25519
    yield stranger.says
    stranger.close()


# ── whatever a reader is called ─────────────────────────────────────────────────────────────────


def accepted(text: str) -> str:
    """The address as it would be stored, or empty when it is refused."""
    try:
        return parse_address(text).normalised
    except Misuse:
        return ""


atoms = st.from_regex(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,24}", fullmatch=True) | st.text(
    st.characters(categories=["L", "M", "N", "S"]), min_size=1, max_size=20
)
locals_ = st.lists(atoms, min_size=1, max_size=3).map(".".join)
domains = st.sampled_from(["readers.example", "b.example", "bücher.example", f"{'x' * 63}.example"])
addresses = st.builds("{}@{}".format, locals_, domains).map(accepted).filter(bool)
names = st.one_of(
    st.text(max_size=80),
    st.text(st.sampled_from(" \t\"\\,;:<>()@=?_'\u00a0\u2028\u200b.aé"), max_size=80),
    st.sampled_from(
        [
            "", "  two  blanks  ", "\tTab", "Olena\t\tK.", "a " * 60, "x" * 300, "Ім'я " * 40, '"', "\\",
            "=?utf-8?B?eA==?=", "a\u00a0b", "a\u3000 b", "O\x0bK", "O\x0cK", "O\r\nBcc: x@y.example",
            "DKIM-Signature: v=1;", "b=; bh=",
        ]
    ),
)  # fmt: skip


@settings(deadline=None, max_examples=200)
@given(names, addresses, st.integers(1, 2**40))
def test_a_mail_verifies_whatever_its_reader_is_called(
    mail: Compiled, says: Says, name: str, address: str, number: int
) -> None:
    raw = mail.fill(OLENA._replace(name=name, address=address, subscriber_id=number))
    assert says(raw) == BOTH
    for relay in RELAYS:
        assert says(relay(raw)) == BOTH, relay


# Without the bracket that begins a hole of these tests
texts = st.text(st.characters(codec="utf-8", exclude_characters="["), max_size=200) | st.sampled_from(
    ["two  blanks \t\n\n\n", "a \r\nb\t\rc ", " ", ".\n", "From here ", "x" * 200, "\n\n"]
)
words = st.text(max_size=80).filter(lambda text: is_clean(text) and bool(text.strip()))


@settings(deadline=None)
@given(texts, texts, words, words, st.booleans())
def test_a_mail_verifies_whatever_editors_write(
    signing: Signing, says: Says, before: str, after: str, subject: str, name: str, has_reply: bool
) -> None:
    source = f"{before}[greeting]{after}[unsubscribe_url] end"
    rendition = replace(RENDITION, subject=subject, html=split(source, HOLE), text=split(source, HOLE))
    letterhead = replace(LETTERHEAD, from_name=name, newsletter_name=name)
    if not has_reply:
        letterhead = replace(letterhead, reply_to="", help_url="", archived_at="", feedback_id="")
    raw = Compiled(rendition, letterhead, LINKS, signing).fill(OLENA)
    assert says(raw) == says(refolded(raw)) == says(padded(raw)) == BOTH


# ── on the way ──────────────────────────────────────────────────────────────────────────────────


def parts(raw: bytes) -> tuple[list[bytes], bytes]:
    """The headers, each without its last line end, and the body."""
    head, _, body = raw.partition(b"\r\n\r\n")
    return re.split(rb"\r\n(?![ \t])", head), body


def joined(headers: list[bytes], body: bytes) -> bytes:
    return b"".join(line + b"\r\n" for line in headers) + b"\r\n" + body


def trimmed(raw: bytes) -> bytes:
    """Blanks at the ends of lines are taken off, and empty lines at the end of the mail."""
    lines = [line.rstrip(b" \t") for line in raw.rstrip(b"\r\n").split(b"\r\n")]
    return b"\r\n".join(lines) + b"\r\n"


def refolded(raw: bytes) -> bytes:
    """Every header is broken wherever it has a blank, and its name spelt another way."""
    headers, body = parts(raw)
    made = []
    for line in headers:
        name, _, value = line.partition(b":")
        made.append(name.upper() + b":" + re.sub(rb"[ \t]+", b"\r\n\t ", value.replace(b"\r\n", b"")))
    return joined(made, body)


def unfolded(raw: bytes) -> bytes:
    headers, body = parts(raw)
    return joined([line.replace(b"\r\n", b"") for line in headers], body)


def padded(raw: bytes) -> bytes:
    """Blanks after every line, more blanks where there is one, and empty lines at the end."""
    headers, body = parts(raw)
    made = [re.sub(rb"(?<=[^\r\n]) (?=[^\r\n])", b" \t ", line) + b" \t" for line in headers]
    lines = [re.sub(rb" ", b"\t  ", line) + b"  \t" for line in body.split(b"\r\n")]
    return joined(made, b"\r\n".join(lines) + b"\r\n\r\n \r\n\r\n")


def received(raw: bytes) -> bytes:
    """What relays write above a mail, and what some add below."""
    headers, body = parts(raw)
    above = [b"Received: from a.example by b.example; Wed, 18 Feb 2026 14:00:03 +0000", b"X-Spam: no"]
    return joined([*above, *headers, b"X-Relay: 7"], body)


RELAYS = (trimmed, refolded, unfolded, padded, received)


def test_the_relays_of_these_tests_do_change_a_mail(mail: Compiled) -> None:
    raw = mail.fill(OLENA._replace(name="Olena  K."))
    assert len({raw, refolded(raw), unfolded(raw), padded(raw), received(raw)}) == 5
    assert b"\r\n\tK." not in raw and raw.count(b"DKIM-Signature: ") == 2
    assert trimmed(padded(raw)) != padded(raw)


# ── what nobody can change ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", OVERSIGNED)
@pytest.mark.parametrize("reply_to", ["desk@harbour.example", ""])
def test_a_second_header_of_these_breaks_it(signing: Signing, says: Says, name: str, reply_to: str) -> None:
    raw = Compiled(RENDITION, replace(LETTERHEAD, reply_to=reply_to), LINKS, signing).fill(OLENA)
    headers, body = parts(raw)
    added = f"{name}: evil@x.example".encode()
    assert says(joined([added, *headers], body)) == NEITHER
    assert says(joined([*headers, added], body)) == NEITHER


SIGNED = (
    *OVERSIGNED, "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "List-Help", "Archived-At",
    "Feedback-ID",
)  # fmt: skip


@pytest.mark.parametrize("name", SIGNED)
def test_none_of_these_can_be_changed_or_taken_out(mail: Compiled, says: Says, name: str) -> None:
    headers, body = parts(mail.fill(OLENA))
    (place,) = (place for place, line in enumerate(headers) if line.startswith(f"{name}:".encode()))
    assert True not in says(joined(headers[:place] + headers[place + 1 :], body))
    headers[place] += b"x"
    assert says(joined(headers, body)) == NEITHER


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Quay Street", b"Quay street"), (b"/unsubscribe/", b"/unsubscribo/"),
        (b"Good morning", b"Good evening"), (b"\r\n--=_", b"\r\n\r\n--=_"),
    ],
)  # fmt: skip
def test_no_word_of_the_body_can_be_changed(mail: Compiled, says: Says, old: bytes, new: bytes) -> None:
    headers, body = parts(mail.fill(OLENA))
    assert says(joined(headers, body.replace(old, new, 1))) == NEITHER


def test_a_signature_vouches_for_one_reader_alone(mail: Compiled, says: Says) -> None:
    one, other = mail.fill(OLENA), mail.fill(OLENA._replace(subscriber_id=8))
    assert says(parts(one)[0][0] + b"\r\n" + other) == [False, True, True]


# ── what is written ─────────────────────────────────────────────────────────────────────────────


def tags(signature: bytes) -> dict[str, str]:
    words = b"".join(signature.partition(b":")[2].split()).decode()
    return dict(tag.split("=", 1) for tag in words.split(";"))


def test_the_signature_says_whose_it_is_and_what_it_covers(mail: Compiled) -> None:
    headers, _ = parts(mail.fill(OLENA))
    rsa, ed25519 = map(tags, headers[:2])
    assert (rsa["a"], rsa["s"], ed25519["a"], ed25519["s"]) == (
        "rsa-sha256", "rsa", "ed25519-sha256", "ed25519",
    )  # fmt: skip
    for told in (rsa, ed25519):
        assert (told["v"], told["c"], told["d"], told["t"]) == ("1", "relaxed/relaxed", DOMAIN, "1771423200")
        assert told.keys() == {"v", "a", "c", "d", "s", "t", "h", "bh", "b"}, "no l=, which lets mails grow"
        covered = told["h"].split(":")
        assert {name.lower() for name in SIGNED} == set(covered)
        assert {name for name in covered if covered.count(name) == 2} == {name.lower() for name in OVERSIGNED}
    assert all(max(map(len, line.split(b"\r\n"))) <= 78 for line in headers[:2])


def test_one_key_signs_once_and_none_not_at_all(signing: Signing, says: Says) -> None:
    for key in signing.keys:
        assert says(Compiled(RENDITION, LETTERHEAD, LINKS, Signing((key,))).fill(OLENA)) == [True]
    plain = Compiled(RENDITION, LETTERHEAD, LINKS, Signing()).fill(OLENA)
    signed = Compiled(RENDITION, LETTERHEAD, LINKS, signing).fill(OLENA)
    assert b"DKIM" not in plain and signed.endswith(b"\r\n" + plain)


def test_a_domain_above_signs_for_the_senders_below(signing: Signing, says: Says) -> None:
    below = replace(LETTERHEAD, from_address=f"post@mail.{DOMAIN}")
    assert says(Compiled(RENDITION, below, LINKS, replace(signing, domain=DOMAIN)).fill(OLENA)) == BOTH
    assert says(Compiled(RENDITION, below, LINKS, signing).fill(OLENA)) == NEITHER, "DNS has no such key"


def test_a_mail_that_is_the_only_one_of_its_kind_is_signed_too(signing: Signing, says: Says) -> None:
    """A letter: all its headers are common, and it has none of a list."""
    headers = b"".join(
        header(name, [value])
        for name, value in (
            ("From", f"post@{DOMAIN}"), ("To", "olena@readers.example"), ("Subject", "Confirm"),
            ("Auto-Submitted", "auto-generated"),
        )
    )  # fmt: skip
    body = encode("Is it you?\n") + encode("Yes.\n")
    signatures = Plan(signing, DOMAIN, headers, (), LETTERHEAD.date).sign((), body)
    assert says(signatures + headers + b"\r\n" + body) == BOTH
    assert says(signatures + headers.replace(b"generated", b"replied") + b"\r\n" + body) == NEITHER


@pytest.mark.parametrize("field", ["selector", "domain"])
@pytest.mark.parametrize("poison", ["\r\nBcc: x@y.example", "\n", "\0", "\x85", "\u2028"])
def test_no_name_of_a_key_carries_a_second_header(signing: Signing, field: str, poison: str) -> None:
    """The configuration refuses them before; the one function that writes headers does so again."""
    key = signing.keys[0]
    hostile = (
        Signing((replace(key, selector=key.selector + poison),))
        if field == "selector"
        else replace(signing, domain=DOMAIN + poison)
    )
    with pytest.raises(Misuse, match="DKIM-Signature"):
        Compiled(RENDITION, LETTERHEAD, LINKS, hostile)
