"""Text comes out right, whatever the document and its server say about the charset."""

from __future__ import annotations

import pytest

from newsletter.feeds.charset import text_of

WORDS = "Łódź, Größe, Жителі"


@pytest.mark.parametrize(
    ("document", "content_type"),
    [
        (WORDS.encode(), ""),
        (WORDS.encode("utf-8-sig"), "text/xml; charset=windows-1252"),
        (WORDS.encode("utf-16"), "text/xml; charset=utf-8"),
        (WORDS.encode("utf-32"), ""),
        (WORDS.encode(), "text/xml; charset=iso-8859-1"),
        (f'<?xml version="1.0" encoding="us-ascii"?>{WORDS}'.encode(), ""),
        (f"<a>{WORDS}".encode("utf-16-le"), ""),
        (f"<a>{WORDS}".encode("utf-16-be"), ""),
        (WORDS.encode("gb18030"), "text/xml; charset=GB18030"),
    ],
)
def test_words_come_out_as_they_were_written(document: bytes, content_type: str) -> None:
    assert text_of(document, content_type).endswith(WORDS)


@pytest.mark.parametrize("charset", ["cp1251", "koi8-u", "iso-8859-5"])
def test_the_charset_of_header_or_document_is_used(charset: str) -> None:
    told = "Місто"
    assert text_of(told.encode(charset), f"text/xml; charset={charset}") == told
    document = f'<?xml version="1.0" encoding="{charset}"?>{told}'
    assert text_of(document.encode(charset)) == document


def test_a_seven_bit_charset_is_not_taken_for_utf_8() -> None:
    assert text_of("東京の朝".encode("iso-2022-jp"), "text/xml; charset=iso-2022-jp") == "東京の朝"


@pytest.mark.parametrize(
    "charset", ["utf-7", "idna", "punycode", "unicode_escape", "zip", "rot13", "none-such"]
)
def test_codecs_that_are_no_charsets_are_not_used(charset: str) -> None:
    assert text_of(b"caf\xe9 +ADw-b+AD4-", f"text/xml; charset={charset}") == "café +ADw-b+AD4-"


def test_what_is_no_text_goes_and_the_rest_stays() -> None:
    assert text_of(b"a\x00b\x08c\x0bd\x1b[2J\te\n") == "abcd[2J\te\n"
    assert text_of(b"\x81\xff") == "�ÿ"
