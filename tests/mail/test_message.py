"""A whole mail: byte for byte, as mailboxes read it, and whatever names and settings try."""

from __future__ import annotations

import email
import email.policy
import re
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from html import escape
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.errors import Misuse
from newsletter.mail.dkim import Signing
from newsletter.mail.greeting import greet
from newsletter.mail.links import Keys, Links
from newsletter.mail.message import Compiled, Proof
from newsletter.mail.segments import split
from newsletter.values import Letterhead, Recipient, Rendition

GOLDEN = Path(__file__).parent.parent / "golden" / "whole.eml"
HOLE = re.compile(r"\[(\w+)\]")
TEXT = (
    "[greeting]\n\nThe bridge opens – at last. = . \n.\n\nRead it: [web_url]\n"
    "To [email]. Leave: [unsubscribe_url]\nChoose: [preferences_url]\n\n1 Quay Street\n"
)
HTML = (
    '<!DOCTYPE html><html lang="en" dir="ltr"><body>\n<p>[greeting]</p>\n'
    "<h1>The bridge opens – at last.</h1>\n"
    '<p><a href="[web_url]">On the web</a> for [email]. <a href="[unsubscribe_url]">Leave</a>, '
    '<a href="[preferences_url]">choose</a>.</p>\n</body></html>\n'
)
RENDITION = Rendition(
    subject="The bridge opens, and nine other stories",
    preheader="At last.",
    theme="default",
    html=split(HTML, HOLE),
    text=split(TEXT, HOLE),
    hash="0123456789abcdef" * 4,
)
LETTERHEAD = Letterhead(
    newsletter_id=3,
    newsletter_slug="post",
    newsletter_name="The Harbour Post",
    edition_id=5,
    edition_slug="2026-02-18",
    language="en",
    from_name="",
    from_address="post@harbour.example",
    reply_to="desk@harbour.example",
    return_path="bounces+{token}@harbour.example",
    list_id="post.harbour.example",
    help_url="https://news.harbour.example/n/post",
    archived_at="https://news.harbour.example/n/post/2026-02-18",
    feedback_id="2026-02-18:post:news:harbour",
    date=datetime(2026, 2, 18, 14, 0, tzinfo=UTC),
)
LINKS = Links("https://news.harbour.example", Keys([bytes(range(32))]))
OLENA = Recipient(subscriber_id=7, address="olena@readers.example", name="Olena", attempt=1, pos=0)


def compiled(**changes: object) -> Compiled:
    return Compiled(RENDITION, replace(LETTERHEAD, **changes), LINKS, Signing())  # type: ignore[arg-type]


