"""The gate: what no theme and no article can bring into a mail, and what no mail may lack."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from newsletter.errors import Refused
from newsletter.render.compile import compile_edition
from newsletter.render.gate import Rules, html_findings, is_permitted, text_findings
from newsletter.render.lint.faults import Faulty
from newsletter.render.theme import load_theme
from newsletter.values import Picture, Story
from tests.render.sample import FULL, LEAD
from tests.render.themes import EXTENDS, own_theme, with_footer

LEAVE, CHOOSE, EMAIL = (f"holeabcdef{name}z" for name in ("unsubscribe_url", "preferences_url", "email"))
RULES = Rules("abcdef", "1 Quay, Port", frozenset({"127.0.0.1"}))


def found_in(html: str) -> list[str]:
    """What the gate says of a mail that is sound but for `html`."""
    links = f'<a href="{LEAVE}">leave</a><a href="{CHOOSE}">choose</a>'
    page = f"<!DOCTYPE html><html><body>{links}<p>1 Quay,\n Port</p>{html}</body></html>"
    return [finding for _, finding in html_findings(page, RULES)]


SOUND = [
    "<p>text</p>",
    f"<p>{EMAIL}</p>",
    f'<a href="{LEAVE}">x</a>',
    '<a href="https://news.example/a?b=c">x</a>',
    '<a href="http://plain.example/n/x">x</a>',
    '<img src="http://127.0.0.1:8000/x.png" alt="">',
    '<a href="mailto:desk@news.example">x</a>',
    '<img src="https://news.example/a.jpg">',
    "<!--[if mso | IE]><table><tr><td><![endif]-->",
    "<!--[if !mso]><!--><b>x</b><!--<![endif]-->",
    '<td background="https://news.example/a.jpg" style="background:url(https://news.example/a.jpg)">',
    '<meta http-equiv="Content-Type" content="text/html">',
]


@pytest.mark.parametrize("html", SOUND)
def test_sound_markup_passes(html: str) -> None:
    assert found_in(html) == []


UNSOUND = [
    ("<script>alert(1)</script>", "<script>"),
    ("<SCRIPT src=https://x.example/a.js></SCRIPT>", "<script>"),
    ("<form></form>", "<form>"),
    ('<iframe src="https://x.example"></iframe>', "<iframe>"),
    ("<object></object>", "<object>"),
    ("<embed>", "<embed>"),
    ('<base href="https://x.example">', "<base>"),
    ("<svg onload=alert(1)>", "<svg>"),
    ('<link rel="stylesheet" href="https://x.example/a.css">', "<link>"),
    ('<meta http-equiv="Refresh" content="0;url=https://x.example">', 'http-equiv="refresh"'),
    ('<img src="https://x.example/a.jpg" onerror="x()">', "onerror="),
    ("<p OnClick=x()>", "onclick="),
    ('<a href="javascript:alert(1)">x</a>', "javascript:alert(1)"),
    ('<a href="java\tscript:alert(1)">x</a>', "whole https address"),
    ('<a href="JaVaScRiPt&colon;alert(1)">x</a>', "whole https address"),
    ('<a href="data:text/html,x">x</a>', "whole https address"),
    ('<img src="http://news.example/a.jpg" alt="">', "http://news.example/a.jpg"),
    ('<a href="//news.example/n">x</a>', "whole https address"),
    ('<a href="http://127.0.0.1:8000@evil.example/">x</a>', "whole https address"),
    ('<a href="//news.example/a">x</a>', "whole https address"),
    ('<a href="/n/x">x</a>', "whole https address"),
    ('<a href="">x</a>', "whole https address"),
    ('<a href="https://">x</a>', "whole https address"),
    ('<a href="https:\\\\news.example">x</a>', "whole https address"),
    ('<img src="mailto:a@b.example">', "whole https address"),
    ('<img src="cid:logo">', "whole https address"),
    ('<img srcset="https://x.example/a.jpg 1x, http://x.example/b.jpg 2x">', "http://x.example/b.jpg"),
    ('<td background="http://x.example/a.jpg">', "background= of <td>"),
    ('<p style="background:url(http://x.example/a.jpg)">', "url() in style= of <p>"),
    ("<style>p{background:URL('//x.example/a')}</style>", "url() in a style sheet"),
    ("<style>@import 'https://x.example/a.css';</style>", "'@import'"),
    ('<p style="width:expression(alert(1))">', "expression("),
    ("<![if !mso]><p>x</p><![endif]>", '"<!["'),
    ("<!--[if mso]><script>x</script><![endif]-->", "<script>"),
    ('<!--[if mso]><v:rect href="http://x.example"/><![endif]-->', "http://x.example"),
    (f"<style>{'p{color:red}' * 700}</style>", "8192"),
]


@pytest.mark.parametrize(("html", "named"), UNSOUND)
def test_unsound_markup_is_named(html: str, named: str) -> None:
    findings = found_in(html)
    assert [finding for finding in findings if named in finding], findings


MISPLACED = [
    f'<a href="{LEAVE}?x=1">x</a>',
    f'<a href="https://x.example/{LEAVE}">x</a>',
    f'<a href="mailto:{EMAIL}">x</a>',
    f'<a href="{EMAIL}">x</a>',
    f'<img alt="{EMAIL}">',
    f'<img src="{LEAVE}">',
    f"<p>{LEAVE}</p>",
    f"<style>{EMAIL}</style>",
    f"<title>{EMAIL}</title>",
    f"<!-- {EMAIL} -->",
    f"<!--[if mso]><p>{EMAIL}</p><![endif]-->",
    f'<p title="{EMAIL}">x</p>',
]


@pytest.mark.parametrize("html", MISPLACED)
def test_a_hole_stands_in_text_or_is_a_whole_href(html: str) -> None:
    assert [finding for finding in found_in(html) if "may not stand" in finding or "whole href" in finding]


@pytest.mark.parametrize("damaged", ["HOLEABCDEFEMAILZ", "holeabcdefphonez", "abcdef", "holeABCDEFemailz"])
def test_a_damaged_hole_is_noticed(damaged: str) -> None:
    assert any("damaged" in finding for finding in found_in(f"<p>{damaged}</p>"))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (f"{CHOOSE}\n1 Quay, Port", "hole.unsubscribe_url"),
        (f"{LEAVE}\n1 Quay, Port", "hole.preferences_url"),
        (f"{LEAVE}\n{CHOOSE}\n", "postal address"),
        (" \n", "empty"),
    ],
)
def test_each_part_needs_its_own_links_and_address(text: str, named: str) -> None:
    assert list(text_findings(f"{LEAVE}\n{CHOOSE}\n1 Quay,\nPort", RULES)) == []
    assert [finding for _, finding in text_findings(text, RULES) if named in finding]
    html = text.replace(LEAVE, f'<a href="{LEAVE}">x</a>').replace(CHOOSE, f'<a href="{CHOOSE}">x</a>')
    assert [finding for _, finding in html_findings(html, RULES) if named in finding]


def test_an_address_in_the_style_sheet_or_a_comment_is_not_read_by_anybody() -> None:
    html = (
        f'<a href="{LEAVE}">x</a><a href="{CHOOSE}">x</a><style>/*1 Quay, Port*/</style><!--1 Quay, Port-->'
    )
    assert [finding for _, finding in html_findings(html, RULES) if "postal address" in finding]


def test_only_our_own_origin_may_be_plain() -> None:
    assert is_permitted("http://127.0.0.1:8000/x", {"127.0.0.1"})
    assert not is_permitted("http://127.0.0.1:8000/x", ())
    assert not is_permitted("https://[broken/", ())


# ── the gate at work: a theme or an article that must not get through ───────────────────────────


@pytest.mark.parametrize("part", ["digest.mjml.j2", "digest.txt.j2"])
def test_a_theme_without_its_footer_does_not_compile(part: str, tmp_path: Path) -> None:
    override = f'{{% extends "shipped:{part}" %}}{{% block footer %}}{{% endblock %}}'
    with pytest.raises(Refused) as refusal:
        compile_edition(FULL, own_theme(tmp_path, {part: override + "\n"}))
    assert "hole.preferences_url" in str(refusal.value)
    assert "postal address" in str(refusal.value)


@pytest.mark.parametrize(
    "mjml",
    [
        "<script>x()</script>",
        '<img src="https://x.example/a.jpg" alt="" onerror="x()" />',
        "<svg onload='x()'></svg>",
    ],
)
def test_a_theme_that_would_run_something_does_not_compile(mjml: str, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="may not stand in a mail"):
        compile_edition(FULL, with_footer(tmp_path, mjml))


def test_a_fragment_that_was_never_sanitised_does_not_get_through() -> None:
    note = Story(title="", url="", html='<p onclick="x()">a</p><base href="https://x.example/">')
    with pytest.raises(Refused) as refusal:
        compile_edition(replace(FULL, note=note), load_theme("default"))
    assert "onclick=" in str(refusal.value)
    assert "<base>" in str(refusal.value)


def test_the_story_behind_a_bad_address_can_be_found() -> None:
    lead = replace(LEAD, picture=Picture("http://plain.example/a.jpg"))
    with pytest.raises(Refused, match=r"Edition 2026-02-18 .*\n.*http://plain\.example/a\.jpg"):
        compile_edition(replace(FULL, lead=lead), load_theme("default"))
    loopback = replace(LEAD, picture=Picture("http://127.0.0.1:8025/a.jpg"))
    compile_edition(
        replace(FULL, lead=loopback),
        load_theme("default"),
        plain_hosts=["127.0.0.1"],
    )


def test_hole_that_passed_the_template_but_not_the_context_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Faulty, match=r"digest\.mjml\.j2:4: {{ hole\.email }} may not stand in title= of <b>"):
        compile_edition(FULL, with_footer(tmp_path, '<b title="{{ hole.email }}">x</b>'))


def test_a_hole_that_a_filter_block_shouts_is_refused(tmp_path: Path) -> None:
    shouted = "{% filter upper %}{{ hole.email }}{% endfilter %}"
    with pytest.raises(Refused, match="damaged in the HTML part"):
        compile_edition(FULL, with_footer(tmp_path, shouted))


def test_the_override_in_these_tests_is_sound_by_itself(tmp_path: Path) -> None:
    compile_edition(FULL, with_footer(tmp_path, "<p>{{ hole.email }}</p>"))
    compile_edition(FULL, own_theme(tmp_path, {"digest.mjml.j2": EXTENDS}))
