"""From feeds and files into the pool of a real store, and what is told about it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from newsletter.clock import Clock
from newsletter.config import FeedSource, FeedUse, Gathering, NewsletterSettings, Settings
from newsletter.errors import FetchFailed, Misuse
from newsletter.feeds.files import draft_of
from newsletter.feeds.rounds import AT_ONCE
from newsletter.models import Article, ArticleKind
from newsletter.runtime import Runtime
from newsletter.services import gathering
from newsletter.services.gathering import FeedReport, gather, gather_due, import_articles
from newsletter.store import articles
from newsletter.store.database import Database
from newsletter.store.history import story_of
from newsletter.store.incoming import Counts
from newsletter.values import Candidate, CarriedBy, Refusal
from tests.feeds.server import Server

NOW = datetime(2026, 2, 18, 13, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def runtime(database: Database, server: Server, tmp_path: Path) -> Runtime:
    """A newsroom that reads two feeds, `bbc` and `nyt`, from the server."""
    settings = Settings(
        gathering=Gathering(allow_hosts=("127.0.0.1",), timeout=5),
        feeds=(
            FeedSource(name="bbc", url=server.url("/bbc"), language="en"),
            FeedSource(name="nyt", url=server.url("/nyt")),
        ),
    )
    return Runtime(settings=settings, home=tmp_path, clock=Clock(NOW), database=database)


def feed(*items: tuple[str, str], summary: str = "") -> bytes:
    """RSS with an item for each (path, title)."""
    told = "".join(
        f"<item><title>{title}</title><link>https://post.example{path}</link><guid>{path}</guid>"
        f"<description>{summary}</description><pubDate>Wed, 18 Feb 2026 10:00:00 GMT</pubDate></item>"
        for path, title in items
    )
    return f'<rss version="2.0"><channel><title>T</title>{told}</channel></rss>'.encode()


def pool(runtime: Runtime, *names: str) -> dict[str, Candidate]:
    uses = [FeedUse(use=name) for name in names or ("bbc", "nyt")]
    with runtime.database.reading() as session:
        found = articles.pool(session, uses, published_after=NOW - timedelta(days=2))
    return {candidate.url.removeprefix("https://post.example"): candidate for candidate in found}


# ── feeds ───────────────────────────────────────────────────────────────────────────────────────


def test_new_updated_and_unchanged_are_counted(runtime: Runtime, server: Server) -> None:
    server.on("/bbc", feed(("/1", "One"), ("/2", "Two")))
    server.on("/nyt", feed(("/3", "Three")))
    assert [report.counts for report in gather(runtime, NOW)] == [Counts(new=2), Counts(new=1)]

    server.on("/bbc", feed(("/2", "Two, corrected"), ("/1", "One"), ("/4", "Four")))
    bbc, nyt = gather(runtime, LATER)
    assert (bbc.counts, nyt.counts) == (Counts(1, 1, 1), Counts(0, 0, 1))

    two = pool(runtime)["/2"]
    assert (two.title, two.first_seen_at) == ("Two, corrected", NOW)
    assert two.carried_by == (CarriedBy("bbc", 0, 3),)


def test_one_broken_feed_costs_only_itself(runtime: Runtime, server: Server) -> None:
    server.on("/bbc", b"<html>maintenance</html>")
    server.on("/nyt", feed(("/3", "Three")))
    heard: list[str] = []
    bbc, nyt = gather(runtime, NOW, on_feed=lambda report: heard.append(report.feed))
    assert bbc.trouble == "The answer is no feed, but a web page. → check the address"
    assert nyt.counts == Counts(new=1)
    assert sorted(heard) == ["bbc", "nyt"]

    gather(runtime, LATER, names=["bbc"])
    sick, well = gathering.list_feeds(runtime)
    assert sick.state and well.state
    assert (sick.state.failures, sick.state.succeeded_at, sick.state.fetched_at) == (2, None, LATER)
    assert (well.state.failures, well.state.trouble, well.state.succeeded_at) == (0, "", NOW)

    server.on("/bbc", feed(("/1", "One")))
    gather(runtime, LATER)
    healed = gathering.list_feeds(runtime)[0].state
    assert healed and (healed.failures, healed.trouble, healed.succeeded_at) == (0, "", LATER)


def test_refused_items_are_told(runtime: Runtime, server: Server) -> None:
    server.on("/bbc", feed(("/1", "One"), ("/2", "")))
    (bbc,) = gather(runtime, NOW, names=["bbc"])
    assert (bbc.counts, bbc.refused) == (Counts(new=1), (Refusal("item 2", "it has no title"),))


def test_what_has_not_changed_is_asked_for_with_its_validators(runtime: Runtime, server: Server) -> None:
    server.on("/bbc", feed(("/1", "One")), ETag='"v1"')
    gather(runtime, NOW, names=["bbc"])
    server.on("/bbc", status=304)
    (bbc,) = gather(runtime, LATER, names=["bbc"])
    assert (bbc.not_modified, bbc.trouble) == (True, "")
    (_, first), (_, second) = server.seen
    assert ("If-None-Match" in first, second["If-None-Match"]) == (False, '"v1"')
    gather(runtime, LATER, names=["bbc"])
    assert server.seen[2][1]["If-None-Match"] == '"v1"'


def test_a_feed_under_a_new_address_is_fetched_anew(runtime: Runtime, server: Server) -> None:
    server.on("/bbc", feed(("/1", "One")), ETag='"v1"')
    gather(runtime, NOW, names=["bbc"])
    moved = FeedSource(name="bbc", url=server.on("/moved", feed(("/1", "One"))))
    settings = runtime.settings.model_copy(update={"feeds": (moved,)})
    again = Runtime(settings, runtime.home, runtime.clock, runtime.database)
    assert gather(again, LATER)[0].counts == Counts(unchanged=1)
    assert "If-None-Match" not in server.seen[-1][1]


def test_feeds_are_fetched_side_by_side(runtime: Runtime, server: Server) -> None:
    """Each answer waits until as many requests stand before the server as may come at once."""
    together = threading.Barrier(AT_ONCE, timeout=10)

    def answer(handler: BaseHTTPRequestHandler) -> None:
        together.wait()
        body = feed(("/1", "One"))
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    sources = tuple(FeedSource(name=f"f{n}", url=server.script(f"/f{n}", answer)) for n in range(AT_ONCE))
    settings = runtime.settings.model_copy(update={"feeds": sources})
    reports = gather(Runtime(settings, runtime.home, runtime.clock, runtime.database), NOW)
    assert [report.trouble for report in reports] == [""] * AT_ONCE


def test_only_due_feeds_are_looked_at(runtime: Runtime, server: Server) -> None:
    server.on("/bbc", feed(("/1", "One")))
    server.on("/nyt", feed(("/3", "Three")))
    gather(runtime, NOW, names=["bbc"])
    assert [report.feed for report in gather_due(runtime, NOW + timedelta(seconds=299))] == ["nyt"]
    assert [report.feed for report in gather_due(runtime, NOW + timedelta(seconds=300))] == ["bbc"]
    assert gather_due(runtime, NOW + timedelta(seconds=310)) == ()
    a_clock_moved_back = NOW - timedelta(days=1)
    assert len(gather_due(runtime, a_clock_moved_back)) == 2


def test_a_feed_that_fails_is_asked_less_often(runtime: Runtime, server: Server) -> None:
    server.on("/bbc", status=500)
    server.on("/nyt", feed(("/3", "Three")))
    asked = 0
    for minute in range(0, 120, 5):
        reports = gather_due(runtime, NOW + timedelta(minutes=minute))
        asked += sum(report.feed == "bbc" for report in reports)
    assert asked == 5, "at 0, 5, 15, 35 and 75 minutes"
    sick, well = gathering.list_feeds(runtime)
    assert sick.state and well.state
    assert (sick.state.failures, sick.state.retry_at) == (5, NOW + timedelta(minutes=75 + 80))
    assert well.state.fetched_at == NOW + timedelta(minutes=115)

    server.on("/bbc", feed(("/1", "One")))
    (healed,) = gather(runtime, NOW + timedelta(minutes=116), names=["bbc"])
    assert (healed.trouble, healed.retry_at) == ("", None)
    state = gathering.list_feeds(runtime)[0].state
    assert state and (state.failures, state.retry_at) == (0, None)


def test_every_feed_is_looked_at_shortly_before_the_cut_off(runtime: Runtime, server: Server) -> None:
    server.on("/bbc", status=503, Retry_After="80000")
    server.on("/nyt", feed(("/3", "Three")))
    newsletter = NewsletterSettings(
        slug="town", name="Town", from_address="n@town.example", postal_address="Here",
        feeds=(FeedUse(use="bbc"), FeedUse(use="nyt")),
    )  # fmt: skip
    often = runtime.settings.gathering.model_copy(update={"every": 86_400})
    settings = runtime.settings.model_copy(update={"newsletters": (newsletter,), "gathering": often})
    town = Runtime(settings, runtime.home, runtime.clock, runtime.database)
    cut_off = NOW + timedelta(minutes=30)  # half an hour before nine in New York
    looks = {
        minutes: [report.feed for report in gather_due(town, cut_off - timedelta(minutes=minutes))]
        for minutes in (30, 20, 4, 3, 2, 0)
    }
    assert looks == {30: ["bbc", "nyt"], 20: [], 4: [], 3: ["bbc", "nyt"], 2: [], 0: []}


def test_the_publisher_can_be_found_in_our_requests(runtime: Runtime, server: Server) -> None:
    server.on("/bbc", feed(("/1", "One")))
    web = runtime.settings.web.model_copy(update={"public_url": "https://news.town.example"})
    settings = runtime.settings.model_copy(update={"web": web})
    gather(Runtime(settings, runtime.home, runtime.clock, runtime.database), NOW, names=["bbc"])
    assert server.seen[0][1]["User-Agent"].endswith("(+https://news.town.example)")


def test_a_page_instead_of_a_feed_names_its_feed(runtime: Runtime, server: Server) -> None:
    page = b"<!doctype html><link rel=alternate type='application/rss+xml' href='/rss;$(id)'>"
    with pytest.raises(FetchFailed, match="a web page") as refused:
        gathering.try_feed(runtime, server.on("/home", page), NOW)
    assert refused.value.next_step == f"newsletter feeds try '{server.url('/rss;$(id)')}'"


def test_an_unknown_feed_is_named(runtime: Runtime) -> None:
    with pytest.raises(Misuse, match="There is no feed 'cnn'; the configuration has: bbc, nyt"):
        gather(runtime, NOW, names=["cnn"])


def test_trying_a_feed_stores_nothing(runtime: Runtime, server: Server) -> None:
    trial = gathering.try_feed(runtime, server.on("/new", feed(("/1", "One"), ("/2", ""))), NOW)
    assert (trial.title, [draft.title for draft in trial.drafts], len(trial.refused)) == ("T", ["One"], 1)
    assert pool(runtime) == {}
    with pytest.raises(FetchFailed, match="404 Not Found"):
        gathering.try_feed(runtime, server.on("/gone", status=404), NOW)


# ── one article, several feeds ──────────────────────────────────────────────────────────────────


def test_two_feeds_that_word_it_differently_do_not_take_turns(runtime: Runtime, server: Server) -> None:
    server.on("/bbc", feed(("/1", "Ferry returns")))
    server.on("/nyt", feed(("/0", "Zero"), ("/1?utm_source=nyt", "The Ferry Is Back"), summary="At dawn."))
    gather(runtime, NOW, names=["bbc"])
    assert gather(runtime, LATER, names=["nyt"])[0].counts == Counts(new=1, updated=1)
    for _ in range(2):
        assert [report.counts.updated for report in gather(runtime, LATER)] == [0, 0]
    shared = pool(runtime)["/1"]
    assert (shared.title, shared.summary) == ("Ferry returns", "At dawn.")
    assert shared.carried_by == (CarriedBy("bbc", 0, 1), CarriedBy("nyt", 1, 2))
    assert pool(runtime, "nyt")["/1"].carried_by == (CarriedBy("nyt", 1, 2),)


def test_two_feeds_in_one_gathering_do_not_take_turns_either(runtime: Runtime, server: Server) -> None:
    server.on("/bbc", feed(("/1", "Ferry returns")))
    server.on("/nyt", feed(("/1", "The Ferry Is Back")))
    gather(runtime, NOW)
    title = pool(runtime)["/1"].title
    for _ in range(2):
        gather(runtime, LATER)
    counts = [report.counts for report in gather(runtime, LATER)]
    assert counts == [Counts(unchanged=1), Counts(unchanged=1)]
    assert pool(runtime)["/1"].title == title or title == "The Ferry Is Back"


def test_a_hand_s_words_outlive_the_feeds(runtime: Runtime, server: Server) -> None:
    mine = draft_of({"url": "https://post.example/1", "title": "Our own headline", "section": "Town"})
    gathering.add_article(runtime, mine, NOW)
    server.on("/bbc", feed(("/1", "Theirs"), summary="Their summary."))
    gather(runtime, LATER, names=["bbc"])
    kept = pool(runtime)["/1"]
    assert (kept.title, kept.summary, kept.section) == ("Our own headline", "Their summary.", "Town")


def test_a_hand_s_words_outlive_the_feed_that_brought_it_first(runtime: Runtime, server: Server) -> None:
    server.on("/bbc", feed(("/1", "Theirs"), summary="Their summary."))
    gather(runtime, NOW, names=["bbc"])
    mine = draft_of({"url": "https://www.post.example/1/", "title": "Our own headline"})
    gathering.add_article(runtime, mine, LATER)
    server.on("/bbc", feed(("/1", "Theirs, updated"), summary="Their update."))
    assert gather(runtime, LATER, names=["bbc"])[0].counts == Counts(updated=1)
    kept = gathering.show_article(runtime, "https://post.example/1").article
    assert (kept.title, kept.summary, kept.by_hand) == ("Our own headline", "Their update.", "title")
    assert gather(runtime, LATER, names=["bbc"])[0].counts == Counts(unchanged=1)


def test_one_page_in_all_forms_of_its_address_is_one_article(runtime: Runtime, server: Server) -> None:
    server.on("/bbc", feed(("/1", "One")))
    server.on(
        "/nyt", feed(("/1", "One")).replace(b"https://post", b"http://www.post").replace(b"/1<", b"/1/<")
    )
    gather(runtime, NOW, names=["bbc"])
    assert gather(runtime, LATER, names=["nyt"])[0].counts == Counts(unchanged=1)
    story = gathering.show_article(runtime, "http://post.example/1/index.html")
    assert [seen.feed for seen in story.seen_in] == ["bbc", "nyt"]
    assert story.article.url == "https://post.example/1", "the link stays its owner's"


# ── the same article under another address ──────────────────────────────────────────────────────


def guid_feed(*items: tuple[str, str, str], date: str = "Wed, 18 Feb 2026 10:00:00 GMT") -> bytes:
    told = "".join(
        f"<item><title>{title}</title><link>https://post.example{path}</link><guid>{guid}</guid>"
        f"<pubDate>{date}</pubDate></item>"
        for path, title, guid in items
    )
    return f'<rss version="2.0"><channel>{told}</channel></rss>'.encode()


def test_an_article_that_moved_is_known_by_its_guid(runtime: Runtime, server: Server) -> None:
    server.on("/bbc", guid_feed(("/ferry", "Ferry late", "g7")))
    gather(runtime, NOW, names=["bbc"])
    server.on("/bbc", guid_feed(("/ferry-returns", "Ferry returns", "g7")))
    assert gather(runtime, LATER, names=["bbc"])[0].counts == Counts(updated=1)
    moved = pool(runtime)
    assert moved.keys() == {"/ferry-returns"} and moved["/ferry-returns"].title == "Ferry returns"
    assert gather(runtime, LATER, names=["bbc"])[0].counts == Counts(unchanged=1)


def test_guids_that_number_places_swallow_nothing(runtime: Runtime, server: Server) -> None:
    server.on("/bbc", guid_feed(("/1", "One", "first"), ("/2", "Two", "second")))
    gather(runtime, NOW, names=["bbc"])
    later = "Wed, 18 Feb 2026 12:00:00 GMT"
    server.on("/bbc", guid_feed(("/3", "Three", "first"), ("/4", "Four", "second"), date=later))
    assert gather(runtime, LATER, names=["bbc"])[0].counts == Counts(new=2)
    server.on("/bbc", guid_feed(("/5", "One", "same"), ("/6", "Two", "same")))
    assert gather(runtime, LATER, names=["bbc"])[0].counts == Counts(new=2)


def test_a_guid_counts_only_while_its_old_address_is_gone(runtime: Runtime, server: Server) -> None:
    server.on("/bbc", guid_feed(("/1", "One", "g")))
    gather(runtime, NOW, names=["bbc"])
    server.on("/bbc", guid_feed(("/1", "One", "old"), ("/2", "One", "g")))
    assert gather(runtime, LATER, names=["bbc"])[0].counts == Counts(new=1, unchanged=1)


def test_a_guid_is_its_feed_s_own(runtime: Runtime, server: Server) -> None:
    server.on("/bbc", guid_feed(("/1", "One", "7")))
    server.on("/nyt", guid_feed(("/2", "One", "7")))
    gather(runtime, NOW)
    assert pool(runtime).keys() == {"/1", "/2"}


# ── dates ───────────────────────────────────────────────────────────────────────────────────────


def dated(runtime: Runtime, server: Server, date: str, now: datetime) -> tuple[FeedReport, Article]:
    server.on("/bbc", guid_feed(("/1", "One", "g"), date=date))
    (report,) = gather(runtime, now, names=["bbc"])
    return report, gathering.show_article(runtime, "https://post.example/1").article


def test_a_date_to_come_is_repaired_in_sight_and_does_not_creep(runtime: Runtime, server: Server) -> None:
    to_come = "Wed, 18 Feb 2026 15:00:00 GMT"
    report, article = dated(runtime, server, to_come, NOW)
    assert "still to come" in report.repaired[0] and report.repaired[0].startswith("item 1: ")
    assert article.date_note in report.repaired[0]
    assert article.published_at == article.first_seen_at == NOW
    for later in (LATER, NOW + timedelta(hours=3)):
        report, article = dated(runtime, server, to_come, later)
        assert (report.counts, article.published_at) == (Counts(unchanged=1), NOW)


def test_a_date_that_comes_later_is_taken(runtime: Runtime, server: Server) -> None:
    assert dated(runtime, server, "Thu, 01 Jan 1970 00:00:00 GMT", NOW)[1].published_at == NOW
    report, article = dated(runtime, server, "Wed, 18 Feb 2026 09:00:00 GMT", LATER)
    assert (report.counts, article.date_note) == (Counts(updated=1), "")
    assert article.published_at == NOW - timedelta(hours=4)


def test_a_page_that_is_written_anew_every_day_is_marked(runtime: Runtime, server: Server) -> None:
    server.on(
        "/bbc", guid_feed(("/brief", "Tuesday: ferry returns", "g"), date="Tue, 17 Feb 2026 05:00:00 GMT")
    )
    gather(runtime, NOW - timedelta(days=1), names=["bbc"])
    assert pool(runtime)["/brief"].renewed_at is None
    server.on(
        "/bbc",
        guid_feed(("/brief", "Tuesday: ferry returns at last", "g"), date="Wed, 18 Feb 2026 04:00:00 GMT"),
    )
    gather(runtime, NOW, names=["bbc"])
    assert pool(runtime)["/brief"].renewed_at is None, "an update of the same story"
    server.on("/bbc", guid_feed(("/brief", "Market opens early", "g"), date="Wed, 18 Feb 2026 17:00:00 GMT"))
    gather(runtime, NOW + timedelta(hours=5), names=["bbc"])
    assert pool(runtime)["/brief"].renewed_at == NOW + timedelta(hours=5)


def test_a_newsletter_s_pool_is_its_feeds_and_what_no_feed_brought(runtime: Runtime, server: Server) -> None:
    server.on("/bbc", feed(("/1", "One")))
    server.on("/nyt", feed(("/3", "Three")))
    gather(runtime, NOW)
    gathering.add_article(runtime, draft_of({"url": "https://post.example/9", "title": "Nine"}), NOW)
    gathering.add_article(
        runtime,
        draft_of({"url": "https://post.example/8", "title": "Old", "published_at": "2026-02-01T00:00:00Z"}),
        NOW,
    )
    assert set(pool(runtime, "nyt")) == {"/3", "/9"}


def test_600_articles_at_once(runtime: Runtime, server: Server) -> None:
    server.on("/bbc", feed(*((f"/{n}", f"Story {n}") for n in range(600))))
    assert gather(runtime, NOW, names=["bbc"])[0].counts == Counts(new=600)
    assert gather(runtime, LATER, names=["bbc"])[0].counts == Counts(unchanged=600)
    found = pool(runtime)
    with runtime.database.reading() as session:
        by_number = articles.by_ids(session, [candidate.id for candidate in found.values()])
    assert len(by_number) == len(found) == 600


# ── files and single articles ───────────────────────────────────────────────────────────────────


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "articles.jsonl"


def write(file: Path, *rows: dict[str, object]) -> None:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_an_import_keeps_everything_it_was_told(runtime: Runtime, file: Path) -> None:
    write(
        file,
        {
            "url": "https://post.example/v", "title": "From above", "kind": "video", "section": "Town",
            "picture_url": "https://post.example/v.jpg", "picture_width": 640, "picture_height": 360,
            "picture_alt": "A lighthouse", "duration": "3:20", "published_at": "2026-02-18T12:00:00Z",
        },
    )  # fmt: skip
    assert import_articles(runtime, file, NOW).counts == Counts(new=1)
    video = pool(runtime)["/v"]
    assert (video.kind, video.duration, video.section) == (ArticleKind.VIDEO, "3:20", "Town")
    assert video.picture and (video.picture.width, video.picture.alt) == (640, "A lighthouse")
    assert (video.published_at, video.carried_by) == (NOW - timedelta(hours=1), ())


def test_an_import_is_all_or_nothing(runtime: Runtime, file: Path) -> None:
    good = {"url": "https://post.example/1", "title": "One"}
    write(file, good, {"url": "https://post.example/2", "title": ""})
    report = import_articles(runtime, file, NOW)
    assert (report.stored, report.counts, report.refused[0].place) == (False, Counts(new=1), "line 2")
    assert pool(runtime) == {}


def test_a_dry_run_tells_what_would_happen(runtime: Runtime, file: Path) -> None:
    write(file, {"url": "https://post.example/1", "title": "One"})
    dry = import_articles(runtime, file, NOW, dry_run=True)
    assert (dry.stored, dry.counts) == (False, Counts(new=1))
    assert pool(runtime) == {}
    assert import_articles(runtime, file, NOW).stored
    write(file, {"url": "https://post.example/1", "title": "One, again"})
    assert import_articles(runtime, file, LATER).counts == Counts(updated=1)
    assert import_articles(runtime, file, LATER).counts == Counts(unchanged=1)


def test_a_blank_erases_nothing(runtime: Runtime, file: Path) -> None:
    write(
        file,
        {
            "url": "https://post.example/1",
            "title": "One",
            "summary": "Long.",
            "picture_url": "https://p.example/1.jpg",
        },
    )
    import_articles(runtime, file, NOW)
    write(file, {"url": "https://post.example/1", "title": "One"})
    assert import_articles(runtime, file, LATER).counts == Counts(unchanged=1)


def test_an_article_by_number_and_by_any_form_of_its_address(runtime: Runtime, server: Server) -> None:
    server.on("/bbc", feed(("/1", "One")))
    gather(runtime, NOW, names=["bbc"])
    story = gathering.show_article(runtime, "https://POST.example/1?utm_source=mail#top")
    assert gathering.show_article(runtime, str(story.article.id)) == story
    (seen,) = story.seen_in
    assert (seen.feed, seen.guid, seen.rank, seen.first_seen_at) == ("bbc", "/1", 0, NOW)
    for unknown in ("999999", "99999999999999999999", "https://post.example/none", "'; --", "\ud800"):
        with pytest.raises(Misuse, match="There is no article"):
            gathering.show_article(runtime, unknown)


PAGE = (
    b'<html lang="en"><link rel="canonical" href="/story?utm_source=x"><title>Page</title>'
    b'<meta property="og:title" content="The page&#39;s title"><meta name="description" content="Its words.">'
    b'<meta property="article:published_time" content="2026-02-18T10:00:00Z">'
    b'<meta property="og:image" content="https://p.example/a.jpg">'
)


def test_an_article_by_its_address_alone(runtime: Runtime, server: Server) -> None:
    url = server.on("/amp/story", PAGE)
    article = gathering.add_by_address(runtime, url, {"url": url, "section": "Town"}, NOW)
    assert (article.url, article.title) == (server.url("/story"), "The page's title")
    assert (article.summary, article.section, article.picture_url) == (
        "Its words.",
        "Town",
        "https://p.example/a.jpg",
    )
    assert article.published_at == NOW - timedelta(hours=3)
    assert article.by_hand == "section", "what a page says is nobody's own word"


def test_a_page_fills_what_a_feed_left_empty_and_a_hand_decides(runtime: Runtime, server: Server) -> None:
    url = server.on("/story", PAGE)
    server.on("/bbc", feed(("/1", "The feed's title")).replace(b"https://post.example/1", url.encode()))
    gather(runtime, NOW, names=["bbc"])
    given = {"byline": "Ada", "picture_url": "https://p.example/mine.jpg"}
    article = gathering.add_by_address(runtime, url, given, LATER)
    assert (article.title, article.summary, article.byline) == ("The feed's title", "Its words.", "Ada")
    assert (article.picture_url, article.by_hand) == ("https://p.example/mine.jpg", "byline picture_url")


def test_a_page_without_a_title_asks_for_one(runtime: Runtime, server: Server) -> None:
    with pytest.raises(Misuse, match="names no title"):
        gathering.add_by_address(runtime, server.on("/x", b"<p>hello"), {}, NOW)
    with pytest.raises(FetchFailed, match="404"):
        gathering.add_by_address(runtime, server.on("/y", status=404), {}, NOW)


def test_the_list_is_newest_first(runtime: Runtime, server: Server) -> None:
    server.on("/bbc", feed(("/1", "One")))
    gather(runtime, NOW, names=["bbc"])
    gathering.add_article(runtime, draft_of({"url": "https://post.example/9", "title": "Nine"}), LATER)
    assert [article.title for article in gathering.list_articles(runtime)] == ["Nine", "One"]
    assert [article.title for article in gathering.list_articles(runtime, limit=1)] == ["Nine"]
    assert [article.title for article in gathering.list_articles(runtime, feed="bbc")] == ["One"]


def test_hiding_is_remembered_and_undone(runtime: Runtime, server: Server) -> None:
    server.on("/bbc", feed(("/1", "One")))
    gather(runtime, NOW, names=["bbc"])
    assert gathering.hide(runtime, "https://post.example/1", LATER, who="ada", why="retracted")
    assert not gathering.hide(runtime, "https://post.example/1", LATER, who="ada")
    gather(runtime, LATER, names=["bbc"])
    assert pool(runtime)["/1"].hidden
    assert gathering.unhide(runtime, "https://post.example/1", LATER, who="bo")
    assert not pool(runtime)["/1"].hidden
    with runtime.database.reading() as session:
        acts = [(row.who, row.act, row.why) for row in story_of(session, "article", pool(runtime)["/1"].id)]
    assert acts == [("ada", "hid", "retracted"), ("bo", "unhid", "")]
    assert isinstance(gathering.list_articles(runtime)[0], Article)