def parsed(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert [part.defects for part in message.walk()] == [[], [], []]
    return message


def direct(source: str, values: dict[str, str]) -> str:
    return HOLE.sub(lambda hole: values[hole[1]], source)


def values_for(recipient: Recipient, greeting: str) -> dict[str, str]:
    return {
        "greeting": greeting,
        "email": recipient.address,
        "web_url": LINKS.edition("post", "2026-02-18"),
        "unsubscribe_url": LINKS.leave(recipient.subscriber_id, 3),
        "preferences_url": LINKS.preferences(recipient.subscriber_id),
    }


def test_the_whole_mail_byte_for_byte() -> None:
    assert compiled().fill(OLENA) == GOLDEN.read_bytes()


def test_mailboxes_read_every_header() -> None:
    message = parsed(compiled().fill(OLENA))
    assert {
        name: str(value) for name, value in message.items() if name not in ("Message-ID", "Content-Type")
    } == {
        "From": "The Harbour Post <post@harbour.example>",
        "To": "Olena <olena@readers.example>",
        "Subject": "The bridge opens, and nine other stories",
        "Date": "Wed, 18 Feb 2026 14:00:00 +0000",
        "Reply-To": "desk@harbour.example",
        "List-Id": "The Harbour Post <post.harbour.example>",
        "List-Unsubscribe": f"<{LINKS.leave(7, 3)}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "List-Help": "<https://news.harbour.example/n/post>",
        "Archived-At": "<https://news.harbour.example/n/post/2026-02-18>",
        "Feedback-ID": "2026-02-18:post:news:harbour",
        "Precedence": "bulk",
        "MIME-Version": "1.0",
    }
    assert re.fullmatch(r"<[0-9a-f]{32}@harbour\.example>", message["Message-ID"])
    assert len(message.keys()) == len(set(message.keys()))
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


@settings(deadline=None)
@given(st.text(max_size=60), st.integers(1, 2**40))
def test_both_parts_decode_to_what_was_filled_in(name: str, subscriber_id: int) -> None:
    recipient = OLENA._replace(name=name, subscriber_id=subscriber_id)
    raw = compiled().fill(recipient)
    values = values_for(recipient, greet(name, "en"))
    text, html = parsed(raw).iter_parts()
    assert text.get_content().replace("\r\n", "\n") == direct(TEXT, values)
    escaped = {hole: escape(value) for hole, value in values.items()}
    assert html.get_content().replace("\r\n", "\n") == direct(HTML, escaped)
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\r\n\.|[^\x01-\x7f]", raw)
    _, _, body = raw.partition(b"\r\n\r\n")
    assert max(map(len, body.split(b"\r\n"))) <= 76
    assert parsed(raw)["To"].addresses[0].addr_spec == recipient.address
    assert len(parsed(raw)["To"].addresses) == 1


@pytest.mark.parametrize("poison", ["\r\nBcc: x@y.example", "\n", "\0", "\x85", "\u2028", "\ud800"])
def test_a_name_that_attacks_is_left_out_and_its_reader_is_not(poison: str) -> None:
    message = parsed(compiled().fill(OLENA._replace(name=f"Olena{poison}")))
    assert message["To"] == "olena@readers.example"
    text, _ = message.iter_parts()
    assert text.get_content().startswith("Good morning.\r\n")


POISON = ["\r\nRCPT TO:<x@y.example>", "\r\nBcc: x@y.example", "\n", "\r", "\0", "\x85", "\u2028"]


@pytest.mark.parametrize("poison", POISON)
@pytest.mark.parametrize(
    "field",
    ["newsletter_name", "from_name", "from_address", "reply_to", "return_path", "list_id", "help_url",
     "archived_at", "feedback_id"],
)  # fmt: skip
def test_a_letterhead_cannot_carry_a_second_header(field: str, poison: str) -> None:
    value = getattr(LETTERHEAD, field) or "Post"
    for attack in (value + poison, poison + value, value[:6] + poison + value[6:]):
        with pytest.raises(Misuse):
            compiled(**{field: attack + "x"})


@pytest.mark.parametrize("poison", POISON)
def test_a_subject_cannot_carry_a_second_header(poison: str) -> None:
    with pytest.raises(Misuse, match=r"[sS]ubject"):
        Compiled(replace(RENDITION, subject=f"News{poison}x"), LETTERHEAD, LINKS, Signing())


@pytest.mark.parametrize("poison", POISON)
def test_a_stored_address_that_went_bad_is_refused(poison: str) -> None:
    with pytest.raises(Misuse, match="To header"):
        compiled().fill(OLENA._replace(address=f"olena@readers.example{poison}"))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("feedback_id", "a:b:c:d:harbour"),
        ("feedback_id", "a:b:c:four"),
        ("feedback_id", "a:b:c:sixteen-letters--"),
        ("feedback_id", "a b:c:harbour"),
        ("list_id", "nodots"),
        ("list_id", "a.b>, <c.d"),
        ("help_url", "http://news.harbour.example/"),
        ("help_url", "ftp://news.harbour.example/"),
        ("help_url", "https://news.harbour.example/>, <mailto:x@y.example"),
        ("archived_at", "https://[::1/"),
        ("return_path", "bounces+{token}{token}@harbour.example"),
        ("return_path", "the-bounces-of-harbour+{token}@harbour.example"),
        ("return_path", "bounces{other}\x00@harbour.example"),
        ("from_address", "a@b.example, c@d.example"),
    ],
)
def test_settings_that_no_mail_may_carry(field: str, value: str) -> None:
    with pytest.raises(Misuse) as caught:
        compiled(**{field: value})
    assert caught.value.next_step


@pytest.mark.parametrize(
    "public_url", ["", "http://news.harbour.example", "http://127.0.0.1.evil.example", "//x"]
)
def test_links_are_encrypted_or_lead_to_this_machine(public_url: str) -> None:
    with pytest.raises(Misuse, match="public_url"):
        Compiled(RENDITION, LETTERHEAD, Links(public_url, Keys([bytes(range(32))])), Signing())


