"""An edition's mail: everything that is common is written once, and a reader costs a fill.

`Compiled` joins a rendition with its letterhead. Whatever could be wrong for everybody (a sender, a
link, an id) is refused when it is built, before anything has begun; what is wrong with one reader's
name costs that reader the name and nobody the mail.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from email.utils import format_datetime
from functools import lru_cache
from urllib.parse import urlsplit

from newsletter.config import is_loopback
from newsletter.errors import Misuse
from newsletter.mail.addresses import is_wire_safe, parse_address
from newsletter.mail.content import Content, Mould
from newsletter.mail.dkim import Plan, Signing
from newsletter.mail.greeting import greet
from newsletter.mail.headers import header, is_clean, mailbox_words, phrase_words, text_words
from newsletter.mail.links import Links
from newsletter.mail.segments import ROOM, SOFT_BREAK, html_value, kept, text_value
from newsletter.values import Body, Letterhead, Recipient, Rendition

LONGEST_LOCAL_PART = 64  # RFC 5321 §4.5.3.1.1
TOKEN = "{token}"  # noqa: S105 - the place of one
OWN = ("To", "Message-ID", "List-Unsubscribe")  # headers that differ by reader
MOULDS = 64  # sets of sections of which the body is kept at hand, a mail's size each
NOBODY = 0  # no subscriber has this number, so links made for it change nothing

_URL = re.compile(r"https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(?::\d+)?(?:/[A-Za-z0-9._~:/?@!$*+,;=%-]*)?")
_BARE = re.compile(r"[A-Za-z0-9][A-Za-z0-9@._+-]{0,74}")  # needs no code and no escape: most addresses
_LIST_ID = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+")
_FEEDBACK_ID = re.compile(r"(?:[A-Za-z0-9._-]*:){0,3}[A-Za-z0-9._-]{5,15}")


@dataclass(frozen=True, slots=True)
class Proof:
    """That a copy is for the newsroom's own eyes: it says so, shows the preview as its web view, and
    its leave and preferences links open their pages but change nothing."""

    web_url: str


class Compiled:
    """One edition's mail. Raises Misuse, naming the setting, for what no mail may carry."""

    def __init__(
        self,
        rendition: Rendition,
        letterhead: Letterhead,
        links: Links,
        signing: Signing,
        *,
        proof: Proof | None = None,
    ) -> None:
        self._letterhead = letterhead
        self._links = links
        self._is_proof = proof is not None
        self._domain = parse_address(letterhead.from_address).domain
        _checked_url(links.public_url, "[web] public_url")
        web_view = letterhead.archived_at or links.edition(
            letterhead.newsletter_slug, letterhead.edition_slug
        )
        self._web_value = _link_value(_checked_url(proof.web_url if proof else web_view, "the web view"))
        self._return_path = _checked_return_path(letterhead, links)
        leave, message_id = links.leave(NOBODY, letterhead.newsletter_id), self._message_id(NOBODY)
        self._unsubscribe = _Header("List-Unsubscribe", f"<{leave}>", leave)
        self._id = _Header("Message-ID", f"<{message_id}@{self._domain}>", message_id)

        boundary = f"=_{rendition.hash[:32]}"  # "=_" cannot occur in quoted-printable
        self._from = _from_header(letterhead)
        self._common = _common_headers(rendition, letterhead, boundary, is_proof=self._is_proof)
        self._plan = Plan(signing, self._domain, self._from + self._common, OWN, letterhead.date)
        self._sections = rendition.html.sections | rendition.text.sections
        self._mould = lru_cache(maxsize=MOULDS)(lambda chosen: _mould(rendition, boundary, chosen))
        self._mould(self._sections)  # what cannot go over the wire is refused now

    def envelope_sender(self, recipient: Recipient) -> str:
        """Where bounces of this copy go: the return path, with a token of the delivery where it has room."""
        before, token, after = self._return_path.partition(TOKEN)
        if not token:
            return before
        return before + self._links.verp(self._letterhead.edition_id, self._subscriber(recipient)) + after

    def fill(self, recipient: Recipient) -> bytes:
        """The whole message, signed, in one piece, for who reads it and does not send it."""
        return b"".join(self.content(recipient).segments)

    def content(self, recipient: Recipient) -> Content:
        """The whole message, signed. Raises Misuse for an address that no header may hold."""
        subscriber_id = self._subscriber(recipient)
        leave = self._links.leave(subscriber_id, self._letterhead.newsletter_id)
        name = recipient.name if is_clean(recipient.name) else ""
        greeting, html_greeting = _greeting(name, self._letterhead.language)
        address, html_address = _text_and_html(recipient.address)
        unsubscribe, preferences = _link_value(leave), _link_value(self._links.preferences(subscriber_id))
        own = [
            header("To", mailbox_words(name, recipient.address, "To")),
            self._id.of(self._message_id(subscriber_id)),
            self._unsubscribe.of(leave),
        ]
        values = {
            "text greeting": greeting, "html greeting": html_greeting,
            "text email": address, "html email": html_address,
            "text unsubscribe_url": unsubscribe, "html unsubscribe_url": unsubscribe,
            "text preferences_url": preferences, "html preferences_url": preferences,
            "text web_url": self._web_value, "html web_url": self._web_value,
        }  # fmt: skip
        head = b"".join((self._from, *own, self._common))
        chosen = self._sections.intersection(recipient.sections or self._sections)
        content = self._mould(chosen).content(head, values)
        return self._signed(content, own) if self._plan.signs else content

    def _signed(self, content: Content, own: Sequence[bytes]) -> Content:
        head, *body = content.segments
        signature = self._plan.sign(own, b"".join(body))
        return content._replace(segments=[signature + head, *body], size=content.size + len(signature))

    def _subscriber(self, recipient: Recipient) -> int:
        return NOBODY if self._is_proof else recipient.subscriber_id

    def _message_id(self, subscriber_id: int) -> str:
        left = self._links.message_id(self._letterhead.edition_id, subscriber_id)
        # Two proofs of one edition are two mails; a mailbox must not drop the second as a double
        return f"{left}.{int(self._letterhead.date.timestamp()):x}" if self._is_proof else left


