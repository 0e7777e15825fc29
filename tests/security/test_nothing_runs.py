"""An edition runs nothing in anybody's browser, even if the gate let it through (security group I)."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import Browser, Error

from tests.web.conftest import NOON, Paper
from tests.web.test_browser import HOSTILE


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("shown", ["web view", "preview"])
def test_with_the_gate_off_nothing_runs_and_no_cookie_is_read(
    site: httpx.Client, paper: Paper, browser: Browser, shown: str
) -> None:
    number = paper.edition("2026-02-17", html=HOSTILE, begun=0 if shown == "preview" else 3)
    token = paper.runtime.links.preview_token(number, 1, NOON.replace(year=2027))
    with browser.new_context() as context:
        context.add_cookies([{"name": "desk", "value": "secret", "url": str(site.base_url)}])
        page = context.new_page()
        asked: list[tuple[str, str]] = []
        context.route("**/*.example/**", lambda route: route.abort())
        page.on("request", lambda request: asked.append((request.resource_type, request.url)))
        page.goto(f"{site.base_url}/n/post/2026-02-17" + (f"?preview={token}" if shown == "preview" else ""))
        page.locator("#seen").wait_for()
        assert (page.title(), page.evaluate("self.origin")) == ("News", "null")
        with pytest.raises(Error, match="sandboxed"):
            page.evaluate("document.cookie")
        assert {kind for kind, _ in asked} == {"document", "image"}
        assert not [url for _, url in asked if "evil" in url]
