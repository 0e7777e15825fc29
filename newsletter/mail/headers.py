"""Header lines, and the only function that writes one.

Values are refused, never repaired: a header is made of words that were checked, and every break
between lines is ours. Subjects and names become encoded words (RFC 2047) only when they must; links
never do, and are never broken, because mailboxes then overlook them.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence

from newsletter.errors import Misuse
from newsletter.mail.addresses import is_wire_safe

WIDTH = 76  # RFC 2047 §2; RFC 5322 §2.1.1 asks for 78
LONGEST_LINE = 998  # RFC 5322 §2.1.1
ENCODED_WORD = 75  # RFC 2047 §2
LONGEST_QUOTED = 60

# C0, DEL, C1, line and paragraph separators, halves of surrogate pairs
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/?^_`{|}~-]+)*")
_OPENING, _CLOSING = "=?utf-8?B?", "?="


def is_clean(text: str) -> bool:
    """False for what no header and no command may hold: it could end the line."""
    return _FORBIDDEN.search(text) is None


def header(name: str, words: Sequence[str]) -> bytes:
    """One header, CRLF included. Lines break between words only, at 76 columns where that is possible.

    Raises Misuse, naming the header, for a name, a word or a line that no header may have.
    """
    if not _NAME.fullmatch(name):
        raise Misuse(f"{name[:40]!r} is no name for a header.", next_step="this is a fault of the program")
    first, *others = words
    lines = [f"{name}: {first}"]
    for word in others:
        if len(lines[-1]) + 1 + len(word) > WIDTH:
            lines.append("")
        lines[-1] += f" {word}"
    if not is_clean("".join(lines)):
        raise Misuse(
            f"The {name} header would hold a control character.", next_step="remove it from the value"
        )
    if max(map(len, lines)) > LONGEST_LINE:
        raise Misuse(f"The {name} header would be too long for a line.", next_step="shorten the value")
    return "\r\n".join([*lines, ""]).encode()


def text_words(text: str, name: str) -> Sequence[str]:
    """The words of an unstructured header such as Subject (RFC 5322 §3.6.5)."""
    if _is_plain(text) and text == " ".join(text.split()) and len(max(text.split(" "), key=len)) < WIDTH // 2:
        return text.split(" ")
    return _encoded_words(text, len(name) + 2)


def mailbox_words(display_name: str, address: str, name: str) -> Sequence[str]:
    """A person's name and address, for From, To and Reply-To (RFC 5322 §3.4). The name may be empty.

    Raises Misuse for an address that could be read as more than one address.
    """
    if not is_wire_safe(address):
        raise Misuse(f"{address[:80]!r} cannot stand in the {name} header.", next_step="correct the address")
    if not display_name:
        return [address]
    return [*phrase_words(display_name, name), f"<{address}>"]


def phrase_words(text: str, name: str) -> Sequence[str]:
    """A display name: bare where it may, else quoted, else encoded (RFC 5322 §3.2.5)."""
    if _is_plain(text) and len(text) <= LONGEST_QUOTED:
        if _ATOMS.fullmatch(text):
            return text.split(" ")
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return [f'"{escaped}"']
    return _encoded_words(text, len(name) + 2)


def _is_plain(text: str) -> bool:
    # What looks like an encoded word is encoded itself, or mailboxes would show something else
    return text.isascii() and "=?" not in text


def _encoded_words(text: str, column: int) -> list[str]:
    """RFC 2047 §5: each word decodes for itself, so none ends inside a character."""
    if not is_clean(text):
        raise Misuse("A name or subject holds a control character.", next_step="remove it")
    words, piece = [], b""
    room = _payload(WIDTH - column)
    if len(whole := text.encode()) <= room:
        return [_encoded_word(whole)]
    for character in text:
        encoded = character.encode()
        if len(piece) + len(encoded) > room:
            words.append(_encoded_word(piece))
            piece, room = b"", _payload(ENCODED_WORD)
        piece += encoded
    return [*words, _encoded_word(piece)]


def _payload(columns: int) -> int:
    """Bytes that fit an encoded word of this width."""
    return (min(columns, ENCODED_WORD) - len(_OPENING) - len(_CLOSING)) // 4 * 3


def _encoded_word(piece: bytes) -> str:
    return _OPENING + base64.b64encode(piece).decode() + _CLOSING
