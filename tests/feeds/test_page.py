"""A story's page is read for what it says of itself, and is never believed more than a feed is."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from newsletter.feeds.files import draft_of
from newsletter.feeds.page import feeds_of, read_page

NOW = datetime(2026, 2, 18, 13, 0, tzinfo=UTC)
BASE = "https://www.post.example/2026/ferry?utm_source=x"
PAGE = """<!DOCTYPE html><html lang="en-GB"><head><title>Ferry returns | The Post</title>
<link href="https://post.example/2026/ferry" rel="canonical">
<link rel="alternate" type="application/rss+xml" href="/rss">
<link rel=alternate type=application/feed+json href=/j>
<meta property="og:title" content="Ferry returns &amp; &quot;stays&quot;"><meta name=author content='Ada L'>
<meta property="og:description" content="It is > nine months."><meta property="og:image" content="/f.jpg">
<meta property="og:image:width" content="1200"><meta property="og:image:height" content="800">
<meta property="og:image:alt" content="A ferry"><meta property="article:section" content="Town">
<meta property="article:published_time" content="2026-02-18T10:00:00Z"></head><body>%s</body></html>"""
STORY = """<script type="application/ld+json">{"@graph": [{"@type": "WebSite", "name": "The Post"},
{"@type": ["NewsArticle"], "headline": "Ferry <i>returns</i>", "author": [{"name": "Ada"}, {"name": "Bo"}],
"datePublished": "2026-02-18T09:00:00Z", "articleSection": ["Harbour"], "inLanguage": "sv",
"image": {"url": "https://p.example/ld.jpg", "width": 900}}]}</script>"""


def read(page: str, base: str = BASE) -> dict[str, str]:
    return read_page(page.encode(), base=base, now=NOW)


def test_open_graph() -> None:
    assert read(PAGE % "") == {
        "url": "https://post.example/2026/ferry", "title": 'Ferry returns & "stays"',
        "summary": "It is > nine months.", "byline": "Ada L", "section": "Town", "language": "en-gb",
        "published_at": "2026-02-18T10:00:00+00:00", "picture_url": "https://www.post.example/f.jpg",
        "picture_width": "1200", "picture_height": "800", "picture_alt": "A ferry",
    }  # fmt: skip


def test_what_json_ld_says_of_the_story_is_better() -> None:
    told = read(PAGE % STORY)
    assert (told["title"], told["byline"], told["section"]) == ("Ferry <i>returns</i>", "Ada, Bo", "Harbour")
    assert (told["published_at"], told["language"]) == ("2026-02-18T09:00:00+00:00", "sv")
    assert draft_of(told).byline == "Ada, Bo"


def test_a_page_that_says_nothing_but_its_title() -> None:
    assert read("<TITLE>Just &lt;this&gt;</TITLE>") == {"url": BASE, "title": "Just <this>"}
    assert read("") == {"url": BASE}


def test_a_video() -> None:
    told = read(
        '<meta property="og:type" content="video.other"><meta property="video:duration" content="200">'
    )
    assert (told["kind"], told["duration"]) == ("video", "3:20")


@pytest.mark.parametrize(
    "canonical",
    [
        "https://evil.example/other", "https://www.post.example/", "javascript:alert(1)", "//evil.example/x",
        "http://127.0.0.1/x", "http://169.254.169.254/latest", "https://post.example.evil.example/a", "",
    ],
)  # fmt: skip
def test_a_canonical_link_leads_to_the_same_site_or_nowhere(canonical: str) -> None:
    assert read(f'<link rel="canonical" href="{canonical}">')["url"] == BASE


@pytest.mark.parametrize("host", ["post.example", "www.post.example", "m.post.example", "amp.post.example"])
def test_a_phone_s_page_names_the_real_one(host: str) -> None:
    assert read('<link rel="canonical" href="https://post.example/a">', f"https://{host}/amp/a")["url"] == (
        "https://post.example/a"
    )


def test_hostile_fields_come_out_fit_for_a_file_s_rules() -> None:
    page = (
        '<html lang="&quot;><script>"><meta property="og:title" content="a&#10;b\u202e<script>x</script>">'
        '<meta property="og:image" content="javascript:alert(1)"><meta name="author" content="">'
        '<meta property="article:published_time" content="2099-01-01">'
        '<script type="application/ld+json">{"@type":"NewsArticle","headline":7,'
        '"author":["https://x", 3, null],'
        '"image":[{"url":[1]}],"datePublished":{"a":1},"inLanguage":["x y"],"articleSection":{}}</script>'
    )
    told = read(page)
    assert told == {"url": BASE, "title": "a b"}
    assert draft_of(told).title == "a b"


@pytest.mark.parametrize(
    "body", ["[" * 100_000, '{"@graph":' * 50_000, "{", '"NewsArticle"', "[[[[[[[[[{}]]]]]]]]]"]
)
def test_json_ld_that_is_none(body: str) -> None:
    assert read(PAGE % f'<script type="application/ld+json">{body}</script>')["title"].startswith("Ferry")


@pytest.mark.parametrize(
    "sign",
    ["<", "<meta ", '<meta a="', "<title>", "a=", '<link rel="', "<meta " + "a" * 100, "&#", " ",
     '<script type="application/ld+json">', "<meta property='og:title' content='", "((((", "a@"],
)  # fmt: skip
def test_a_page_costs_no_more_than_its_length(sign: str) -> None:
    page = (sign * (5_000_000 // len(sign))).encode()
    started = time.process_time()
    read_page(page, base=BASE, now=NOW)
    assert time.process_time() - started < 1.5


def test_a_page_names_its_feeds() -> None:
    assert feeds_of((PAGE % "").encode(), base=BASE) == (
        "https://www.post.example/rss",
        "https://www.post.example/j",
    )
    assert feeds_of(b'<link type="application/rss+xml" href="javascript:x">', base=BASE) == ()
