"""What a relay says: reading its replies within bounds, and what each means for a delivery.

A relay is a stranger. Its lines are bounded in length and number, everything that does not look like a
reply is an error that ends the connection, and its words are kept as text without controls, for people
will read them in terminals and on pages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from newsletter.errors import RelayFailed
from newsletter.values import Fate, Phase

LONGEST_LINE = 2048  # bytes, CRLF included; RFC 5321 §4.5.3.1.5 asks for 512
MOST_LINES = 64
KEPT_TEXT = 8192  # characters of a reply
SERVICE_CLOSING = 421  # RFC 5321 §3.8: may come at any time

_LINE = re.compile(rb"([2-5]\d\d)(?:([ -])(.*))?", re.DOTALL)
_ENHANCED = re.compile(r"\A([245]\.\d{1,3}\.\d{1,3})(?: |\Z)")  # RFC 2034 §4
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


class BadReply(RelayFailed):
    """What came is no reply; nothing that follows on this connection can be trusted."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply. `lines` are the words after each code, without controls."""

    code: int
    lines: tuple[str, ...]

    @property
    def enhanced(self) -> str:
        """The enhanced status code (RFC 3463), or empty."""
        found = _ENHANCED.match(self.lines[0])
        return found[1] if found else ""

    @property
    def text(self) -> str:
        """All lines as one, without the enhanced code that each may repeat."""
        return " ".join(filter(None, (_ENHANCED.sub("", line, count=1) for line in self.lines)))


class ReplyReader:
    """Bytes in, replies out, however the bytes are cut. After a BadReply it must not be used again."""

    def __init__(self) -> None:
        self._rest = b""
        self._code = 0
        self._lines: list[str] = []
        self._kept = 0

    @property
    def is_between(self) -> bool:
        """True when no reply is half read."""
        return not self._rest and not self._lines

    def feed(self, data: bytes) -> Iterator[Reply]:
        """The replies that `data` completes, up to where it goes wrong. Raises BadReply there."""
        *lines, self._rest = (self._rest + data).split(b"\r\n")
        for line in lines:
            reply = self._take(line)
            if reply is not None:
                yield reply
        if len(self._rest) >= LONGEST_LINE:
            raise BadReply("The relay sent a line without end.")

    def _take(self, line: bytes) -> Reply | None:
        code, has_more, words = _read_line(line)
        if len(self._lines) == MOST_LINES:
            raise BadReply("The relay sent a reply that is too long.")
        if self._lines and code != self._code:
            raise BadReply("The relay changed the code within a reply.")
        self._code = code
        self._keep(words)
        if has_more:
            return None
        reply = Reply(code, tuple(self._lines))
        self._lines, self._kept = [], 0
        return reply

    def _keep(self, words: str) -> None:
        text = words[: KEPT_TEXT - self._kept]
        self._lines.append(text)
        self._kept += len(text)


@lru_cache(maxsize=64)
def _read_line(line: bytes) -> tuple[int, bool, str]:
    """Code, whether another line follows, and the words. Raises BadReply. Most mails are answered with
    the very same lines as the mail before."""
    found = _LINE.fullmatch(line)
    if found is None or b"\r" in line or b"\n" in line or b"\0" in line:
        raise BadReply(f"The relay sent something that is no reply: {line[:40]!r}.")
    if len(line) + 2 > LONGEST_LINE:
        raise BadReply("The relay sent a reply that is too long.")
    code, mark, words = found.groups()
    return int(code), mark == b"-", _CONTROLS.sub("?", (words or b"").decode("utf-8", "replace"))


# ── what a reply means ──────────────────────────────────────────────────────────────────────────

_DEAD = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"})  # RFC 3463 §3.2, RFC 7505 §4.2
_TOO_MANY = re.compile(r"too many recipients", re.IGNORECASE)
_ENOUGH = re.compile(r"too many (?:messages|mails)", re.IGNORECASE)
_WHO = r"(?:user|mailbox|recipient|account|address)"
_NOBODY = re.compile(
    rf"\b(?:unknown|no such|nonexistent|non-existent) (?:local )?(?:user|mailbox|recipient|account)\b"
    rf"|\b{_WHO} (?:is )?(?:unknown|not found)\b"
    rf"|\b{_WHO}(?: <?[^\s@]+@[^\s@]+>?)? (?:does not|doesn't) exist\b",
    re.IGNORECASE,
)


def classify(phase: Phase, code: int, enhanced: str = "", text: str = "") -> Fate:
    """The fate that a 4xx or 5xx reply decides; 2xx and 3xx in their place are no business of this.

    What is said before a recipient is named is about us, and never costs one (RFC 5321 §4.2, RFC 3463).
    """
    if phase is Phase.MAIL and ends_connection(phase, code, text):
        return Fate.LOST  # about the connection; the mail may go at once over another
    if code < 500:
        return Fate.BUSY
    if phase not in (Phase.RCPT, Phase.DATA, Phase.CONTENT):
        return Fate.STOP
    if phase is Phase.RCPT:
        if code == 552 and _TOO_MANY.search(text):  # RFC 5321 §4.5.3.1.10
            return Fate.BUSY
        if enhanced in _DEAD or (not enhanced and code in (550, 551, 553) and _NOBODY.search(text)):
            return Fate.DEAD
    return Fate.REFUSED


def ends_connection(phase: Phase, code: int, text: str) -> bool:
    """Whether nothing more is to be had over this connection.

    Mostly that is a 421; OpenSMTPD says 452 to every mail beyond its limit for one session, and stays.
    """
    is_enough = phase is Phase.MAIL and code == 452 and _ENOUGH.search(text) is not None
    return is_enough or code == SERVICE_CLOSING
