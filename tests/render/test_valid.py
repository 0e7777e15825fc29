"""Every state of the shipped theme, by the judgement of others: html-validate, and a browser for colours."""

from __future__ import annotations

import json
import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser

from newsletter.render.compile import compile_edition, neutral_html
from newsletter.render.frames import SCHEMES, in_scheme
from newsletter.render.gate import MAX_STYLE
from newsletter.render.sample import NEUTRAL, states
from newsletter.render.theme import load_theme
from newsletter.values import EditionView, Story
from tests.markup import HERE, complaints, recorded, unsupported
from tests.render.page import Page

THEME = load_theme("default")
STATES = states()
PAGES = {state: neutral_html(compile_edition(view, THEME), NEUTRAL) for state, view in STATES.items()}
WITH_ALL_FEATURES = {state: PAGES[state] for state in ("full", "no lead", "right to left")}
LEAST = 4.5  # WCAG 2.2, 1.4.3


def checked(pages: dict[str, str]) -> list[list[str]]:
    try:
        return complaints(pages)
    except LookupError as error:
        pytest.skip(str(error))


def test_html_validate_has_nothing_against_any_state() -> None:
    assert checked(PAGES) == []


def test_the_lock_names_no_registry() -> None:
    lock = (HERE / "package-lock.json").read_text(encoding="utf-8")
    packages = [{**one, "funding": None} for one in json.loads(lock)["packages"].values()]
    assert "resolved" not in lock and "://" not in json.dumps(packages)
    assert '"integrity": "sha512-' in lock


def test_html_validate_sees_what_it_should() -> None:
    sound = PAGES["full"]
    planted = {
        "no alt": re.sub(r' alt="[^"]+"', "", sound, count=1),
        "no lang": re.sub(r' lang="en"', "", sound, count=1),
        "a step too far": sound.replace("<h2", "<h4", 1).replace("</h2>", "</h4>", 1),
        "not closed": sound.replace("</h3>", "", 1),
        "an empty link": re.sub(r"(<h3[^>]*><a[^>]*>)[^<]*", r"\1", sound, count=1),
    }
    assert {page for page, *_ in checked(planted)} == planted.keys()


def known_gaps(pages: dict[str, str]) -> dict[str, set[str]]:
    try:
        return unsupported(pages)
    except LookupError as error:
        pytest.skip(str(error))


def test_what_some_client_does_not_support_is_what_is_recorded() -> None:
    assert known_gaps(WITH_ALL_FEATURES) == recorded(), "meant? then run: python -m tests.markup"


def test_a_feature_that_is_new_and_unsupported_is_named() -> None:
    planted = PAGES["full"].replace("<p ", '<p style="display:grid" ', 1) + "<dialog>x</dialog>"
    new = known_gaps({"planted": planted}).keys() - recorded().keys()
    assert new == {"display:grid", "<dialog> element"}


@pytest.mark.parametrize("state", STATES)
def test_every_layout_table_says_that_it_is_one(state: str) -> None:
    tables = Page(PAGES[state]).all("table")
    assert tables and all(table.get("role") in ("presentation", "none") for table in tables)


@pytest.mark.parametrize("state", STATES)
def test_the_style_sheets_are_short_enough_for_gmail(state: str) -> None:
    assert sum(map(len, re.findall(r"<style[^>]*>(.*?)</style>", PAGES[state], re.DOTALL))) <= MAX_STYLE


def given(view: EditionView) -> set[str]:
    """Every address that an edition brings itself."""
    stories = [view.lead, view.video, view.note, view.sponsor]
    stories += [story for section in view.sections for story in section.stories]
    there = [story for story in stories if isinstance(story, Story)]
    fragments = " ".join(story.html for story in there)
    return (
        {story.url for story in there if story.url}
        | {story.picture.url for story in there if story.picture}
        | set(re.findall(r'href="([^"]+)"', fragments))
        | {place.url for place in view.social}
        | {view.more_url, view.home_url}
    )


@pytest.mark.parametrize("state", STATES)
def test_a_mail_names_no_address_but_the_editions_and_the_readers_own(state: str) -> None:
    html = PAGES[state]
    named = set(re.findall(r"""[a-z]+://[^\s"'<>)]+""", re.sub(r"<!DOCTYPE[^>]*>", "", html)))
    namespaces = {url for url in named if urlsplit(url).hostname in ("www.w3.org", "schemas.microsoft.com")}
    assert named - namespaces - given(STATES[state]) - set(NEUTRAL.values()) == set()
    loaded = {image["src"] for image in Page(html).all("img")}
    assert loaded <= given(STATES[state])


# ── colours, as a browser paints them ───────────────────────────────────────────────────────────


# Each run of text with its colour, and the first ground behind it that is painted
READ = """() => {
  const rgb = text => text.match(/[\\d.]+/g).map(Number);
  const ground = element => rgb(getComputedStyle(element).backgroundColor);
  const isPainted = element => ground(element)[3] !== 0;
  const runs = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const words = node.data.replace(/[\\s\\u034f\\u200c\\u00a0]+/g, ' ').trim();
    const element = node.parentElement;
    const isSeen = element.checkVisibility({opacityProperty: true, visibilityProperty: true});
    if (!words || !isSeen || !element.getClientRects().length) continue;
    let behind = element;
    while (behind && !isPainted(behind)) behind = behind.parentElement;
    runs.push([words, rgb(getComputedStyle(element).color), behind ? ground(behind) : [255, 255, 255]]);
  }
  return runs;
}"""


def contrast(one: list[float], other: list[float]) -> float:
    """Of two colours, by WCAG's formula."""

    def luminance(colour: list[float]) -> float:
        parts = [part / 255 for part in colour[:3]]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_all_text_stands_out_from_its_ground(browser: Browser, scheme: str) -> None:
    page = browser.new_page(viewport={"width": 600, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    faint = {}
    for state, html in PAGES.items():
        page.set_content(re.sub(r'src="https[^"]*"', 'src="data:,"', in_scheme(html, scheme)))
        runs = page.evaluate(READ)
        assert len(runs) > 10
        for words, colour, ground in runs:
            if contrast(colour, ground) < LEAST:
                faint[state, words[:30]] = (colour, ground, round(contrast(colour, ground), 2))
    page.close()
    assert faint == {}


def test_a_faint_colour_is_seen_by_the_measure(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content('<body style="background: #fff"><p style="color: #999">faint</p>')
    ((words, colour, ground),) = page.evaluate(READ)
    page.close()
    assert words == "faint" and contrast(colour, ground) == pytest.approx(2.85, abs=0.01)
    assert contrast([0, 0, 0], [255, 255, 255]) == pytest.approx(21)
