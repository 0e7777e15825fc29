"""The reader of MJML: what it names and where, and that nothing makes it slow."""

from __future__ import annotations

from time import process_time

import pytest

from newsletter.render.holes import hole_pattern
from newsletter.render.lint.markup import MANY, MAX_DEPTH, markup_flaws

HOLES = hole_pattern("abcdef")
PAGE = '<mjml lang="en" dir="ltr"><mj-head>{head}</mj-head><mj-body>{body}</mj-body></mjml>'
LEAVE, EMAIL = "holeabcdefunsubscribe_urlz", "holeabcdefemailz"


def in_text(html: str) -> str:
    return f"<mj-section><mj-column><mj-text>{html}</mj-text></mj-column></mj-section>"


def told(body: str = "", head: str = "") -> list[tuple[str, str]]:
    """Each flaw, and the text that stands at its place."""
    mjml = PAGE.format(head=head, body=body)
    return [(flaw.what, mjml[flaw.offset :]) for flaw in markup_flaws(mjml, HOLES)]


SOUND = [
    in_text('<p>a &lt; b<br>c<img src="a" alt="" /><hr></p>'),
    in_text('<table role="presentation"><tr><td nowrap CLASS="x" title="a > b < c">x</TD></tr></table>'),
    in_text("<!--[if mso]><td><![endif]--><!--[if !mso]><!--><b>x</b><!--<![endif]-->"),
    in_text(f'<a href="{LEAVE}">leave</a> {EMAIL}'),
    in_text("<a href='https://x.example/?a=b'\n   class = \"c\">x</a>"),
    '<mj-wrapper css-class="a"><mj-section mj-class="b"><mj-group><mj-column /></mj-group>'
    "</mj-section></mj-wrapper>",
    f'<mj-section><mj-column><mj-button href="{LEAVE}">x</mj-button><mj-spacer height="8px"></mj-spacer>'
    '<mj-image src="https://x.example/a.jpg" alt="A quay"/></mj-column></mj-section>',
    "<mj-raw><div>x</div></mj-raw>",
]  # fmt: skip


@pytest.mark.parametrize("body", SOUND)
def test_sound_mjml_has_no_flaw(body: str) -> None:
    assert told(body) == []


def test_a_sound_head_has_no_flaw() -> None:
    head = (
        '<mj-title>x</mj-title><mj-attributes><mj-all padding="0" color="red" /><mj-image align="left" />'
        '<mj-class name="big" font-size="30px" /></mj-attributes><mj-style>a > b { color: red }</mj-style>'
        '<mj-style inline="inline">/* no @import — never */ p { color: red }</mj-style>'
    )
    assert told(head=head) == []


UNSOUND = [
    (in_text("<p>x"), "<p> is not closed before </mj-text>", "<p>x"),
    (in_text("x</p>"), "</p> closes nothing: <mj-text> is open", "</p>"),
    ("<mj-section><mj-column></mj-colum></mj-section>", "</mj-colum> does not close <mj-column>",
     "</mj-colum>"),
    ("<mj-section><mj-columns></mj-columns></mj-section>", "unknown component", "<mj-columns>"),
    (in_text("<span>x</spam>"), "</spam> does not close <span>", "</spam>"),
    ("<mj-sektion></mj-sektion>", "unknown component <mj-sektion>", "<mj-sektion>"),
    ("<MJ-Section></MJ-Section>", "unknown component <MJ-Section>", "<MJ-Section>"),
    ('<mj-include path="/etc/passwd" />', "unknown component <mj-include>", "<mj-include"),
    ('<mj-section colour="red"></mj-section>', "<mj-section> has no attribute colour", "colour="),
    ("<mj-column></mj-column>", "<mj-column> cannot stand inside <mj-body>", "<mj-column>"),
    (in_text("<mj-button>x</mj-button>"), "<mj-button> inside <mj-text>, into which MJML", "<mj-button>"),
    (in_text("<p><mj-spacer /></p>"), "<mj-spacer> inside <p>, into which MJML", "<mj-spacer"),
    ("<mj-section><p>x</p></mj-section>", "<p> directly inside <mj-section>", "<p>"),
    ("<mj-section> x</mj-section>", "text directly inside <mj-section>", "x</mj"),
    (in_text("5 < 6"), 'a bare "<"', "< 6"),
    (in_text("x <b"), '"<b" is a tag without its end', "<b</mj"),
    (in_text("<p class=a>x</p>"), "the value of class in <p> stands without quotes", "class=a"),
    (in_text('<p class="a>x</p>'), "a quote in <p> is not closed on its line", "<p class"),
    (in_text('<p class="a\nb">x</p>'), "a quote in <p> is not closed on its line", "<p class"),
    (in_text('<p a="1"b="2">x</p>'), "<p> holds 'b=\"2\"', which is no attribute", "<p a"),
    (in_text('<p title="C:\\new">x</p>'), "title of <p> holds a backslash", "title="),
    (in_text("<!-- x"), "a comment is never closed", "<!-- x"),
    (in_text("<![if !mso]>x<![endif]>"), '"<![" outside a comment', "<![if"),
    (in_text("<?php ?>"), 'a bare "<"', "<?php"),
    (in_text('<img src="a">'), "<img> has no alt", "<img"),
    ('<mj-section><mj-column><mj-image src="a" /></mj-column></mj-section>', "<mj-image> has no alt",
     "<mj-image"),
    ('<mj-section><mj-column><mj-social><mj-social-element name="x" /></mj-social></mj-column></mj-section>',
     "<mj-social-element> has no src", "<mj-social-element"),
    (in_text("<table></table>"), "<table> has no role", "<table>"),
    (in_text(f'<a href="{LEAVE}?x=1">x</a>'), "unsubscribe_url }} may not stand in href= of <a>", "href="),
    (in_text(f'<b title="{EMAIL}">x</b>'), "hole.email }} may not stand in title= of <b>", "title="),
    (in_text(f"x {LEAVE}"), "hole.unsubscribe_url }} is an address", LEAVE),
    (in_text(f"<!-- {EMAIL} -->"), "hole.email }} may not stand in a comment", EMAIL),
]  # fmt: skip


