"""A letter's message: its headers and both its parts, signed like every mail of ours.

It says that a machine wrote it (RFC 3834 §5), so that no other machine answers. Only a letter about
something that one click can end has `List-Unsubscribe` (RFC 8058).
"""

from __future__ import annotations

from email.utils import format_datetime
from hashlib import sha256

from newsletter.mail.addresses import parse_address
from newsletter.mail.content import Content, Mould
from newsletter.mail.dkim import Plan, Signing
from newsletter.mail.headers import header, mailbox_words, text_words
from newsletter.mail.message import part_head
from newsletter.mail.segments import encode
from newsletter.values import LetterHead, PrintedLetter


def letter_content(printed: PrintedLetter, head: LetterHead, signing: Signing) -> Content:
    """The whole message. Raises Misuse, naming the header, for what no mail may carry.

    The same letter gives the same bytes at every attempt.
    """
    body = _body(printed)
    domain = parse_address(head.from_address).domain
    signed = _signed_headers(printed, head, domain, _boundary(printed))
    signature = Plan(signing, domain, signed, (), head.date).sign((), body)
    return Mould([body]).content(signature + signed + b"\r\n", {})


def _signed_headers(printed: PrintedLetter, head: LetterHead, domain: str, boundary: str) -> bytes:
    headers = [
        header("From", mailbox_words(head.from_name, head.from_address, "From")),
        header("To", mailbox_words("", head.to, "To")),
        header("Subject", text_words(printed.subject, "Subject")),
        header("Date", [format_datetime(head.date)]),
        header("Message-ID", [f"<{head.message_id}@{domain}>"]),
        header("Auto-Submitted", ["auto-generated"]),
    ]
    if head.reply_to:
        headers.append(header("Reply-To", mailbox_words("", head.reply_to, "Reply-To")))
    if head.leave_url:
        headers.append(header("List-Unsubscribe", [f"<{head.leave_url}>"]))
        headers.append(header("List-Unsubscribe-Post", ["List-Unsubscribe=One-Click"]))
    headers.append(header("MIME-Version", ["1.0"]))
    headers.append(header("Content-Type", ["multipart/alternative;", f'boundary="{boundary}"']))
    return b"".join(headers)


def _body(printed: PrintedLetter) -> bytes:
    boundary = _boundary(printed)
    parts = (("plain", printed.text), ("html", printed.html))
    written = (part_head(boundary, subtype) + encode(text.rstrip() + "\n") for subtype, text in parts)
    return b"\r\n".join([*written, f"--{boundary}--\r\n".encode()])


def _boundary(printed: PrintedLetter) -> str:
    # "=_" cannot occur in quoted-printable
    return f"=_{sha256((printed.html + printed.text).encode()).hexdigest()[:32]}"