@pytest.mark.parametrize(
    "public_url", ["http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000"]
)
def test_rehearsals_link_to_this_machine(public_url: str) -> None:
    raw = Compiled(RENDITION, LETTERHEAD, Links(public_url, Keys([bytes(range(32))])), Signing()).fill(OLENA)
    assert parsed(raw)["List-Unsubscribe"].startswith(f"<{public_url}/unsubscribe/")


def test_bounces_come_back_with_a_token_of_their_delivery() -> None:
    mail = compiled()
    sender = mail.envelope_sender(OLENA)
    assert sender == f"bounces+{LINKS.verp(5, 7)}@harbour.example"
    assert len(sender.partition("@")[0]) <= 64
    assert sender != mail.envelope_sender(OLENA._replace(subscriber_id=8))
    assert compiled(return_path="").envelope_sender(OLENA) == "post@harbour.example"
    assert compiled(return_path="back@harbour.example").envelope_sender(OLENA) == "back@harbour.example"


def test_the_message_id_is_the_deliverys_own_and_stays() -> None:
    def message_id(recipient: Recipient, **changes: object) -> str:
        return str(parsed(compiled(**changes).fill(recipient))["Message-ID"])

    first = message_id(OLENA)
    assert message_id(OLENA._replace(attempt=2, pos=9)) == first
    assert message_id(OLENA, date=datetime(2026, 2, 18, 15, tzinfo=UTC)) == first
    assert message_id(OLENA._replace(subscriber_id=8)) != first
    assert message_id(OLENA, edition_id=6) != first


def test_a_proof_says_so_and_can_change_nothing() -> None:
    preview = LINKS.preview(
        "post", "2026-02-18", edition_id=5, version=1, expires=datetime(2026, 3, 1, tzinfo=UTC)
    )
    raw = Compiled(RENDITION, LETTERHEAD, LINKS, Signing(), proof=Proof(preview)).fill(OLENA)
    message = parsed(raw)
    assert message["Subject"] == "[Test] The bridge opens, and nine other stories"
    token = message["List-Unsubscribe"].rpartition("/")[2].rstrip(">")
    assert LINKS.read_leave(token) == (0, 3)  # nobody's
    text, html = (part.get_content() for part in message.iter_parts())
    for part in (text, html):
        assert preview in part
        assert LINKS.leave(7, 3) not in part
        assert LINKS.preferences(7) not in part
    later = Compiled(
        RENDITION,
        replace(LETTERHEAD, date=datetime(2026, 2, 18, 14, 1, tzinfo=UTC)),
        LINKS,
        Signing(),
        proof=Proof(preview),
    )
    assert parsed(later.fill(OLENA))["Message-ID"] != message["Message-ID"]


@pytest.mark.parametrize("name", ["Ім'я " * 40, "x" * 200, "n, " * 60])
def test_long_names_stay_within_their_lines(name: str) -> None:
    raw = compiled().fill(OLENA._replace(name=name.strip()))
    assert max(map(len, raw.split(b"\r\n"))) <= 110  # only the leave link may be longer than 76


@pytest.mark.parametrize(
    ("name", "language", "greeting"),
    [
        ("Olena", "en", "Good morning, Olena."),
        ("Olena", "en-GB", "Good morning, Olena."),
        ("", "en", "Good morning."),
        ("  ", "en", "Good morning."),
        ("Олена", "uk", "Доброго ранку, Олена."),
        ("", "uk-UA", "Доброго ранку."),
        ("Olena", "fr", "Good morning, Olena."),
        ("Seán O'Brien-Ní", "en", "Good morning, Seán O'Brien-Ní."),
        ("J. R. Smith Jr.", "en", "Good morning, J. R. Smith Jr."),
        ("अनीता", "en", "Good morning, अनीता."),
        ("evil.example", "en", "Good morning."),
        ("https://evil.example", "en", "Good morning."),
        ("win 100 €", "en", "Good morning."),
        ("a@b.example", "en", "Good morning."),
        ("{0.__class__}", "en", "Good morning."),
        ("<b>x</b>", "en", "Good morning."),
        ("x\u202ey", "en", "Good morning."),
        ("x\ny", "en", "Good morning."),
        ("x" * 41, "en", "Good morning."),
        ("-", "en", "Good morning."),
    ],
)
def test_greetings(name: str, language: str, greeting: str) -> None:
    assert greet(name, language) == greeting
