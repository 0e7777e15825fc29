"""Every page as anybody may have to use it: axe in both schemes, a phone, twice the size, keys alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from newsletter.clock import machine_now
from newsletter.services import staffing
from tests.newsroom import at
from tests.web.desk.conftest import ANA, BOB, IDA, Desk, Seats
from tests.web.desk.scene import HARBOUR, SPARE, set_scene, set_tomorrow, stop

# What is told here does not depend on the store
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

SENDING = "/desk/editions/town/2026-02-18/sending"
EDITION = "/desk/editions/town/2026-02-19"
SHAPED = (
    "",
    "/entry?article=7",
    "/waive?code=lead-picture&article=7",
    "/decide/approve",
    "/decide/hold",
    "/out",
    "/history",
    "/compare",
)
PAGES = ("/desk", SENDING, SENDING + "/missing", SENDING + "/sure/cancel", "/desk/account",
         EDITION + "/sending", *(EDITION + page for page in SHAPED))  # fmt: skip
WORN = ("/desk/sign-in/worn",)
OUTSIDE = ("/desk/sign-in", *WORN)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
MOST_BYTES = 60_000


@pytest.fixture
def busy(open_desk: Callable[..., Desk]) -> Desk:
    desk = open_desk(readers=0, relays=SPARE, feeds=HARBOUR)
    set_scene(desk)
    return desk


def faults(page: Page) -> dict[str, list[Any]]:
    """What axe finds serious, by scheme; it is put in by the browser's own door, for our policy lets no
    script in. The mail in its frame is a document of its own, which other tests look at."""
    page.evaluate(Axe().axe_script)
    found = {}
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        violations = page.evaluate("axe.run({resultTypes: ['violations'], iframes: false})")["violations"]
        found[scheme] = [(one["id"], [node["target"] for node in one["nodes"]]) for one in violations
                         if one["impact"] in ("serious", "critical")]  # fmt: skip
    return {scheme: serious for scheme, serious in found.items() if serious}


def too_wide(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def test_no_page_has_a_serious_fault_and_none_scrolls_sideways(busy: Desk, seats: Seats) -> None:
    set_tomorrow(busy)
    stop(busy)
    found: dict[str, Any] = {}
    inside, outside = seats.sit(busy, ANA), seats.sit(busy)
    for page, paths in ((inside, PAGES), (outside, (*OUTSIDE, busy.link(BOB).removeprefix(busy.url)))):
        for path in paths:
            answer = page.goto(busy.url + path)
            assert answer and answer.ok == (path not in WORN) and len(answer.body()) <= MOST_BYTES, path
            for opens in page.locator("a[data-open]").all()[:1]:
                opens.click()
                expect(page.locator("form[data-home]")).to_be_visible()
            for width in (390, 640, 320):  # a phone, 1280 at twice its size, the narrowest phone
                page.set_viewport_size({"width": width, "height": 800})
                assert not too_wide(page), (path, width)
            page.set_viewport_size({"width": 1280, "height": 900})
            found[path] = faults(page)
    seats.expect("404")
    assert {path: serious for path, serious in found.items() if serious} == {}


def test_a_morning_by_keys_alone(busy: Desk, seats: Seats) -> None:
    page = seats.sit(busy)
    page.goto(busy.link(ANA))
    expect(page.get_by_role("button", name="Sign in")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Today", exact=True).wait_for()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.wait_for_load_state()  # keys are heard once the page's modules have run
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("g t Today")
    page.keyboard.press("Escape")
    tab_to(page, "Stop everything")
    page.keyboard.press("Enter")
    expect(page.locator("#flash")).to_contain_text("Everything is stopped")
    expect(page.get_by_role("status")).to_contain_text("Everything is stopped")
    tab_to(page, "Lift the stop")
    page.keyboard.press("Enter")
    expect(page.locator("#flash")).to_contain_text("Lifted")
    page.goto(busy.url + SENDING)
    page.keyboard.type("gt")
    page.get_by_role("heading", name="Today", exact=True).wait_for()
    page.goto(busy.url + "/desk/account")
    page.get_by_label("New password").fill("p" * 12)
    page.keyboard.type("gt")
    expect(page.get_by_label("New password")).to_have_value("p" * 12 + "gt")


def tab_to(page: Page, name: str) -> None:
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent").strip() == name:
            return
    raise AssertionError(f"no Tab leads to {name}")


def test_without_scripts_the_same_is_done(busy: Desk, seats: Seats) -> None:
    page = seats.sit(busy, ANA, java_script_enabled=False)
    page.get_by_role("button", name="Stop everything").click()
    expect(page.locator("#flash")).to_contain_text("Everything is stopped")
    expect(page.locator("#problems")).to_contain_text("Everything is stopped, by Ana")
    page.reload()
    expect(page.locator("#flash")).to_be_hidden()
    page.locator("#problems").get_by_role("button", name="Lift the stop").click()
    expect(page.locator("#flash")).to_contain_text("Lifted")
    page.goto(busy.url + SENDING)
    page.get_by_role("button", name="Count drops1@lakes.example as sent").click()
    expect(page.locator("#flash")).to_contain_text("Counted as sent: 1")
    page.goto(busy.url + "/desk")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_today_counts_down_and_says_who_is_where(busy: Desk, seats: Seats) -> None:
    ana, bob = seats.sit(busy, ANA), seats.sit(busy, BOB)
    expect(ana.locator("#newsletters")).to_contain_text("in doubt")
    for newsletter in ana.locator(".paper-row").all():  # one is checked by each look
        expect(newsletter.locator(".edition").last).to_contain_text(
            re.compile(r"▲ \d warnings?|■ \d in the way")
        )
    first = ana.locator(".edition-times time").first
    before = first.inner_text()
    expect(first).not_to_have_text(before)
    bob.goto(busy.url + SENDING)
    expect(ana.locator("#newsletters")).to_contain_text("Bob has it open", timeout=15_000)
    assert bob.get_by_role("button", name="Stop everything").count() == 0, "an editor does not stop"
    busy.clock.turn(at("09:30"))
    expect(ana.locator("[data-moment]")).to_contain_text("16:30:")
    staffing.remove(busy.runtime, BOB, machine_now(), who="ops")
    expect(bob.get_by_role("heading", name="Sign in")).to_be_visible(timeout=10_000)


def test_hostile_names_stay_text(open_desk: Callable[..., Desk], seats: Seats) -> None:
    evil = "<img src=x onerror=document.title=1>"
    desk = open_desk(readers=2, stories=0)
    desk.room.import_stories(5, kind=evil.replace("/", "").replace("=", "-"))
    staffing.add(desk.runtime, "eve@town.example", machine_now(), name=evil, who="ops")
    desk.turn(at("07:00"))
    page = seats.sit(desk, "eve@town.example")
    for path in ("/desk", "/desk/account", SENDING):
        page.goto(desk.url + path)
        expect(page.locator(".me")).to_have_text(evil)
        assert page.locator("main img, .me img").count() == 0
        assert "Desk" in page.title()


def test_the_house_is_an_admins_too(busy: Desk, seats: Seats) -> None:
    page = seats.sit(busy, IDA)
    page.get_by_role("button", name="Probe spare").click()
    expect(page.locator("#flash")).to_contain_text("spare cannot be used")
    expect(page.locator("#house")).to_contain_text("down")