class _Header:
    """A header of one word that differs by reader in one part only. That is always as long and of the same
    letters, so what `header` has to look at is looked at once."""

    def __init__(self, name: str, word: str, part: str) -> None:
        self._before, _, self._after = header(name, [word]).partition(part.encode())

    def of(self, part: str) -> bytes:
        return self._before + part.encode() + self._after


def _from_header(letterhead: Letterhead) -> bytes:
    name = letterhead.from_name or letterhead.newsletter_name
    return header("From", mailbox_words(name, letterhead.from_address, "From"))


def _common_headers(rendition: Rendition, letterhead: Letterhead, boundary: str, *, is_proof: bool) -> bytes:
    """All that does not differ by reader (RFC 5322, 2919, 2369, 8058, 5064), and the blank line."""
    subject = f"[Test] {rendition.subject}" if is_proof else rendition.subject
    list_id = _checked(_LIST_ID, letterhead.list_id, "List-Id")
    headers = [
        header("Subject", text_words(subject, "Subject")),
        header("Date", [format_datetime(letterhead.date)]),
        header("List-Id", [*phrase_words(letterhead.newsletter_name, "List-Id"), f"<{list_id}>"]),
        header("List-Unsubscribe-Post", ["List-Unsubscribe=One-Click"]),
    ]
    if letterhead.reply_to:
        headers.append(header("Reply-To", mailbox_words("", letterhead.reply_to, "Reply-To")))
    if letterhead.help_url:
        headers.append(header("List-Help", [f"<{_checked_url(letterhead.help_url, 'List-Help')}>"]))
    if letterhead.archived_at:
        headers.append(header("Archived-At", [f"<{_checked_url(letterhead.archived_at, 'Archived-At')}>"]))
    if letterhead.feedback_id:
        headers.append(header("Feedback-ID", [_checked(_FEEDBACK_ID, letterhead.feedback_id, "Feedback-ID")]))
    return b"".join(
        (
            *headers,
            header("Precedence", ["bulk"]),
            header("MIME-Version", ["1.0"]),
            header("Content-Type", ["multipart/alternative;", f'boundary="{boundary}"']),
            b"\r\n",
        )
    )