@pytest.mark.parametrize(("body", "what", "where"), UNSOUND)
def test_a_flaw_is_named_where_it_stands(body: str, what: str, where: str) -> None:
    (said, at), *_ = told(body)
    assert what in said
    assert at.startswith(where)


@pytest.mark.parametrize(
    ("head", "what", "where"),
    [
        (f"<mj-title>x {EMAIL}</mj-title>", "hole.email }} may not stand in a title", EMAIL),
        ('<mj-title>a "b"</mj-title>', 'a bare " in <mj-title>', '"b"'),
        ("<mj-style>p::before{content:'—'}</mj-style>", "'—', which is not ASCII", "—"),
        (f"<mj-style>{EMAIL}</mj-style>", "hole.email }} may not stand in a style sheet", EMAIL),
        ('<mj-style inline="inline">/* @ */ @import "x";</mj-style>', "inlined rules hold '@im", "@import"),
        ('<mj-style inline="inline">p{color:r\\65 d}</mj-style>', "inlined rules hold '\\\\'", "\\65"),
        ('<mj-font name="Evil" href="https://x.example/a.css" />', "unknown component <mj-font>", "<mj-font"),
    ],
)  # fmt: skip
def test_a_flaw_of_the_head_is_named_where_it_stands(head: str, what: str, where: str) -> None:
    (said, at), *_ = told(head=head)
    assert what in said
    assert at.startswith(where)


def test_one_mistake_is_told_once() -> None:
    assert len(told(in_text("<p>x</div>"))) == 1
    assert len(told("<mj-section><mj-column><mj-text>x</mj-txt></mj-column></mj-section>")) == 1
    assert len(told(in_text("<p>5 < 6 and <b>7</b></p>"))) == 1


@pytest.mark.parametrize("attribute", ["lang", "dir"])
def test_a_page_says_its_language_and_its_direction(attribute: str) -> None:
    without = PAGE.format(head="", body="").replace(f" {attribute}=", " css-class=")
    assert [flaw.what for flaw in markup_flaws(without, HOLES)] == [f"<mjml> has no {attribute}"]


def test_twelve_thousand_nested_tags_are_one_flaw() -> None:
    found = told(in_text("<div>" * 12_000 + "</div>" * 12_000))
    assert [what for what, _ in found] == [f"more than {MAX_DEPTH} tags are open at once, the last is <div>"]


BLOWN_UP = [
    "<", "a@", "((((", "&#", " ", "<a ", '<a "', "<a '", "</", "</a ", "<!--", "<![", "<a x=", "<a x='y'",
    "<div>", "<div></p>", "<x/>", '"', "'", "<mj-style>", '<mj-style inline="inline">@', "/*", "\n", "<a\t",
]  # fmt: skip


@pytest.mark.parametrize("junk", BLOWN_UP)
@pytest.mark.parametrize("before", ["", '<a "'])
def test_a_megabyte_of_anything_is_read_in_a_second(junk: str, before: str) -> None:
    text = before + (junk * (1_000_000 // len(junk)))
    started = process_time()
    found = markup_flaws(text, HOLES)
    assert process_time() - started < 1
    assert len(found) <= MANY
