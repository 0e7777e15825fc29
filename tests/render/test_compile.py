"""An edition becomes a rendition: the same bytes each time, small enough, and the same words everywhere."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from time import process_time

import pytest

from newsletter.errors import Refused
from newsletter.mail.segments import decode, fill, kept, text_value
from newsletter.render.compile import compile_edition, neutral_html, plain_text
from newsletter.render.holes import HOLES, nonce_for
from newsletter.render.lint.faults import Faulty
from newsletter.render.sample import NEUTRAL
from newsletter.render.theme import load_theme
from newsletter.values import EditionView, Picture, Section, Story
from tests.render.goldens import GOLDEN, golden_mail
from tests.render.page import Page
from tests.render.sample import FULL, LEAD, SHORTEST, SPONSOR, STATES, TOWN, UKRAINIAN, VIDEO, many

SAMPLES = {"ukrainian": UKRAINIAN, **STATES}
THEME = load_theme("default")


def page_of(view: EditionView) -> Page:
    return Page(neutral_html(compile_edition(view, THEME), NEUTRAL))


def text_of(view: EditionView) -> str:
    return plain_text(compile_edition(view, THEME), NEUTRAL)


@pytest.mark.parametrize("name", ["default.html", "default.txt"])
def test_the_shipped_theme_writes_its_golden_mail(name: str) -> None:
    golden = (GOLDEN / name).read_bytes().decode()
    assert golden_mail()[name] == golden, "meant? then run: python -m tests.render.goldens"


def test_compiling_again_gives_the_same_bytes_and_a_change_gives_others() -> None:
    first = compile_edition(FULL, THEME)
    assert compile_edition(FULL, load_theme("default")) == first
    others = [
        replace(FULL, subject="Another subject"),
        replace(FULL, preheader="Another preheader"),
        replace(FULL, lead=replace(LEAD, title="Another headline")),
    ]
    assert len({first.hash, *(compile_edition(view, THEME).hash for view in others)}) == 4


def test_a_reader_gets_their_own_values_and_nobody_elses() -> None:
    rendition = compile_edition(FULL, THEME)
    holes = [kept(body, body.sections).holes for body in (rendition.html, rendition.text)]
    assert set(holes[0]) == set(holes[1]) == set(HOLES)
    values = {hole: f"value-of-{hole}" for hole in HOLES} | {"greeting": "Доброго ранку, <Олено>."}
    html, text = neutral_html(rendition, values), plain_text(rendition, values)
    assert "<b>Доброго ранку, &lt;Олено&gt;.</b>" in html
    assert "Доброго ранку, <Олено>." in text
    assert Page(html).text.count("value-of-email") == text.count("value-of-email") == 1
    assert html.count('href="value-of-unsubscribe_url"') == 2, "near the top, and in the footer"
    assert not re.search("hole[0-9a-f]{8}", html + text)


@pytest.mark.parametrize("view", SAMPLES.values(), ids=SAMPLES)
def test_every_state_of_the_theme_is_accessible(view: EditionView) -> None:
    page = page_of(view)
    assert page.all("html")[0]["lang"] == view.language
    assert page.all("html")[0]["dir"] == view.direction
    headings = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert headings[0] == 1 and headings.count(1) == 1
    assert all(below - above <= 1 for above, below in pairwise(headings))
    assert all(table.get("role") == "presentation" for table in page.all("table"))
    for image in page.all("img"):
        assert "alt" in image
        assert int(image["width"]) > 0
        assert int(image.get("height", "1")) > 0, "left out where the picture's size is not known"
    assert {link["href"].split(":")[0] for link in page.all("a")} == {"https"}
    assert 'name="color-scheme" content="light dark"' in page.html


def test_every_slot_stands_in_both_parts() -> None:
    view = FULL
    page, text = page_of(view), " ".join(text_of(view).split())
    stories = [view.lead, *(one for section in view.sections for one in section.stories), VIDEO]
    links = {link["href"] for link in page.all("a")}
    for story in stories:
        assert story.title in page.text and story.title in text
        assert story.url in links and story.url in text
    for words in (view.intro, view.date, view.schedule, view.postal_address, "212 of you", "free, while you"):
        assert words in page.text and words in text
    for link in [view.more_url, SPONSOR.url, *(place.url for place in view.social)]:
        assert link in links and link in text
    assert view.preheader in page.html
    assert f"Sponsored by {SPONSOR.title}" in page.text
    assert "▶\ufe0e Watch the video" in page.text


def test_pictures_are_linked_at_their_source_in_their_own_proportions() -> None:
    page = page_of(FULL)
    sizes = {image["src"].rpartition("/")[2]: (image["width"], image["height"]) for image in page.all("img")}
    assert sizes["lead-lighthouse.jpg"] == sizes["video-ferry.jpg"] == ("536", "302")
    assert sizes["market.jpg"] == ("136", "102")
    alts = [image["alt"] for image in page.all("img")]
    assert LEAD.picture and LEAD.picture.alt in alts
    assert f"Play video: {VIDEO.title}" in alts


@pytest.mark.parametrize(
    ("pixels", "shown"),
    [((1600, 1200), ("536", "402")), ((900, 900), ("402", "402")), ((800, 1600), ("201", "402"))],
)
def test_a_picture_that_is_square_or_upright_is_no_taller_than_a_wide_one(
    pixels: tuple[int, int], shown: tuple[str, str]
) -> None:
    """On a phone it fills no more than the column; its place is the middle."""
    picture = Picture("https://pictures.gazette.example/a.jpg", *pixels)
    view = replace(FULL, lead=replace(LEAD, picture=picture), video=replace(VIDEO, picture=picture))
    for image in page_of(view).classed("photo"):
        assert (image["width"], image["height"]) == shown
        style = image["style"].replace(" ", "")
        assert f"max-width:{shown[0]}px" in style and "width:100%" in style and "margin:0auto" in style


def test_a_picture_of_unknown_size_is_not_distorted_and_a_missing_alt_is_the_headline() -> None:
    bare = replace(LEAD, picture=Picture("https://pictures.gazette.example/a.jpg"))
    (image,) = [i for i in page_of(replace(FULL, lead=bare)).all("img") if i["src"].endswith("/a.jpg")]
    assert "height" not in image
    assert image["alt"] == LEAD.title
    style = image["style"].replace(" ", "")
    assert "max-width:100%" in style and "max-height:402px" in style and "width:auto" in style


def test_the_play_mark_lies_over_the_poster_and_word_is_spared_it() -> None:
    html = page_of(FULL).html
    mark = html.index('class="mark-box"')
    assert html.rindex("<!--[if !mso]><!-->", 0, mark) > html.rindex("<!--<![endif]-->", 0, mark)
    assert mark < html.index("video-ferry.jpg")


def test_slots_that_are_empty_leave_nothing_behind() -> None:
    page, text = page_of(SHORTEST), text_of(SHORTEST)
    for name in ("note", "photo", "thumb", "video", "sponsor", "social", "more", "promise", "kicker"):
        assert not page.classed(name), name
    for words in ("Sponsored", "Video", "Follow", "Show more", "note"):
        assert words not in page.text + text
    assert "None" not in page.text + text


def test_video_and_sponsor_find_their_place_among_any_number_of_sections() -> None:
    for count in range(5):
        view = replace(FULL, sections=FULL.sections[:count])
        names = [section.name for section in view.sections]
        order = re.findall("|".join([*names, "Video of the day", "Sponsored by"]), page_of(view).text)
        order = [word for i, word in enumerate(order) if word in names[:1] or word not in order[:i]]
        assert order.index("Video of the day") >= min(count, 2) - 1, count
        assert order.count("Video of the day") == order.count("Sponsored by") == 1


def test_a_section_repeats_its_own_name_over_no_story() -> None:
    stories = (
        replace(TOWN.stories[0], kicker="Town"),
        replace(TOWN.stories[1], kicker="Works"),
    )
    view = replace(SHORTEST, sections=(Section("Town", stories),))
    assert page_of(view).text.count("Town") == 1
    assert "Works" in page_of(view).text


def test_the_fixed_words_are_in_the_newsletters_language() -> None:
    view = UKRAINIAN
    for words in ("Відписатися", "Ваші налаштування", "Відео дня", "Більше новин"):
        assert words in page_of(view).text
        assert words.lower() in text_of(view).lower()


def test_right_to_left_stands_the_other_way_round() -> None:
    page = page_of(STATES["right to left"])
    assert {cell["align"] for cell in page.classed("item")} == {"right"}
    assert {cell["align"] for cell in page.classed("thumb")} == {"left"}
    assert all("letter-spacing:0" in label["style"] for label in page.classed("kicker"))


@pytest.mark.parametrize(("stories", "limit"), [(15, 60_000), (40, 90_000)])
def test_an_ordinary_edition_is_far_from_where_gmail_cuts(stories: int, limit: int) -> None:
    body = compile_edition(many(stories), THEME).html
    assert sum(map(len, body.literals)) <= limit


def test_what_gmail_would_cut_is_refused() -> None:
    with pytest.raises(Refused, match=r"The HTML part has 1\d\d,\d{3} bytes encoded"):
        compile_edition(many(60), THEME)


# ── hostile words ───────────────────────────────────────────────────────────────────────────────

HOSTILE = [
    "{{ 7*7 }} {% include '/etc/passwd' %} ${x} #{y}",
    "</td><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "<!--[if mso]><v:rect><![endif]-->",
    "hole612d19ea96ccunsubscribe_urlz and holeemailz",
    "C:\\new\\table \\u{a0}",
    "family 👩‍👩‍👧 flag 🏴󠁧󠁢󠁥󠁮󠁧󠁿 नमस्ते می‌خواهم naïve x\u0301",
    "]]> &amp; &lt;b&gt; &#106;avascript:",
    "x" * 500,
    'style="a : b ; c" and  url(x) @import',
]


def hostile_view(words: str) -> EditionView:
    story = Story(
        title=words,
        url="https://harbour.example/a?b=1&c=%22%3E",
        summary=words[:150],
        byline=words,
        kicker=words,
        picture=Picture("https://pictures.gazette.example/a.jpg", 1600, 900, words),
    )
    section = Section(words, (story, story))
    return replace(
        FULL, subject=words, preheader=words, intro=words, promise=words, lead=story,
        sections=(section,), video=story, note=replace(story, text=words), sponsor=replace(story, text=words),
    )  # fmt: skip


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_words_come_out_inert_and_legible(words: str) -> None:
    view = hostile_view(words)
    rendition = compile_edition(view, THEME)
    page = Page(neutral_html(rendition, NEUTRAL))
    text = plain_text(rendition, NEUTRAL)
    shown = " ".join(words.split())
    assert rendition.subject == rendition.preheader == shown
    assert page.text.count(shown) >= 8
    assert " ".join(text.split()).count(shown) >= 4
    assert shown in [image["alt"] for image in page.all("img")]
    assert not page.all("script") and not [tag for tag, attrs in page.tags if "onerror" in attrs]
    assert sorted(filter(None, rendition.html.holes)) == sorted(
        filter(None, compile_edition(FULL, THEME).html.holes)
    )


def test_what_turns_or_breaks_a_line_is_gone_everywhere() -> None:
    rendition = compile_edition(hostile_view("ab\u202ecd\u2066ef\r\nBcc: x\x00\x85\u2028gh\ud800"), THEME)
    both = neutral_html(rendition, NEUTRAL) + plain_text(rendition, NEUTRAL)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", both)
    assert rendition.subject == "ab cd ef Bcc: x gh"


def test_a_summary_of_ten_megabytes_is_cut_everywhere_and_soon() -> None:
    words = "A summary that does not end. " * 350_000
    lead = replace(LEAD, summary=words)
    started = process_time()
    rendition = compile_edition(replace(FULL, lead=lead), THEME)
    assert process_time() - started < 5
    assert sum(map(len, rendition.html.literals)) < 60_000
    assert words[:200] in Page(neutral_html(rendition, NEUTRAL)).text
    assert len(plain_text(rendition, NEUTRAL)) < 10_000


@pytest.mark.parametrize("html", ["<b>" * 12_000 + "x" + "</b>" * 12_000, "<b>" * 12_000])
def test_a_fragment_that_nests_without_end_is_refused_where_it_is_printed(html: str) -> None:
    note = Story(title="", url="", html=html)
    with pytest.raises(Faulty, match=r"parts/note\.mjml\.j2:5: more than 100 tags are open at once"):
        compile_edition(replace(FULL, note=note), THEME)


def test_nothing_in_an_article_can_end_the_data() -> None:
    rendition = compile_edition(hostile_view("a\r\n.\r\nMAIL FROM:<x@y>\n.\n . From me"), THEME)
    values = {hole: text_value(value) for hole, value in NEUTRAL.items()}
    for body in (rendition.html, rendition.text):
        wire = fill(body, values)
        assert not re.search(rb"(?<!\r)\n|\r(?!\n)|(?:^|\r\n)(?:\.|From )", wire)
        assert wire.endswith(b"\r\n")
        assert decode(wire)


def test_a_fragment_is_printed_as_markup_and_its_words_reach_the_text_part() -> None:
    note = Story(title="", url="", html="<p>High water is at <b>14:20</b>.</p><ul><li>C:\\new</li></ul>")
    view = replace(FULL, note=note)
    assert "<b>14:20</b>" in page_of(view).html
    assert "C:\\new" in page_of(view).text
    assert "High water is at 14:20." in text_of(view)


def test_a_nonce_never_occurs_in_its_content() -> None:
    all_but_one = " ".join(f"{n:02X}" for n in range(256) if n != 0x7F)
    assert nonce_for(all_but_one, size=1) == "7f"
    assert nonce_for("a") != nonce_for("b")
