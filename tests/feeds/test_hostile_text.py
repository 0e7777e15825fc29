"""What attackers write into feeds comes out as the words that it is, in every field of every dialect."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime
from html import escape

import pytest

from newsletter.feeds.clean import canonical, fragment, plain, plain_from_html, web_address
from newsletter.feeds.parse import parse
from newsletter.feeds.pictures import running_time
from newsletter.values import ArticleDraft

NOW = datetime(2026, 2, 18, 13, 0, tzinfo=UTC)
TAGS = ("script", "img", "svg", "iframe", "style", "form", "math", "object", "base", "meta", "link", "video")
ATTACKS = [
    *(f"<{tag} src=x onerror=alert(1)>x</{tag}>" for tag in TAGS),
    *(f"<{tag.upper()}/onload=alert(1)//" for tag in TAGS),
    *(f"</title><{tag}>" for tag in TAGS),
    *(f"&lt;{tag} onload=alert(1)&gt;" for tag in TAGS),
    '"><b onmouseover=alert(1)>', "'-alert(1)-'", "]]><script>", "<!--><script>-->", "<scr<script>ipt>",
    "{{ 7*7 }}", "{% include '/etc/passwd' %}", "${7*7}", "%(subject)s", "[link=x]y[/link]", "\x1b]0;x\x07",
    "a\r\nBcc: b@c.example", "a\u202eb\u2066c", "\x00\x08a\x7f\x85", "a\u2028b\u2029c",
    "<b>how</b> &amp; why", "&#x3c;script&#x3e;", "&Tab;&NewLine;x",
]  # fmt: skip
LINKS = [
    "javascript:alert(1)", "JaVa\tScRiPt:alert(1)", " javascript:alert(1)", "java\nscript:alert(1)",
    "data:text/html,<script>", "vbscript:x", "//evil.example/x", "https://u:p@evil.example/", "file:///etc/passwd",
    "\\\\evil.example\\x", "https:evil.example", "blob:https://x/1", "feed:https://x.example/",
    "view-source:https://x.example/", "mailto:a@b.example", "https://evil.example\\@post.example/",
]  # fmt: skip
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def cdata(text: str) -> str:
    return f"<![CDATA[{text.replace(']]>', ']]]]><![CDATA[>')}]]>"


def first(document: str) -> ArticleDraft:
    (draft,) = parse(document.encode(), base="https://post.example/", now=NOW).drafts
    return draft


def rss(fields: str) -> ArticleDraft:
    return first(f'<rss version="2.0"><channel><item><link>/a</link>{fields}</item></channel></rss>')


def atom(fields: str) -> ArticleDraft:
    return first(f'<feed xmlns="http://www.w3.org/2005/Atom"><entry><link href="/a"/>{fields}</entry></feed>')


def harmless(*texts: str) -> None:
    for text in texts:
        assert not CONTROL.search(text) and text == plain(text, 1_000), text


@pytest.mark.parametrize("attack", ATTACKS)
def test_text_stays_the_text_that_it_is(attack: str) -> None:
    words = plain(re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f]", "", attack), 300)
    safe = re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f]", "", attack)
    title, summary = atom(
        f'<title type="text">{escape(safe)}</title><summary type="text">{escape(safe)}</summary>'
    ), first(json.dumps({
        "version": "https://jsonfeed.org/version/1.1",
        "items": [{"url": "/a", "title": attack, "content_text": attack, "authors": [{"name": attack}]}],
    }))  # fmt: skip
    assert (title.title, title.summary) == (words, words)
    assert (summary.title, summary.summary, summary.byline) == (
        plain(attack, 300),
        plain(attack, 600),
        plain(attack, 200),
    )
    harmless(title.title, title.summary, summary.title, summary.summary, summary.byline)


@pytest.mark.parametrize("attack", ATTACKS)
def test_markup_goes_where_the_feed_says_that_it_is_markup(attack: str) -> None:
    body = f"seen {attack}"
    drafts = [
        rss(f"<title>{cdata(body)}</title><description>{cdata(body)}</description><author>{cdata(attack)}</author>"
            f"<guid>{cdata(attack)}</guid><category>{cdata(attack)}</category>"),
        atom(f'<title type="html">{escape(body)}</title><content type="html">{escape(body)}</content>'
             f"<author><name>{escape(attack)}</name></author><id>{escape(attack)}</id>"),
        atom('<title type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">'
             f"seen {escape(attack)}</div></title>"),
    ]  # fmt: skip
    for draft in drafts:
        assert draft.title.startswith("seen")
        harmless(draft.title, draft.summary, draft.byline, draft.guid, draft.language, draft.section)
        assert draft.picture is None or draft.picture.url.startswith("https://post.example/")


@pytest.mark.parametrize("link", LINKS)
def test_a_link_that_leads_elsewhere_than_to_a_page_is_dropped(link: str) -> None:
    document = json.dumps({
        "version": "https://jsonfeed.org/version/1",
        "items": [{"url": link, "title": "T"}, {"url": "/a", "title": "T", "image": link}],
    })  # fmt: skip
    parsed = parse(document.encode(), base="https://post.example/", now=NOW)
    (draft,) = parsed.drafts
    assert (draft.url, draft.picture) == ("https://post.example/a", None)
    assert "no web address" in parsed.refused[0].why and not CONTROL.search(parsed.refused[0].why)


@pytest.mark.parametrize(
    "sign", ["<", "a@", "((((", "&#", " ", "%", "[", "\u202e", "é", "&lt;", "<a ", "a.", "/"]
)
def test_a_megabyte_of_anything_is_done_within_a_second(sign: str) -> None:
    text = sign * (1_000_000 // len(sign))
    started = time.process_time()
    plain(text, 300), plain_from_html(text, 600), fragment(text), running_time(text)
    for address in (text, f"https://post.example/{text}", f"https://{text}", f"https://post.example/?{text}"):
        if clean := web_address(address, "https://post.example/"):
            canonical(clean)
    assert time.process_time() - started < 1