def _mould(rendition: Rendition, boundary: str, sections: Collection[str]) -> Mould:
    """The whole body for all who get these sections."""
    return Mould(
        [
            part_head(boundary, "plain"), *_pieces("text", kept(rendition.text, sections)),
            b"\r\n" + part_head(boundary, "html"), *_pieces("html", kept(rendition.html, sections)),
            f"\r\n--{boundary}--\r\n".encode(),
        ]
    )  # fmt: skip


def _pieces(part: str, body: Body) -> list[bytes | str]:
    """A part of the mail for its mould; the same hole is filled differently in text and HTML."""
    pieces: list[bytes | str] = [body.literals[0]]
    for hole, literal in zip(body.holes, body.literals[1:], strict=True):
        pieces += (f"{part} {hole}", literal)
    return pieces


def part_head(boundary: str, subtype: str) -> bytes:
    """The line and the headers with which a part of a mail begins."""
    return b"".join(
        (
            f"--{boundary}\r\n".encode(),
            header("Content-Type", [f"text/{subtype};", "charset=utf-8"]),
            header("Content-Transfer-Encoding", ["quoted-printable"]),
            b"\r\n",
        )
    )


def _checked_return_path(letterhead: Letterhead, links: Links) -> str:
    """The envelope sender's pattern, proved with a token of full length in it."""
    pattern = letterhead.return_path or letterhead.from_address
    token = links.verp(letterhead.edition_id, NOBODY)
    sample = pattern.replace(TOKEN, token)
    local = parse_address(sample).normalised.rpartition("@")[0]
    if pattern.count(TOKEN) > 1 or len(local) > LONGEST_LOCAL_PART or not is_wire_safe(sample):
        raise Misuse(
            f"return_path = {pattern[:80]!r} is no address to send from: before the @ it may have"
            f" {LONGEST_LOCAL_PART} characters, of which a token takes {len(token)}.",
            next_step=f"correct it; {TOKEN} may stand in it once, before the @",
        )
    return pattern


def _checked(pattern: re.Pattern[str], value: str, what: str) -> str:
    if not pattern.fullmatch(value):
        raise Misuse(f"{value[:80]!r} is no value for the {what} header.", next_step="correct it")
    return value


def _checked_url(url: str, what: str) -> str:
    """Links in mail are https; only what leads to this machine itself may be plain http."""
    if not _URL.fullmatch(url):
        raise Misuse(f"{what}: {url[:80]!r} is no link that a mail can carry.", next_step="correct it")
    parts = urlsplit(url)
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        raise Misuse(f"{what}: {url[:80]!r} is not https.", next_step="use https, or a loopback address")
    return url


def _link_value(url: str) -> bytes:
    """A link of ours, encoded for either part. It needs no escaping, so mostly only breaks, and that
    matters: a link is longer than a line, and there are two in every mail."""
    raw = url.encode()
    value = SOFT_BREAK.join([raw[start : start + ROOM] for start in range(0, len(raw), ROOM)])
    if b"=" in raw or b"\n." in value:
        return text_value(url)
    return value


@lru_cache(maxsize=256)
def _greeting(name: str, language: str) -> tuple[bytes, bytes]:
    """For either part; many readers share a name, or have given none."""
    return _text_and_html(greet(name, language))


def _text_and_html(value: str) -> tuple[bytes, bytes]:
    if _BARE.fullmatch(value):
        return value.encode(), value.encode()
    return text_value(value), html_value(value)
