"""MJML and style sheets: what they do for a mail, and that they can neither fetch nor kill."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from newsletter.errors import Misuse, Refused
from newsletter.render.compile import compile_edition
from newsletter.render.holes import hole_pattern
from newsletter.render.inline import inline, take_inline_rules
from newsletter.render.lint.faults import Flaw
from newsletter.render.lint.markup import markup_flaws
from newsletter.render.mjml import MarkupError, to_html
from newsletter.render.theme import Theme, load_theme
from tests.render.page import Page
from tests.render.sample import FULL
from tests.render.themes import own_theme, with_footer

_watchers: list[list[tuple[str, str]]] = []


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if event in ("open", "socket.connect", "socket.getaddrinfo"):
        for watcher in _watchers:
            watcher.append((event, str(arguments[1] if event == "socket.connect" else arguments[0])))


sys.addaudithook(_audit)  # the interpreter's own record: nothing that Python opens escapes it


@contextmanager
def watching() -> Iterator[list[tuple[str, str]]]:
    """Every file opened and every connection tried meanwhile."""
    seen: list[tuple[str, str]] = []
    _watchers.append(seen)
    try:
        yield seen
    finally:
        _watchers.remove(seen)


def test_a_compilation_opens_the_theme_and_nothing_else() -> None:
    compile_edition(FULL, load_theme("default"))
    theme = Theme("default", load_theme("default").folders)  # one whose files nobody has read yet
    with watching() as seen:
        compile_edition(FULL, theme)
    assert {"digest.mjml.j2", "digest.txt.j2", "inline.css"} <= {Path(name).name for _, name in seen}
    assert [
        one for one in seen if one[0] != "open" or not Path(one[1]).is_relative_to(theme.folders[0])
    ] == []


@pytest.mark.parametrize(
    "css",
    [
        '@import url("http://127.0.0.1:9/a.css"); p { color: red }',
        "@import 'file:///etc/hostname'; p { color: red }",
        "p { background: url(http://127.0.0.1:9/a.png) }",
        "p { background: URL (file:///etc/hostname) }",
        "@media print { p { color: red } }",
        "p { color: r\\65 d }",
        "p::before { content: '—' }",
        "</style><script>x</script>",
    ],
)
def test_inlined_rules_that_could_fetch_are_refused(css: str, tmp_path: Path) -> None:
    theme = own_theme(tmp_path, {"inline.css": css})
    with (
        watching() as seen,
        pytest.raises(Misuse, match=r"inline\.css:1: .*(inlined rules hold|closes nothing)"),
    ):
        compile_edition(FULL, theme)
    assert [one for one in seen if one[0] != "open" or "hostname" in one[1]] == []


def test_a_comment_in_inlined_rules_may_say_anything() -> None:
    mjml = '<mj-style inline="inline">/* no @import — never */ p { color: red }</mj-style><p>x</p>'
    assert take_inline_rules(mjml) == ("<p>x</p>", "/* no @import — never */ p { color: red }")


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/a.css", "file:///etc/hostname"])
def test_the_parser_itself_fetches_nothing(url: str) -> None:
    with watching() as seen:
        html = inline("<html><body><p>x</p></body></html>", f"@import url({url}); p {{ color: red }}")
    assert 'style="color:red"' in html
    assert [one for one in seen if one[0] != "open" or "hostname" in one[1]] == []


@pytest.mark.parametrize(
    "mjml",
    [
        '<mj-style>@import url("https://x.example/a.css");</mj-style>',
        '<mj-font name="Evil" href="https://x.example/a.css" />',
        '<mj-raw><link rel="stylesheet" href="https://x.example/a.css" /></mj-raw>',
    ],
)
def test_a_head_that_would_make_the_reader_fetch_is_refused(mjml: str, tmp_path: Path) -> None:
    layout = (load_theme("default").folders[0] / "layout.mjml.j2").read_text()
    files = {"layout.mjml.j2": layout.replace("</mj-head>", f"{mjml}</mj-head>").replace("Georgia", "Evil")}
    with watching() as seen, pytest.raises((Refused, Misuse)):
        compile_edition(FULL, own_theme(tmp_path, files))
    assert [one for one in seen if one[0] != "open"] == []


def test_every_other_style_sheet_is_left_alone() -> None:
    css = "@media (max-width:480px){p{color:red!important}} [data-ogsc] p{color:blue!important}"
    html = inline(f"<html><head><style>{css}</style></head><body><p>x</p></body></html>", "p{color:green}")
    assert f"<style>{css}</style>" in html
    assert '<p style="color:green">' in html


def test_an_elements_own_style_wins_and_no_attribute_is_invented() -> None:
    html = '<html><body><table><tr><td style="color: red" class="a">x</td></tr></table></body></html>'
    (cell,) = Page(inline(html, ".a { color: green; width: 50%; background-color: #fff }")).classed("a")
    assert cell.keys() == {"style", "class"}
    assert sorted(cell["style"].split(";")) == ["background-color:#fff", "color:red", "width:50%"]


def test_what_stands_between_quotes_is_not_squeezed() -> None:
    text = 'He said style="a : b" ; and left'
    page = Page(inline(f"<html><body><p title='{text}'>{text}</p></body></html>", "p{color : red}"))
    assert page.all("p") == [{"title": text, "style": "color:red"}]
    assert page.text == text


MJML = (
    '<mjml lang="en" dir="ltr"><mj-body><mj-section><mj-column>{}</mj-column></mj-section></mj-body></mjml>'
)


def test_characters_that_mrml_would_print_for_rust_arrive_whole() -> None:
    words = "नमस्ते family 👩‍👩‍👧 soft\u00adhyphen x\u0301 \u00a0 “quoted”"
    page = Page(to_html(MJML.format(f'<mj-image src="https://x.example/a.jpg" alt="{words}" />')))
    assert page.all("img")[0]["alt"] == words


def test_no_font_is_linked_to_that_the_theme_did_not_name() -> None:
    html = to_html(MJML.format('<mj-text font-family="Roboto, Ubuntu">x</mj-text>'))
    assert not Page(html).all("link")
    assert "@import" not in html


@pytest.mark.parametrize("depth", [101, 12_000, 100_000])
def test_no_depth_of_nesting_kills_the_process(depth: int) -> None:
    found: list[Flaw] = []

    def read() -> None:
        found.extend(flaws(MJML.format("<mj-text>" + "<div>" * depth + "</div>" * depth + "</mj-text>")))

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    assert "more than 100 tags" in found[0].what


def flaws(mjml: str) -> list[Flaw]:
    return markup_flaws(mjml, hole_pattern("abcdef"))


def test_mjml_that_only_mrml_refuses_is_our_error_too() -> None:
    with pytest.raises(MarkupError, match="cannot be read"):
        to_html("<mjml><mj-body><mj-section></mj-section><mj-include path='a'/></mj-body></mjml>")


def test_a_theme_of_mjml_components_works_as_well(tmp_path: Path) -> None:
    components = '<p>x</p></mj-text><mj-divider /><mj-spacer height="20px" /><mj-text>'
    compile_edition(FULL, with_footer(tmp_path, components))
