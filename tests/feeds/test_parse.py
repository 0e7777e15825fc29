"""Three dialects and much sloppiness become drafts; what cannot be taken is named."""

from __future__ import annotations

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


def test_a_date_to_come_is_left_to_the_first_sight(harbour: Parsed) -> None:
    market = harbour.drafts[1]
    assert (market.published_at, "still to come" in market.date_note) == (None, True)


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


@pytest.mark.parametrize(
    ("medium", "picture"),
    [
        (
            '<media:content url="/a.jpg" medium="Image" width="640"/>',
            Picture("https://post.example/a.jpg", 640),
        ),
        ('<media:content url="/a.jpg" type="image"/>', Picture("https://post.example/a.jpg")),
        ('<media:content url="/a.JPG?w=1"/>', Picture("https://post.example/a.JPG?w=1")),
        (
            '<media:group><media:content url="/s.jpg" medium="image" width="200" height="100"/>'
            '<media:content url="/l.jpg" medium="image" width="1200" height="600"/></media:group>',
            Picture("https://post.example/l.jpg", 1200, 600),
        ),
        (
            '<media:content url="/v.mp4" medium="video"><media:thumbnail url="/t.jpg" width="480"/>'
            "</media:content>",
            Picture("https://post.example/t.jpg", 480),
        ),
        ("<enclosure url='/a.png' type='application/octet-stream'/>", Picture("https://post.example/a.png")),
        ("<enclosure url='/a.webp'/>", Picture("https://post.example/a.webp")),
        (
            "<image><![CDATA[ https://p.example/a?b=1&c=2.jpg ]]></image>",
            Picture("https://p.example/a?b=1&c=2.jpg"),
        ),
        (
            "<description>&lt;p&gt;x &lt;img src='/i.jpg?a=1&amp;amp;b=2' alt='A &amp;gt; B'&gt;"
            "</description>",
            Picture("https://post.example/i.jpg?a=1&b=2", alt="A > B"),
        ),
        (
            '<description><![CDATA[<img src="/tracking/pixel.png"><img src="data:image/png;base64,AA">'
            '<img src="/count?x=1"><img src="/i" width="600" height="400">]]></description>',
            Picture("https://post.example/i", 600, 400),
        ),
    ],
)
def test_each_dialect_s_picture(medium: str, picture: Picture) -> None:
    assert one(f"<title>T</title><link>/a</link>{medium}").picture == picture


@pytest.mark.parametrize(
    "medium",
    [
        '<media:content url="http://[" medium="image"/>', "<enclosure url='http://[.jpg' type='image/png'/>",
        "<description>&lt;script&gt;&lt;img src='/a.jpg'&gt;&lt;/script&gt;</description>",
        "<image><url>http://[::x.jpg</url></image>", "<title type='text'>&lt;img src='/a.jpg'&gt;</title>",
    ],
)  # fmt: skip
def test_addresses_that_are_none_show_nothing(medium: str) -> None:
    assert one(f"<link>/a</link>{medium}<title>T</title>").picture is None


def test_a_go_between_s_link_is_not_the_story_s() -> None:
    feed = (
        '<rss version="2.0" xmlns:feedburner="http://rssnamespace.org/feedburner/ext/1.0"><channel><item>'
        "<title>T</title><link>https://count.example/r/1</link>"
        "<feedburner:origLink>https://post.example/a</feedburner:origLink></item></channel></rss>"
    )
    assert parse(feed.encode(), base="https://p.example/", now=NOW).drafts[0].url == "https://post.example/a"


def test_one_address_in_two_forms_is_one_item() -> None:
    items = "".join(f"<item><title>T</title><link>{link}</link></item>" for link in (
        "http://post.example/a/", "https://www.post.example/a?utm_source=x",
    ))  # fmt: skip
    parsed = parse(
        f'<rss version="2.0"><channel>{items}</channel></rss>'.encode(), base="https://p.example/", now=NOW
    )
    assert parsed.refused == (Refusal("item 2", "same address as item 1"),)


@pytest.mark.parametrize(
    ("author", "name"),
    [
        ("ada@post.example (Ada L)", "Ada L"), ("ada@post.com (Ada L)", "Ada L"), ("Ada L", "Ada L"),
        ("ada@post.example", ""), ("Ada L (Agency)", "Ada L (Agency)"),
    ],
)  # fmt: skip
def test_an_author_s_mail_address_stays_at_home(author: str, name: str) -> None:
    assert one(f"<title>T</title><link>/a</link><author>{author}</author>").byline == name


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


def test_entities_of_its_own_refuse_a_feed() -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    item = "<channel><item><title>&e9;</title><link>/a</link></item></channel>"
    bomb = f'<!DOCTYPE l [<!ENTITY e0 "aaaaaaaaaa">{entities}]><rss version="2.0">{item}</rss>'
    for document in (bomb.encode(), bomb.encode("utf-16"), bomb.replace("ENTITY", "entity").encode()):
        with pytest.raises(FetchFailed, match="declares entities of its own"):
            parse(document, base="https://p.example/", now=NOW)


def test_an_article_about_entities_is_none() -> None:
    assert one("<title>How <![CDATA[<!ENTITY x>]]> works</title><link>/a</link>").url.endswith("/a")


def test_ten_megabytes_of_title_are_cut() -> None:
    assert len(one(f"<title>{'a' * 10_000_000}</title><link>/a</link>").title) == 300
