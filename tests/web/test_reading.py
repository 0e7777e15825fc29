"""What anybody may read: never an edition before its first row has begun, never a personal link."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from newsletter.models import EditionState, SubscriptionState
from newsletter.services import reading, subscribing
from newsletter.store import editions
from tests.web.conftest import NOON, Paper, without_token

OPEN_PAGES = (
    "/",
    "/n/post",
    "/n/post?q=bridge",
    "/n/post/2026-02-17",
    "/n/post/feed.xml",
    "/n/post/feed.json",
    "/sitemap.xml",
    "/robots.txt",
)


def test_the_front_page_names_every_newsletter_and_its_schedule(site: httpx.Client) -> None:
    page = site.get("/").text
    assert "The Harbour Post" in page and "Weekend" in page
    assert "9am" in page and 'href="/n/post"' in page


def test_a_newsletter_without_editions_says_so(site: httpx.Client) -> None:
    answer = site.get("/n/post")
    assert answer.status_code == 200
    assert "five minutes" in answer.text and "No edition has been sent yet" in answer.text


def test_the_archive_shows_what_went_out_newest_first(site: httpx.Client, paper: Paper) -> None:
    paper.edition("2026-02-15")
    paper.edition("2026-02-17")
    paper.edition("2026-02-16", sent=0, unknown=1)
    paper.edition("2026-02-14", sent=0)  # reached nobody
    paper.edition("2026-02-18", state=EditionState.FROZEN, begun=0, sent=0)
    page = site.get("/n/post").text
    places = [page.find(f"/n/post/2026-02-{day}") for day in (17, 16, 15)]
    assert places == sorted(places) and places[0] > 0
    assert "2026-02-14" not in page and "2026-02-18" not in page
    assert "Tuesday, February 17, 2026" in page and "News of 2026-02-17" in page
    assert "/2026-02-17" not in site.get("/n/weekend").text


def test_a_long_archive_has_pages(site: httpx.Client, paper: Paper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PAGE", 2)
    for day in (11, 12, 13):
        paper.edition(f"2026-02-{day}")
    first, second = site.get("/n/post"), site.get("/n/post?page=2")
    assert "2026-02-13" in first.text and "2026-02-11" not in first.text
    assert 'href="/n/post?page=2"' in first.text
    assert "2026-02-11" in second.text and "2026-02-13" not in second.text
    for beyond in ("3", "0", "-1", "1e3", "99999", "²", "'", "a desc,(select 1)", "%00"):
        assert site.get("/n/post", params={"page": beyond}).status_code == 404, beyond


@pytest.mark.parametrize(
    ("slug", "state", "begun"),
    [
        ("2026-02-18", EditionState.DRAFT, 0),
        ("2026-02-18", EditionState.APPROVED, 0),
        ("2026-02-18", EditionState.FROZEN, 0),
        ("2026-02-18", EditionState.HELD, 0),
        ("2026-02-18", EditionState.SKIPPED, 0),
        ("2026-02-18", EditionState.CANCELLED, 0),
    ],
)
def test_what_has_not_begun_is_the_very_404_of_what_does_not_exist(
    site: httpx.Client, paper: Paper, slug: str, state: EditionState, begun: int
) -> None:
    paper.edition(slug, state=state, begun=begun, sent=0)
    unknown = site.get("/n/post/2031-01-01")
    answers = [
        site.get(path) for path in (f"/n/post/{slug}", f"/n/nothing/{slug}", "/nothing", "/n/post/%27")
    ]
    for answer in answers:
        assert answer.status_code == 404
        assert answer.content == unknown.content
        assert _steady(answer) == _steady(unknown)
    assert unknown.headers["cache-control"] == "no-store"


def test_a_run_whose_rows_were_all_handed_back_is_not_out(site: httpx.Client, paper: Paper) -> None:
    edition = paper.edition("2026-02-18", state=EditionState.PAUSED, begun=0, sent=0)
    with paper.runtime.database.writing() as session:
        editions.get(session, edition).began_at = NOON
    assert site.get("/n/post/2026-02-18").status_code == 404


@pytest.mark.parametrize("state", [EditionState.SENDING, EditionState.PAUSED, EditionState.CANCELLED])
def test_what_has_begun_can_be_read(site: httpx.Client, paper: Paper, state: EditionState) -> None:
    paper.edition("2026-02-18", state=state, begun=1, sent=0)
    assert "Bridge opens" in site.get("/n/post/2026-02-18").text


def test_the_web_view_has_no_personal_link(site: httpx.Client, paper: Paper) -> None:
    paper.edition("2026-02-17")
    links = paper.runtime.links
    for path in (path for path in OPEN_PAGES if path != "/robots.txt"):
        page = site.get(path).text
        for personal in (links.leave(paper.alice, paper.ids["post"]), links.preferences(paper.alice)):
            assert personal.rpartition("/")[2] not in page
        assert "/unsubscribe/" not in page and "/preferences/" not in page and "preview=" not in page
    page = site.get("/n/post/2026-02-17").text
    assert 'href="https://news.example.org/n/post"' in page


def test_a_preview_link_opens_its_own_version_of_its_own_edition(site: httpx.Client, paper: Paper) -> None:
    held = paper.edition("2026-02-18", state=EditionState.HELD, begun=0, sent=0, version=4)
    paper.edition("2026-02-19", state=EditionState.HELD, begun=0, sent=0, version=4)
    token = _preview(paper, held, 4, days=1)
    shown = site.get("/n/post/2026-02-18", params={"preview": token})
    assert shown.status_code == 200 and "Bridge opens" in shown.text
    assert shown.headers["cache-control"] == "no-store" and shown.headers["x-robots-tag"] == "noindex"
    for path, wrong in [
        ("/n/post/2026-02-19", token),
        ("/n/weekend/2026-02-18", token),
        ("/n/post/2026-02-18", _preview(paper, held, 3, days=1)),
        ("/n/post/2026-02-18", _preview(paper, held, 4, days=-8)),
        ("/n/post/2026-02-18", token[:-1]),
        ("/n/post/2026-02-18", token + "="),
        ("/n/post/2026-02-18", paper.runtime.links.leave(paper.alice, 1).rpartition("/")[2]),
    ]:
        assert site.get(path, params={"preview": wrong}).status_code == 404, (path, wrong)


def test_no_header_and_no_cookie_steers_a_page(site: httpx.Client, paper: Paper) -> None:
    paper.edition("2026-02-17")
    for path in (*OPEN_PAGES, "/n/post/2031-01-01"):
        plain = site.get(path)
        assert "set-cookie" not in plain.headers
        for name, value in ODD_HEADERS:
            odd = site.get(path, headers={name: value})
            assert without_token(odd.text) == without_token(plain.text), (path, name)
            assert _steady(odd) == _steady(plain), (path, name)


def test_a_newsletter_may_stay_out_of_search_engines(site: httpx.Client, paper: Paper) -> None:
    paper.edition("2026-02-17", newsletter="weekend")
    for path in ("/n/weekend", "/n/weekend/2026-02-17"):
        assert site.get(path).headers["x-robots-tag"] == "noindex"
    assert "x-robots-tag" not in site.get("/n/post").headers


def test_reading_changes_nothing(site: httpx.Client, paper: Paper) -> None:
    paper.edition("2026-02-17")
    links = paper.runtime.links
    leave = links.leave(paper.alice, paper.ids["post"]).removeprefix("https://news.example.org")
    choose = links.preferences(paper.alice).removeprefix("https://news.example.org")
    before = paper.dump()
    for path in (*OPEN_PAGES, "/n/weekend", leave, choose, leave[:-1], choose[:-1], "/healthz", "/readyz"):
        for method in ("GET", "HEAD"):
            for purpose in ({}, {"Sec-Purpose": "prefetch"}):
                assert site.request(method, path, headers=purpose).status_code in (200, 404)
    assert paper.dump() == before
    subscribing.leave(paper.runtime, paper.alice, paper.ids["post"], NOON)
    assert paper.dump() != before, "the dump would not have noticed"
    assert SubscriptionState.ENDED in str(paper.dump())


def test_pages_are_small(site: httpx.Client, paper: Paper) -> None:
    for day in range(61):
        paper.edition((NOON.date() - timedelta(days=day)).isoformat())
    for path in ("/", "/n/post", "/static", paper.runtime.links.preferences(paper.alice)[24:]):
        assert len(site.get(path).content) <= 30_000


def _preview(paper: Paper, edition_id: int, version: int, *, days: int) -> str:
    return paper.runtime.links.preview_token(edition_id, version, NOON + timedelta(days=days))


def _steady(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name != "date"}


ODD_HEADERS = [
    ("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-For", "10.0.0.1"),
    ("X-Forwarded-Port", "444"), ("X-Forwarded-Prefix", "/evil"), ("X-Forwarded-Server", "evil.example"),
    ("X-Forwarded-Scheme", "javascript"), ("Forwarded", "host=evil.example"), ("X-Host", "evil.example"),
    ("X-Original-URL", "/desk"), ("X-Original-Host", "evil.example"), ("X-Rewrite-URL", "/desk"),
    ("X-Ghost-Preview", "1"), ("X-Newsletter-Preview", "1"), ("X-Preview", "1"), ("Preview", "1"),
    ("Accept-Language", "uk"), ("Accept", "application/json"), ("Accept-Encoding", "identity"),
    ("Cookie", "desk=0123; __Host-desk=0123"), ("Authorization", "Bearer x"), ("Referer", "https://evil.example/"),
    ("Origin", "https://evil.example"), ("User-Agent", "Googlebot"), ("X-HTTP-Method-Override", "DELETE"),
    ("X-HTTP-Method", "POST"), ("X-Method-Override", "POST"), ("X-Requested-With", "XMLHttpRequest"),
    ("X-Fragment", "1"), ("HX-Request", "true"), ("X-Client-IP", "127.0.0.1"), ("X-Real-IP", "127.0.0.1"),
    ("X-Cluster-Client-IP", "::1"), ("True-Client-IP", "::1"), ("CF-Connecting-IP", "::1"),
    ("Via", "1.1 evil"),
    ("Range", "bytes=0-1"), ("If-Modified-Since", "Wed, 18 Feb 2026 12:00:00 GMT"), ("DNT", "1"),
    ("Sec-Fetch-Dest", "iframe"), ("Save-Data", "on"), ("X-Debug", "1"), ("Pragma", "akamai-x-get-cache-key"),
]  # fmt: skip
