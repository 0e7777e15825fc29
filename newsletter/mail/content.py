"""A message as it goes over the wire: every line ends with CRLF, and no line begins with a bare dot.

An edition's mail is the same for everybody but for some hundred bytes. So it travels in segments: those
that all copies share are looked at once, in a `Mould`, and a copy costs a look at what is its own.
Whatever else is sent is looked at whole, by `content_of`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from newsletter.errors import Misuse

END_OF_HEADERS = b"\r\n\r\n"


class Content(NamedTuple):
    """Fit for the wire: joined, the segments are the message; behind them belongs the final dot.

    `size` in bytes, as SIZE tells them (RFC 1870 §4). `needs_utf8` for a header beyond ASCII (RFC 6531),
    `needs_8bit` for a body beyond it (RFC 6152).
    """

    segments: Sequence[bytes]
    size: int
    needs_utf8: bool = False
    needs_8bit: bool = False


def content_of(data: bytes) -> Content:
    """Any message: dots are stuffed here, and a last line without an end is given one.

    Raises Misuse for line ends that are not CRLF: some server would see another end of mail there.
    """
    if not has_crlf_only(data):
        raise Misuse("The message has line ends that are not CRLF.", next_step="write it anew")
    if not data.endswith(b"\r\n"):
        data += b"\r\n"
    head, _, body = data.partition(END_OF_HEADERS)
    size = len(data)
    if data.startswith(b".") or b"\r\n." in data:  # RFC 5321 §4.5.2
        data = (b"\r\n" + data).replace(b"\r\n.", b"\r\n..")[2:]
    return Content((data,), size, needs_utf8=not head.isascii(), needs_8bit=not body.isascii())


class Mould:
    """A body with holes: bytes among its `pieces` are fixed, a str is the name of a hole.

    Raises Misuse for fixed pieces that cannot go over the wire as they are, or do not end the last line.
    """

    def __init__(self, pieces: Sequence[bytes | str]) -> None:
        self._segments: list[bytes] = []
        self._holes: list[tuple[int, str]] = []
        for piece in pieces:
            if isinstance(piece, str):
                self._holes.append((len(self._segments) + 1, piece))  # one on, for the head stands before
                self._segments.append(b"")
            elif self._segments and self._segments[-1]:
                self._segments[-1] += piece
            else:
                self._segments.append(piece)
        _must_be_fit(self._segments)
        if not self._segments[-1].endswith(b"\r\n"):
            raise _unfit()
        self._size = sum(map(len, self._segments))
        self._is_ascii = all(map(bytes.isascii, self._segments))

    def content(self, head: bytes, values: Mapping[str, bytes]) -> Content:
        """A whole copy: `head` are its headers and the blank line. Raises Misuse where they or a value
        cannot go over the wire as they are."""
        segments, own = [head, *self._segments], [head]
        for place, hole in self._holes:
            segments[place] = value = values[hole]
            own.append(value)
        lines = _must_be_fit(own)
        size = self._size + len(lines) - len(b"\r\n") * len(own)
        if self._is_ascii and lines.isascii():
            return Content(segments, size)
        is_8bit = not (self._is_ascii and b"".join(own[1:]).isascii())
        return Content(segments, size, needs_utf8=not head.isascii(), needs_8bit=is_8bit)


def has_crlf_only(data: bytes) -> bool:
    return data.count(b"\r\n") == data.count(b"\n") == data.count(b"\r")


def _must_be_fit(segments: Sequence[bytes]) -> bytes:
    """CRLF only, and no dot where a line could begin; each for itself, so joined in any order too. Gives
    them with CRLF before each."""
    lines = b"\r\n" + b"\r\n".join(segments)
    if b"\r\n." in lines or not has_crlf_only(lines):
        raise _unfit()
    return lines


def _unfit() -> Misuse:
    return Misuse(
        "A part of the mail cannot go over the wire as it is.", next_step="this is a fault of the program"
    )
