"""Whatever comes from outside is plain and harmless once it is past the border."""

from __future__ import annotations

import re
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.feeds.clean import DEEPEST, canonical, fragment, plain, plain_from_html, web_address

NEVER_IN_TEXT = re.compile(r"[\x00-\x1f\x7f-\x9f\u00ad\u200b\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("  Two \t words\u00a0\n here ", "Two words here"),
        ("soft\u00adhy\u200bphen", "softhyphen"),
        ("evil\u202egnp.exe", "evilgnp.exe"),
        ("line\u2028two\u2029three", "line two three"),
        ("NUL\x00and\x85C1", "NUL and C1"),
        ("e\u0301", "é"),
        ("family 👨\u200d👩\u200d👧 stays", "family 👨\u200d👩\u200d👧 stays"),
        ("نمی\u200cخواهم", "نمی\u200cخواهم"),
        ("half \ud83d a pair", "half a pair"),
        ("<b>literal</b> &amp;", "<b>literal</b> &amp;"),
        ("", ""),
    ],
)
def test_plain_text(raw: str, text: str) -> None:
    assert plain(raw, 100) == text


@given(st.text(), st.integers(min_value=2, max_value=60))
def test_plain_text_holds_its_promises_for_every_text(raw: str, limit: int) -> None:
    text = plain(raw, limit)
    assert len(text) <= limit
    assert not NEVER_IN_TEXT.search(text)
    assert text == text.strip() and "  " not in text
    assert unicodedata.is_normalized("NFC", text)
    assert plain(text, limit) == text


def test_long_text_is_cut_at_a_word() -> None:
    assert plain("The council votes on the harbour", 20) == "The council votes…"
    assert plain("x" * 50, 20) == "x" * 19 + "…"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>one</p><p>two</p>", "one two"),
        ("a<br>b<b>c</b>d", "a bcd"),
        ("Monday&#039;s &amp;amp; &lt;b&gt;", "Monday's &amp; <b>"),
        ("before<script>alert(1)</script><style>p{}</style>after", "beforeafter"),
        ("<!-- [if mso]><p>x</p><![endif] -->seen", "seen"),
        ("5 < 6 and <unclosed", "5 < 6 and"),
        ("<img src=x onerror=alert(1)>words", "words"),
    ],
)
def test_text_of_html(html: str, text: str) -> None:
    assert plain_from_html(html, 100) == text


def test_unclosed_formatting_fills_neither_memory_nor_time() -> None:
    """Each paragraph opens all formatting anew: 64 kB of this make a tree of 6 GB, 20 kB one of 170 MB."""
    bomb = "<p>" + "".join(f"<b a={n}>" for n in range(1_000)) + "<p>x" * 2_700
    started = time.process_time()
    plain_from_html(bomb, 600)
    fragment(bomb)
    assert time.process_time() - started < 0.2


def test_a_fragment_keeps_words_lists_and_links() -> None:
    html = (
        '<h3>Note</h3><p>Read <a href="/more?a=1" class="x">more</a>'
        ' or <a href="mailto:desk@post.example">write</a></p>'
    )
    assert fragment(html, "https://post.example/a/") == (
        '<h3>Note</h3><p>Read <a href="https://post.example/more?a=1">more</a>'
        ' or <a href="mailto:desk@post.example">write</a></p>'
    )


@pytest.mark.parametrize(
    "html",
    [
        '<a href="JaVa\tScRiPt:alert(1)">x</a>',
        '<a href="data:text/html,x">x</a>',
        '<a href="//evil.example/">x</a>',
        '<a href="vbscript:x">x</a>',
        '<a href="https://me:pw@evil.example/">x</a>',
        '<a href="mailto:a@b.example?bcc=all@b.example">x</a>',
        "<table><tr><td>x</td></tr></table>",
        "<!--[if mso]><p>y</p><![endif]-->x",
        '<p style="position:fixed" onclick="x()" id="a">x</p>',
        '<img src="https://count.example/p.gif">x',
    ],
)
def test_a_fragment_drops_what_harms(html: str) -> None:
    clean = fragment(html, "https://post.example/")
    assert re.sub(r"</?(a|p)>", "", clean) == "x"


def test_markup_hidden_in_an_attribute_stays_text() -> None:
    clean = fragment("<noscript><p title='</noscript><img src=x onerror=alert(1)>'>y</p></noscript>x")
    assert set(re.findall(r"<[^>]*>", clean)) <= {"<p>", "</p>"}


def test_a_fragment_nests_only_so_deep() -> None:
    clean = fragment("<ul><li>" * 400 + "deep")
    depth = deepest = 0
    for closing in re.findall(r"<(/?)\w+>", clean):
        depth += -1 if closing else 1
        deepest = max(deepest, depth)
    assert (depth, deepest) == (0, DEEPEST)
    assert "deep" in clean


@pytest.mark.parametrize(
    ("raw", "address"),
    [
        ("https://Post.Example:443/a", "https://post.example/a"),
        ("http://post.example", "http://post.example/"),
        ("/b?c=d e", "https://base.example/b?c=d%20e"),
        ("c.html", "https://base.example/dir/c.html"),
        ("https://MÜNCHEN.example/ї", "https://xn--mnchen-3ya.example/%D1%97"),
        ("https://127。0。0。1/", "https://127.0.0.1/"),
        ("https://[2001:db8::1]:8443/x", "https://[2001:db8::1]:8443/x"),
        ("https://post.example/50%", "https://post.example/50%25"),
        ('https://post.example/"><b>', "https://post.example/%22%3E%3Cb%3E"),
        ("  https://post.example/x \n", "https://post.example/x"),
    ],
)
def test_web_addresses(raw: str, address: str) -> None:
    assert web_address(raw, "https://base.example/dir/page") == address


@pytest.mark.parametrize(
    "raw",
    [
        "", "javascript:alert(1)", "JaVa\tScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd",
        "//evil.example/x", "https://user:pw@post.example/", "https://user@post.example/", "https://",
        "https://post.example\\@evil.example/", "https://post.example:99999/", "https://[::1/",
        "https://po st.example/", "https:/post.example", "https:post.example", "https:///x",
        "https://post.example/\u202e", "https://post.example/\ud800", "https://a..b/", "mailto:a@b.example",
        "https://post.example/" + "x" * 3_000,
    ],
)  # fmt: skip
def test_what_is_no_web_address(raw: str) -> None:
    assert web_address(raw, "https://base.example/") is None


@pytest.mark.parametrize(
    ("address", "page"),
    [
        ("https://p.example/a?utm_source=x&id=7&at_medium=RSS#top", "https://p.example/a?id=7"),
        ("https://p.example/a?traffic_source=rss", "https://p.example/a"),
        ("https://p.example/a?maca=en-rss", "https://p.example/a"),
        ("https://p.example/a?FBCLID=1&b=2&&a=1", "https://p.example/a?b=2&a=1"),
        ("https://p.example/%7eann/%2f%c3%a9", "https://p.example/~ann/%2F%C3%A9"),
        ("https://p.example/a/", "https://p.example/a/"),
        ("http://p.example/a?utmost=1", "http://p.example/a?utmost=1"),
    ],
)
def test_the_canonical_address(address: str, page: str) -> None:
    assert canonical(address) == page
    assert canonical(page) == page
