"""The body of a mail as fixed segments with holes between them, some of them in spans.

Rendering leaves a text with hole tokens; `split` cuts it there and encodes every literal once, as
quoted-printable (RFC 2045 §6.7). A reader then costs one `fill`: a join of byte strings. Three rules
make that safe for any value:

* A soft break stands before and after each value, so it begins at column 0 and no literal depends on
  how long it is.
* No line begins with `.` or `From `, so nobody on the way has to stuff dots or escape mailbox lines
  (RFC 5321 §4.5.2).
* Tabs, runs of spaces and spaces at a line's end are encoded, and the last line is never empty: the
  body is its own relaxed canonical form (RFC 6376 §3.4.4) and can be hashed as it stands.

A span, the section that a reader may have switched off, begins and ends at column 0 behind a line end.
So a body without it is again such a body, and nothing of what stays is written anew.
"""

from __future__ import annotations

import binascii
import html
import re
from collections.abc import Collection, Mapping, Sequence

from newsletter.values import Body, Span

CRLF = b"\r\n"
SOFT_BREAK = b"=\r\n"
ROOM = 75  # columns of a line, leaving one for the "=" of a soft break

# What is written as a code: all but printable ASCII, "=", and a space at a line's end or behind another
_SPECIAL = re.compile(rb"[^ -<>-~]|(?<=[ \t]) | \Z")
_ODD_BEGINNING = re.compile(rb"\.|From(?: |=20\Z)")
# What encodes to itself and fits on a line: most names and addresses, every link of ours
_PLAIN = re.compile(r"(?!\.|From )[!-<>-~](?:[!-<>-~]| (?! |\Z)){0,74}\Z")
# C0, C1, line and paragraph separators, bidi overrides and isolates, halves of surrogate pairs
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u2028-\u202e\u2066-\u2069\ud800-\udfff]+")


def one_line(text: str) -> str:
    """`text` with every run of control, bidi and line-ending characters turned into one space."""
    return _UNFIT.sub(" ", text)


def encode(text: str) -> bytes:
    """Quoted-printable of `text`, written to stand at column 0; any line end becomes CRLF."""
    if _PLAIN.match(text):
        return text.encode("ascii")
    return CRLF.join(_encode_line(line.encode()) for line in re.split(r"\r\n|\r|\n", text))


def decode(body: bytes) -> str:
    """The text that a mail client reads from a filled body, with `\\n` as its line end."""
    return binascii.a2b_qp(body).decode().replace("\r\n", "\n")


def split(
    text: str, holes: re.Pattern[str], marks: re.Pattern[str] | None = None, sections: Sequence[str] = ()
) -> Body:
    """Cut `text` at its holes; `holes` matches a token whole and its one group is the hole's name.

    `marks` matches the lines on which spans begin and end in turn; its one group is the section's number.
    White space at the very end becomes one line end. Raises ValueError when a hole stands last: an
    empty value there would leave an empty last line, and the body would not be canonical. The same
    goes for a span.
    """
    pieces = marks.split(text.rstrip() + "\n") if marks else [text.rstrip() + "\n"]
    literals, names = _cut(pieces[0], holes)
    spans: list[Span] = []
    for place, (number, stretch) in enumerate(zip(pieces[1::2], pieces[2::2], strict=True)):
        more, between = _cut(stretch, holes)
        if place % 2 == 0:
            spans.append(Span(sections[int(number)], len(literals), len(literals) + len(more)))
        literals += more
        names += ["", *between]
    if not literals[-1].removeprefix(SOFT_BREAK).strip():
        raise ValueError(f"nothing follows the last {'section' if names and not names[-1] else 'hole'}")
    return Body(tuple(literals), tuple(names), tuple(spans))


def kept(body: Body, sections: Collection[str]) -> Body:
    """`body` with the spans of these sections as ordinary text, and without the others."""
    left_out = {
        at for span in body.spans if span.section not in sections for at in range(span.first, span.end)
    }
    literals, holes = [body.literals[0]], list[str]()
    for at, (hole, literal) in enumerate(zip(body.holes, body.literals[1:], strict=True), start=1):
        if at in left_out:
            continue
        if hole:
            holes.append(hole)
            literals.append(literal)
        else:
            literals[-1] += literal
    return Body(tuple(literals), tuple(holes))


def fill(body: Body, values: Mapping[str, bytes]) -> bytes:
    """One reader's body, whole. `values` are encoded already, by `html_value` or `text_value`."""
    pieces = [body.literals[0]]
    for hole, literal in zip(body.holes, body.literals[1:], strict=True):
        if hole:
            pieces.append(values[hole])
        pieces.append(literal)
    return b"".join(pieces)


def html_value(value: str) -> bytes:
    """A personal value as the HTML part carries it: one line, escaped, encoded."""
    return encode(html.escape(one_line(value), quote=True))


def text_value(value: str) -> bytes:
    """A personal value as the text part carries it: one line, encoded."""
    return encode(one_line(value))


def _cut(text: str, holes: re.Pattern[str]) -> tuple[list[bytes], list[str]]:
    """The literals of a stretch, and the names of the holes between them."""
    pieces = holes.split(text)
    # A soft break ends each literal but the last and begins each but the first
    literals = [SOFT_BREAK + encode(piece) + SOFT_BREAK for piece in pieces[0::2]]
    literals[0] = literals[0].removeprefix(SOFT_BREAK)
    literals[-1] = literals[-1].removesuffix(SOFT_BREAK)
    return literals, pieces[1::2]


def _encode_line(raw: bytes) -> bytes:
    rest = _SPECIAL.sub(lambda found: b"=%02X" % found[0][0], raw)
    rows: list[bytes] = []
    while True:
        if _ODD_BEGINNING.match(rest):
            rest = b"=%02X" % rest[0] + rest[1:]
        if len(rest) <= ROOM:
            return CRLF.join([*rows, rest])
        code = rest.rfind(b"=", ROOM - 2, ROOM)  # one that would be torn apart
        end = ROOM if code < 0 else code
        rows.append(rest[:end] + b"=")
        rest = rest[end:]
