"""What a relay is told of a message before its content, and what of it we refuse to tell.

MAIL, RCPT and DATA, with the parameters that the relay offers to understand. Whatever it could not take
is refused here, before a byte is written: a mail too big, letters beyond ASCII where it knows none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from newsletter.mail.addresses import is_wire_safe
from newsletter.mail.content import Content
from newsletter.mail.wire import command
from newsletter.values import Fate, Outcome, Phase

DATA = command("DATA")


class Envelope(NamedTuple):
    """A message in its envelope, and whom to tell what came of it."""

    sender: str
    recipient: str
    content: Content
    answer: Callable[[Outcome], None]


class Offers:
    """What the relay said after EHLO that it can do (RFC 5321 §4.1.1.1)."""

    def __init__(self, offers: Mapping[str, str]) -> None:
        self.pipelining = "PIPELINING" in offers
        self._takes_utf8 = "SMTPUTF8" in offers
        self._takes_8bit = "8BITMIME" in offers
        self._sizes = "SIZE" in offers
        size = offers.get("SIZE", "")
        self._limit = int(size) if size.isdecimal() else 0  # RFC 1870 §4: 0 is no limit

    def commands(self, envelope: Envelope) -> tuple[bytes, bytes, bytes]:
        """MAIL, RCPT and DATA."""
        content = envelope.content
        parameters = f" SIZE={content.size}" if self._sizes else ""
        if content.needs_8bit:
            parameters += " BODY=8BITMIME"
        if _needs_utf8(envelope):
            parameters += " SMTPUTF8"
        return (
            command(f"MAIL FROM:<{envelope.sender}>{parameters}"),
            command(f"RCPT TO:<{envelope.recipient}>"),
            DATA,
        )

    def refusal(self, envelope: Envelope) -> Outcome | None:
        """What we see ourselves, before a byte is written."""
        sender, recipient, content = envelope.sender, envelope.recipient, envelope.content
        if sender and not is_wire_safe(sender):
            return Outcome(Fate.STOP, Phase.MAIL, text=f"{sender[:80]!r} is no address to send from")
        if not is_wire_safe(recipient):
            return Outcome(Fate.REFUSED, Phase.RCPT, text=f"{recipient[:80]!r} is no address to send to")
        if not self._takes_utf8 and _needs_utf8(envelope):
            why = "the relay takes only ASCII addresses (no SMTPUTF8): use one that takes all addresses"
            return Outcome(Fate.REFUSED, Phase.RCPT, text=why)
        if not self._takes_8bit and content.needs_8bit:
            why = "the relay takes only messages of 7 bits (no 8BITMIME)"
            return Outcome(Fate.REFUSED, Phase.CONTENT, text=why)
        if 0 < self._limit < content.size:
            why = f"the message has {content.size} bytes, and the relay takes {self._limit}"
            return Outcome(Fate.STOP, Phase.MAIL, text=why)
        return None


def _needs_utf8(envelope: Envelope) -> bool:
    """RFC 6531 §3.4: for an address beyond ASCII, in the envelope or in a header."""
    return envelope.content.needs_utf8 or not (envelope.recipient.isascii() and envelope.sender.isascii())
