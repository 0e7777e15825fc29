"""One Chromium for all tests, and tabs that fail a test for what goes wrong in them unseen.

    def test_a_page(site: httpx.Client, page: Page) -> None:
        page.goto(f"{site.base_url}/desk")

`page` is a tab as it comes, `open_tab` one with options of its own (without scripts, of a phone, by
night). Each notes what its page complains of: errors and warnings of scripts, what a policy forbade,
requests that failed, answers above 499. A test that provokes such a thing looks into `complaints` and
empties it.

While a test has the browser, a loop of Playwright's runs in its thread, and `asyncio.run` would refuse:
commands are given by `Newsroom.run`, which puts that loop out of sight.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

OpenTab = Callable[..., Page]

LEFT_BEHIND = "net::ERR_ABORTED"  # a request that nobody waited for: the page was left


@pytest.fixture(scope="session")
def chromium() -> Iterator[tuple[Browser, asyncio.AbstractEventLoop]]:
    """The browser and the loop that its driver runs on; between tests the loop is out of sight."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not installed: make tools")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        loop = asyncio.get_running_loop()
        asyncio._set_running_loop(None)
        yield browser, loop
        asyncio._set_running_loop(loop)
        browser.close()


@pytest.fixture
def browser(chromium: tuple[Browser, asyncio.AbstractEventLoop]) -> Iterator[Browser]:
    """The browser itself, for tests that watch what a page asks for; what they open is closed."""
    browser, loop = chromium
    asyncio._set_running_loop(loop)
    yield browser
    for context in browser.contexts:
        context.close()
    asyncio._set_running_loop(None)


@pytest.fixture
def complaints() -> list[str]:
    """What went wrong in the tabs of this test so far."""
    return []


@pytest.fixture
def open_tab(browser: Browser, complaints: list[str]) -> Iterator[OpenTab]:
    """Opens a tab of a visitor without cookies; takes what `Browser.new_context` takes."""

    def opened(**options: Any) -> Page:
        context = browser.new_context(**options)
        _listen(context, complaints)
        return context.new_page()

    yield opened
    assert complaints == []


@pytest.fixture
def page(open_tab: OpenTab) -> Page:
    return open_tab()


def _listen(context: BrowserContext, complaints: list[str]) -> None:
    context.on(
        "console",
        lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None,
    )
    context.on("weberror", lambda thrown: complaints.append(str(thrown.error)))
    context.on(
        "requestfailed",
        lambda asked: complaints.append(f"{asked.url}: {asked.failure}") if _matters(asked.failure) else None,
    )
    context.on(
        "response",
        lambda answer: complaints.append(f"{answer.url}: {answer.status}") if answer.status > 499 else None,
    )


def _matters(failure: str | None) -> bool:
    return failure != LEFT_BEHIND
