"""All that went out can be found again: by year, by its words, in feeds; and nothing else can."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

import feedparser
import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from lxml import etree
from sqlalchemy import update
from sqlmodel import col

from newsletter.models import Edition, EditionKind, EditionState, Rendition
from newsletter.services import reading, sending
from newsletter.services.drafting import too_few
from newsletter.store import editions
from newsletter.store.history import note
from newsletter.store.words import searchable
from newsletter.values import Choice
from tests.web.conftest import NOON, PAPER, Paper, served, without_token
from tests.web.routes import ROUTES

# What does not depend on the store is told of one
ONE_STORE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
HOSTILE = [
    "'", '"', ";--", "slug:[x',y]", "a desc,(select 1)", "a AND", "nosuch:x", "*", "NEAR(", "-x", "(", "a OR",
    "^a", "a:b", "\\", "%", "_", "'); DROP TABLE edition;--", "a & ", "!a", "<->", "a:*", "\u202ea", "ﬁ",
    "<script>alert(1)</script>", "{{ 7*7 }}", "\ufffd", "\U0001f600", "a" * 200, "a " * 100, "½ ² ٣",
]  # fmt: skip


def headline(paper: Paper, edition: int, subject: str, text: str = "") -> None:
    """Give what is shown of an edition another headline, and words to be found by."""
    with paper.runtime.database.writing() as session:
        session.execute(
            update(Rendition)
            .where(col(Rendition.edition_id) == edition)
            .values(subject=subject, preheader=text, words=searchable([subject, text]))
        )


def found(page: httpx.Response) -> list[str]:
    return re.findall(r'href="/n/post/(\d{4}-\d\d-\d\d)"', page.text)


def ask(site: httpx.Client, query: str) -> httpx.Response:
    return site.get("/n/post", params={"q": query})


# ── search ──────────────────────────────────────────────────────────────────────────────────────


def test_editions_are_found_by_their_words(site: httpx.Client, paper: Paper) -> None:
    headline(paper, paper.edition("2026-02-15"), "The bridge opens", "Nobody fell into the water")
    headline(paper, paper.edition("2026-02-16"), "П’ятниця: міст відкрито", "Don't miss it")
    headline(paper, paper.edition("2026-02-17"), "Bridges of the county", "O'Hara's list")
    for query, days in [
        ("bridge", [17, 15]), ("BRIDGE opens", [15]), ("opens bridg", [15]), ('"bridge" -opens', [15]),
        ("п'ятн", [16]), ("ПʼЯТНИЦЯ", [16]), ("dont", [16]), ("don’t", [16]), ("ohara", [17]),
        ("O'HARA'S LIST", [17]), ("ridge", []), ("bridge zoo", []), ("of", [17]), ("news", []),
    ]:  # fmt: skip
        assert found(ask(site, query)) == [f"2026-02-{day}" for day in days], query


def test_what_did_not_go_out_is_not_found(site: httpx.Client, paper: Paper) -> None:
    states = [EditionState.FROZEN, EditionState.HELD, EditionState.SKIPPED, EditionState.CANCELLED]
    for day, state in enumerate(states, start=10):
        headline(paper, paper.edition(f"2026-02-{day}", state=state, begun=0, sent=0), "Secret bridge")
    headline(paper, paper.edition("2026-02-17", newsletter="weekend"), "Secret bridge")
    answer = ask(site, "secret")
    assert found(answer) == [] and "Nothing was found" in answer.text
    assert "Secret" not in site.get("/n/post").text + site.get("/n/post/feed.xml").text
    assert "2026-02-1" not in site.get("/sitemap.xml").text.replace("weekend/2026-02-17", "")


def test_no_query_breaks_the_search_and_only_letters_come_back(site: httpx.Client, paper: Paper) -> None:
    headline(paper, paper.edition("2026-02-17"), "The bridge opens")
    for query in HOSTILE:
        answer = ask(site, query)
        assert answer.status_code == 200, query
        (shown,) = re.findall(r'name="q" value="([^"]*)"', answer.text)
        assert re.fullmatch(r"(\w+( \w+)*)?", shown), query
        assert answer.headers["x-robots-tag"] == "noindex"
    for query in ("\0", "a\0b", "a\nb", "a" * 201, "\x1b[2J"):
        assert ask(site, query).status_code == 400, query
    assert site.get("/n/post?q=%ED%A0%80").status_code == 200
    assert site.get("/n/post", params={"q": "a" * 10_000}).status_code == 414
    assert ask(site, " ").status_code == 200 and "Say what to look for" in ask(site, " ").text


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=80))
@example("\ud800")
def test_any_text_is_a_query_that_both_stores_take(paper: Paper, query: str) -> None:
    assert reading.search(paper.runtime, "post", NOON, query) is not None


@ONE_STORE
def test_how_many_were_found_is_said_in_the_readers_language(paper: Paper) -> None:
    with served(paper, language="uk") as site:
        for count, words in [(1, "1 випуск"), (2, "2 випуски"), (5, "5 випусків")]:
            while len(found(ask(site, "міст"))) < count:
                day = date(2026, 1, 31) + timedelta(days=len(found(ask(site, "міст"))))
                headline(paper, paper.edition(day.isoformat()), "Міст відкрито")
            assert f"Знайдено {words}." in ask(site, "міст").text


# ── the list ────────────────────────────────────────────────────────────────────────────────────


@ONE_STORE
def test_every_year_can_be_turned_to(site: httpx.Client, paper: Paper) -> None:
    for slug in ("2024-12-31", "2025-01-01", "2025-12-31", "2026-02-17"):
        paper.edition(slug)
    assert 'href="/n/post?year=2024"' in site.get("/n/post").text
    assert found(site.get("/n/post?year=2025")) == ["2025-12-31", "2025-01-01"]
    assert (
        '<link rel="canonical" href="https://news.example.org/n/post?year=2025">'
        in site.get("/n/post?year=2025&page=1&other=x").text
    )
    for other in ("2023", "0", "20255", "'", "²", "\0"):
        assert site.get("/n/post", params={"year": other}).status_code == 404, other


def test_a_day_without_an_edition_says_why(site: httpx.Client, paper: Paper) -> None:
    few = too_few(PAPER, Edition(kind=EditionKind.DAILY, **BARE), Choice((), {}))
    holiday = PAPER.model_copy(update={"holidays": ("US",)}).taken_out(date(2026, 12, 25))
    paper.edition("2026-02-09", state=EditionState.SKIPPED, begun=0, sent=0)
    paper.edition("2026-02-10")
    for day, why, who in [
        (11, few, "scheduler"), (12, holiday, "scheduler"),
        (13, "held (Libel? Ask Ana.) until noon", "scheduler"),
        (14, "The presses <b>rest</b>.", "ana"), (19, "tomorrow is another day", "ana"),
    ]:  # fmt: skip
        skipped = paper.edition(f"2026-02-{day}", state=EditionState.SKIPPED, begun=0, sent=0)
        with paper.runtime.database.writing() as session:
            session.execute(update(Edition).where(col(Edition.id) == skipped).values(why=why))
            note(session, NOON, who, "skipped", "edition", skipped, why)
    page = site.get("/n/post").text
    told = re.findall(r'datetime="2026-02-(\d\d)".*?class="why"[^>]*>(.*?)</span>', page, re.DOTALL)
    assert told == [
        ("14", "The presses &lt;b&gt;rest&lt;/b&gt;."), ("13", "There was no edition on this day."),
        ("12", "No edition: Christmas Day."), ("11", "There was not enough news for an edition."),
    ]  # fmt: skip
    assert "Libel" not in page and "2026-02-09" not in page


BARE: dict[str, Any] = {
    "newsletter_id": 1,
    "slug": "x",
    "local_date": NOON.date(),
    "due_at": NOON,
    "created_at": NOON,
}


def test_a_private_archive_is_its_readers_alone(paper: Paper) -> None:
    headline(paper, paper.edition("2026-02-17"), "The bridge opens")
    edition = paper.edition("2026-02-16")
    link = paper.runtime.links.preview("post", "2026-02-16", edition_id=edition, version=9, expires=NOON)
    with served(paper, private_archive=True) as site:
        page, unknown = site.get("/n/post"), site.get("/n/nothing")
        assert page.status_code == 200 and "kept for those who get this newsletter" in page.text
        assert "bridge" not in page.text + site.get("/").text + site.get("/sitemap.xml").text
        for path in ("/2026-02-17", "/feed.xml", "/feed.json", "?q=bridge", "?year=2026", "?page=2"):
            answer = site.get(f"/n/post{path}")
            assert (answer.status_code, answer.content) == (404, unknown.content), path
            assert answer.headers["cache-control"] == "no-store"
        query = link.rpartition("?")[2]
        assert site.get(f"/n/post/2026-02-16?{query}").status_code == 404, "it has expired"
        good = paper.runtime.links.preview_token(edition, 9, NOON + timedelta(days=9))
        opened = site.get("/n/post/2026-02-16", params={"preview": good})
        assert opened.status_code == 200 and "Bridge opens" in opened.text
        assert opened.headers["x-robots-tag"] == "noindex" and opened.headers["cache-control"] == "no-store"
        assert site.get("/n/post/2026-02-17", params={"preview": good}).status_code == 404


# ── for programs ────────────────────────────────────────────────────────────────────────────────

WORST = "</script><script>alert(1)</script> ]]> \u2028 &#0; \x08 <b>'\"&amp;"


@ONE_STORE
def test_no_headline_ends_what_it_stands_in(site: httpx.Client, paper: Paper) -> None:
    headline(paper, paper.edition("2026-02-17"), WORST, WORST)
    seen = WORST.replace("\x08", " ")
    rss = site.get("/n/post/feed.xml")
    assert rss.headers["content-type"] == "application/rss+xml"
    item = etree.fromstring(rss.content).find("channel/item")
    assert item.findtext("title") == item.findtext("description") == seen
    assert item.findtext("link") == "https://news.example.org/n/post/2026-02-17"
    told = feedparser.parse(rss.content)
    assert not told.bozo and told.entries[0].published == "Tue, 17 Feb 2026 14:00:00 +0000"
    assert '<a href="https://news.example/bridge">' in told.entries[0].content[0].value
    feed = site.get("/n/post/feed.json")
    assert feed.headers["content-type"] == "application/feed+json"
    (entry,) = feed.json()["items"]
    assert entry["title"] == entry["summary"] == WORST and entry["id"] == entry["url"]
    page = site.get("/n/post/2026-02-17").text
    linked = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    assert json.loads(linked[0])["headline"] == WORST and "<" not in linked[0] and "\u2028" not in linked[0]
    assert page.count("<script") == 2, "ours, and that of the hostile edition"
    assert '<meta property="og:title" content="&lt;/script&gt;' in page


@ONE_STORE
def test_programs_are_told_of_every_page_and_change(site: httpx.Client, paper: Paper) -> None:
    paper.edition("2026-02-16", newsletter="weekend")
    paper.edition("2026-02-17")
    listed = etree.fromstring(site.get("/sitemap.xml").content)
    names = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}
    assert listed.xpath("//s:loc/text()", namespaces=names) == [
        "https://news.example.org/", "https://news.example.org/n/post", "https://news.example.org/n/post/2026-02-17",
    ], "weekend stays out of search engines"  # fmt: skip
    assert listed.xpath("//s:lastmod/text()", namespaces=names) == ["2026-02-17T14:00:00+00:00"]
    rules = site.get("/robots.txt").text
    assert "Disallow: /unsubscribe/" in rules and "Sitemap: https://news.example.org/sitemap.xml" in rules
    head = site.get("/n/post/2026-02-17").text
    assert '<link rel="canonical" href="https://news.example.org/n/post/2026-02-17">' in head
    assert 'href="/n/post/feed.xml"' in site.get("/n/post").text


@ONE_STORE
def test_whoever_has_a_page_is_not_sent_it_again(site: httpx.Client, paper: Paper) -> None:
    paper.edition("2026-02-16")
    for path in ("/", "/n/post", "/n/post?q=bridge", "/n/post/2026-02-16", "/n/post/feed.xml",
                 "/n/post/feed.json", "/sitemap.xml"):  # fmt: skip
        first = site.get(path)
        tag, strong = first.headers["etag"], first.headers["etag"].removeprefix("W/")
        assert (tag != strong) == ('name="form"' in first.text), "each box has a token of its own"
        for known in (strong, f"W/{strong}", f'"other", {tag}', "*"):
            again = site.get(path, headers={"If-None-Match": known})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag), path
            assert again.headers["cache-control"] == first.headers["cache-control"]
        other = site.get(path, headers={"If-None-Match": '"other"'})
        assert without_token(other.text) == without_token(first.text)
    before = site.get("/n/post/feed.xml").headers["etag"]
    paper.edition("2026-02-17")
    changed = site.get("/n/post/feed.xml", headers={"If-None-Match": before})
    assert changed.status_code == 200 and "2026-02-17" in changed.text


@ONE_STORE
def test_a_page_on_the_web_renders_nothing(
    site: httpx.Client, paper: Paper, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a reader made us render")

    paper.edition("2026-02-17")
    for place in ("newsletter.render.compile.print_parts", "newsletter.render.theme.load_theme"):
        monkeypatch.setattr(place, refuse)
    assert site.get("/n/post/2026-02-17").status_code == site.get("/n/post/feed.xml").status_code == 200


# ── whatever is asked ───────────────────────────────────────────────────────────────────────────

OPEN = [
    path for path, methods in ROUTES if methods == "GET HEAD" and not path.startswith(("/static", "/desk"))
]
MARK = "zq<'\"&>`qz"
ODD = st.one_of(st.text(max_size=40), st.sampled_from([*HOSTILE, "../..", "%00", MARK, "post", "2026-02-17"]))


@ONE_STORE
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_request_is_a_fault_of_ours_or_comes_back(
    site: httpx.Client, paper: Paper, data: st.DataObject
) -> None:
    path = data.draw(st.sampled_from(OPEN))
    for name in re.findall(r"{\w+}", path):
        path = path.replace(name, quote(data.draw(ODD), safe="", errors="replace"))
    names = st.one_of(st.sampled_from(["q", "page", "year", "preview"]), st.text(min_size=1, max_size=8))
    query = data.draw(st.dictionaries(names, ODD, max_size=3))
    query = {name: value.encode(errors="replace").decode() for name, value in query.items()}
    answer = site.request(data.draw(st.sampled_from(["GET", "HEAD"])), path, params=query | {"mark": MARK})
    assert answer.status_code in (200, 400, 404, 414)
    assert MARK not in answer.text and "zq&lt;" not in answer.text
    assert not any(MARK in value for value in answer.headers.values())


@ONE_STORE
def test_no_parameter_reaches_the_stores_language(site: httpx.Client, paper: Paper) -> None:
    paper.edition("2026-02-17")
    plain = without_token(site.get("/n/post").text)
    for name in ("page", "year", "q", "preview", "sort", "order"):
        for odd in HOSTILE:
            answer = site.get("/n/post", params={name: odd})
            assert answer.status_code in (200, 400, 404), (name, odd)
            assert name in ("page", "year", "q") or without_token(answer.text) == plain


@ONE_STORE
def test_the_mails_of_a_private_archive_open_their_own_edition(paper: Paper) -> None:
    number = paper.edition("2026-02-17")
    paper.edition("2026-02-16")
    with paper.runtime.database.reading() as session:
        edition = editions.get(session, number)
    private = PAPER.model_copy(update={"private_archive": True})
    link = sending.letterhead(paper.runtime, private, edition).archived_at
    path, _, query = link.removeprefix("https://news.example.org").partition("?")
    with served(paper, private_archive=True) as site:
        assert "Bridge opens" in site.get(f"{path}?{query}").text
        assert site.get(path).status_code == 404
        assert site.get(f"/n/post/2026-02-16?{query}").status_code == 404
    assert sending.letterhead(paper.runtime, PAPER, edition).archived_at == link.partition("?")[0]
