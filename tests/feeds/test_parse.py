"""Three dialects and much sloppiness become drafts; what cannot be taken is named."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from newsletter.errors import FetchFailed
from newsletter.feeds.parse import Parsed, parse
from newsletter.models import ArticleKind
from newsletter.values import ArticleDraft, Picture, Refusal

NOW = datetime(2026, 2, 18, 13, 0, tzinfo=UTC)
DATA = Path(__file__).parent / "data"


def read(name: str) -> Parsed:
    return parse((DATA / name).read_bytes(), base="https://harbour.example/rss", now=NOW, language="sv")


def one(item: str) -> ArticleDraft:
    """The only draft of an RSS feed with this one item, titled and linked if it does not say."""
    feed = f'<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/"><channel><item>{item}</item></channel></rss>'
    (draft,) = parse(feed.encode(), base="https://post.example/rss", now=NOW).drafts
    return draft


@pytest.fixture(scope="module")
def harbour() -> Parsed:
    return read("harbour.rss")


def test_an_item_with_everything(harbour: Parsed) -> None:
    assert harbour.title == "The Harbour Post"
    assert harbour.drafts[0] == ArticleDraft(
        url="https://harbour.example/2026/ferry?id=7",
        title="Ferry returns after nine months",
        summary="The first crossing left at dawn. Cyclists' tickets cost £2 & a smile.",
        byline="Ada Lindqvist & Bo Marsh",
        language="en-gb",
        picture=Picture("https://pictures.harbour.example/ferry-240.jpg", 240, 135),
        published_at=datetime(2026, 2, 18, 0, 59, 16, tzinfo=UTC),
        guid="ferry-7",
        rank=0,
        length=8,
    )


def test_the_picture_is_wide_enough_and_no_wider(harbour: Parsed) -> None:
    market = harbour.drafts[1]
    assert market.picture == Picture(
        "https://pictures.harbour.example/m-1200.jpg", 1200, 900, "Stalls before sunrise."
    )
    assert (market.title, market.url) == ('Market hall: "why now?"', "https://harbour.example/2026/market")


def test_a_date_to_come_is_now(harbour: Parsed) -> None:
    assert harbour.drafts[1].published_at == NOW


def test_refusals_name_the_item_and_the_reason(harbour: Parsed) -> None:
    assert harbour.refused == (
        Refusal("item 3", "same address as item 1"),
        Refusal("item 4", "its link is no web address: 'javascript:alert(1)'"),
        Refusal("item 5", "it has no title"),
    )
    assert [draft.rank for draft in harbour.drafts] == [0, 1, 5, 6, 7]


def test_a_video_is_known_by_its_medium(harbour: Parsed) -> None:
    video = harbour.drafts[2]
    assert (video.kind, video.duration) == (ArticleKind.VIDEO, "3:21")
    assert video.picture == Picture("https://pictures.harbour.example/l.jpg", 640, 360)


@pytest.mark.parametrize("path", ["/video/storm", "/news/videos/c39w", "/en/storm/video-7601"])
def test_a_video_is_known_by_its_address(path: str) -> None:
    assert one(f"<title>Storm</title><link>https://post.example{path}</link>").kind is ArticleKind.VIDEO


def test_an_address_about_videos_is_no_video() -> None:
    assert one("<title>T</title><link>https://post.example/video-games-week</link>").kind is ArticleKind.STORY


def test_pictures_of_other_dialects(harbour: Parsed) -> None:
    assert harbour.drafts[3].picture == Picture(
        "https://pictures.harbour.example/640x480/plain.jpg", 640, 480
    )
    assert harbour.drafts[4].picture == Picture("https://pictures.harbour.example/e.jpg")


@pytest.mark.parametrize(
    "medium",
    [
        '<media:thumbnail url="https://p.example/a.jpg" width="60" height="60"/>',
        '<media:thumbnail url="javascript:alert(1)"/>',
        '<media:content url="https://p.example/a.mp3" type="audio/mpeg"/>',
        "<image>https://p.example/60x60/stamp.jpg</image>",
        "<enclosure url='https://p.example/a.pdf' type='application/pdf'/>",
    ],
)
def test_what_is_no_picture_to_show(medium: str) -> None:
    assert one(f"<title>T</title><link>/a</link>{medium}").picture is None


def test_rdf(harbour: Parsed) -> None:
    hills = read("hills.rdf")
    dated, undated = hills.drafts
    assert (dated.url, dated.language) == ("https://hills.example/a/1", "de")
    assert dated.published_at == datetime(2026, 2, 18, 0, 15, tzinfo=UTC)
    assert (undated.published_at, undated.language, undated.length) == (None, "sv", 2)


def test_atom_keeps_a_tag_that_is_text() -> None:
    (draft,) = read("valley.atom").drafts
    assert (draft.title, draft.summary) == ("Чому <b> — це тег", "Перше. Друге.")
    assert draft.url == "https://harbour.example/news/one.html"
    assert draft.picture == Picture("https://harbour.example/one.png")
    assert (draft.byline, draft.language) == ("Оля", "uk")
    assert draft.published_at == datetime(2026, 2, 17, 8, 0, tzinfo=UTC)


def test_the_server_s_charset_counts() -> None:
    feed = '<rss version="2.0"><channel><item><title>Привіт</title><link>/a</link></item></channel></rss>'
    parsed = parse(
        feed.encode("cp1251"),
        base="https://p.example/",
        now=NOW,
        content_type="text/xml; charset=windows-1251",
    )
    assert parsed.drafts[0].title == "Привіт"


@pytest.mark.parametrize("date", ["yesterday", "Wed, 99 Feb 2026 99:99:99", "", "0000-00-00"])
def test_a_date_that_is_none_is_left_to_the_first_sight(date: str) -> None:
    assert one(f"<title>T</title><link>/a</link><pubDate>{date}</pubDate>").published_at is None


def test_more_items_than_wanted_are_named() -> None:
    items = "".join(f"<item><title>T{n}</title><link>/{n}</link></item>" for n in range(7))
    feed = f'<rss version="2.0"><channel>{items}</channel></rss>'
    parsed = parse(feed.encode(), base="https://p.example/", now=NOW, max_items=5)
    assert len(parsed.drafts) == 5
    assert parsed.refused == (Refusal("items 6 to 7", "more than 5 items"),)


@pytest.mark.parametrize(
    ("document", "what"),
    [
        (b"<!DOCTYPE html><html><body>Not found</body></html>", "a web page"),
        (b"", "empty"),
        (b'{"items": []}', "something else"),
        (b"\x00\xff" * 100, "something else"),
        (b"http://127.0.0.1/feed", "something else"),
    ],
)
def test_what_is_no_feed_is_said(document: bytes, what: str) -> None:
    with pytest.raises(FetchFailed, match=f"no feed, but {what}"):
        parse(document, base="https://p.example/", now=NOW)


def test_an_empty_feed_is_a_feed() -> None:
    assert parse(b'<rss version="2.0"><channel/></rss>', base="https://p.example/", now=NOW).drafts == ()


def test_hostile_text_comes_out_inert() -> None:
    draft = one(
        "<title>a\r\nBcc: all\u202e</title><link>/a?x=%0d%0a</link>"
        "<author>&lt;script&gt;x&lt;/script&gt;</author>"
        "<description>&lt;script&gt;alert(1)&lt;/script&gt;&lt;style&gt;p{}&lt;/style&gt;{{ 7*7 }}"
        "</description>"
    )
    assert draft.title == "a Bcc: all"
    assert draft.summary == "{{ 7*7 }}"
    assert draft.byline == "<script>x</script>"


def test_entities_that_multiply_are_not_followed() -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    item = "<channel><item><title>&e9;</title><link>/a</link></item></channel>"
    bomb = f'<!DOCTYPE l [<!ENTITY e0 "aaaaaaaaaa">{entities}]><rss version="2.0">{item}</rss>'
    started = time.process_time()
    parsed = parse(bomb.encode(), base="https://p.example/", now=NOW)
    assert time.process_time() - started < 3
    assert all(len(draft.title) <= 300 for draft in parsed.drafts)


def test_ten_megabytes_of_title_are_cut() -> None:
    assert len(one(f"<title>{'a' * 10_000_000}</title><link>/a</link>").title) == 300
