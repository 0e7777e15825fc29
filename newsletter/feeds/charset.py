"""From a foreign document's bytes to its text, whatever it and its server say about the charset.

Both are wrong often enough that the bytes are asked first: what reads as UTF-8 is UTF-8. Names of
charsets come from outside, too, so only those of the Encoding Standard's kind are looked up: Python
knows codecs under the same roof that unpack archives or take quadratic time.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

# Longer marks first: UTF-32's little-endian one begins with UTF-16's
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Without a mark, the NUL beside the first bracket or brace tells (XML 1.0, appendix F)
_UNMARKED = re.compile(rb"(?P<le>[<{]\x00[^\x00])|\x00[<{]\x00")
_IN_HEADER = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_IN_DOCUMENT = re.compile(
    rb"<\?xml[^>]{0,200}?\bencoding\s*=\s*[\"']([A-Za-z0-9_.:-]{1,40})|<meta[^>]{0,200}?\bcharset\s*=\s*[\"']?([A-Za-z0-9_.:-]{1,40})",
    re.IGNORECASE,
)
_KNOWN = re.compile(
    r"utf-(?:8|16|16-le|16-be)|ascii|iso8859-\d+|cp(?:125\d|866|874|932|949|950)|koi8-[ru]|"
    r"mac-(?:roman|cyrillic)|shift_jis|euc_(?:jp|kr)|iso2022_jp|gb2312|gbk|gb18030|big5|big5hkscs|tis-620"
)
# Seven-bit charsets with states pass for UTF-8, and then every letter is wrong
_SEVEN_BIT = "iso2022_jp"
_FALLBACK = "cp1252"  # what a byte means in a browser when nothing else is right

# What XML 1.0 §2.2 leaves out, and halves of pairs: one of them would make the whole feed unreadable
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


def text_of(document: bytes, content_type: str = "") -> str:
    """The document as text without control characters; bytes that mean nothing become U+FFFD."""
    for mark, charset in _MARKS:
        if document.startswith(mark):
            return _clean(document[len(mark) :].decode(charset, "replace"))
    for charset in _guesses(document, content_type):
        try:
            return _clean(document.decode(charset))
        except UnicodeDecodeError:
            continue
    return _clean(document.decode(_FALLBACK, "replace"))


def _guesses(document: bytes, content_type: str) -> Iterator[str]:
    told = [*_told(document, content_type)]
    yield from (charset for charset in told if charset == _SEVEN_BIT)
    if unmarked := _UNMARKED.match(document):
        yield "utf-16-le" if unmarked["le"] else "utf-16-be"
    yield "utf-8"
    yield from told


def _told(document: bytes, content_type: str) -> Iterator[str]:
    header = _IN_HEADER.search(content_type[:500])
    inside = _IN_DOCUMENT.search(document[:2048])
    names = [header[1] if header else "", (inside[1] or inside[2]).decode("ascii") if inside else ""]
    for name in filter(None, names):
        try:
            charset = codecs.lookup(name).name
        except LookupError:
            continue
        if _KNOWN.fullmatch(charset):
            # Pages that say Latin-1 mean Windows' superset of it
            yield _FALLBACK if charset in ("iso8859-1", "ascii") else charset


def _clean(text: str) -> str:
    return _NO_TEXT.sub("", text)
