"""A story's picture, what its source says since it was worded, and the desk on a phone and on a day that has
not 24 hours."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from newsletter.web.assets import asset_url
from tests.newsroom import at
from tests.smtpd import SmtpServer
from tests.web.desk.conftest import ANA, Desk, Seats
from tests.web.desk.scene import HARBOUR
from tests.web.desk.test_edition import EDITION, at_seven, headlines, said, sit, story

# What the store itself decides is told elsewhere, on both
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_a_picture_is_chosen_in_its_row_and_is_the_one_that_is_mailed(
    desk: Desk, seats: Seats, relay: SmtpServer
) -> None:
    at_seven(desk)
    page = sit(seats, desk)
    ours = desk.url + asset_url("mark.svg")
    page.keyboard.press("j")
    page.keyboard.press("i")
    form, entry = page.locator("#show-1"), page.locator("#entry-1")
    form.get_by_label("Another:").check()
    form.get_by_label("Address of another picture").fill("javascript:alert(1)")
    form.get_by_role("button", name="Save picture").click()
    expect(page.locator("main")).to_contain_text("Mail loads pictures by https alone")
    seats.expect("422")
    page.go_back()
    form.get_by_label("Address of another picture").fill(ours)
    form.get_by_label("What it shows").fill("A letter on its way")
    form.get_by_role("button", name="Save picture").click()
    said(page, "Worded")
    expect(entry.locator("img.thumb")).to_have_attribute("src", ours)
    expect(entry).to_contain_text("a picture of ours")
    shown = page.frame_locator("iframe").get_by_alt_text("A letter on its way")
    expect(shown).to_have_attribute("src", ours)
    desk.turn(at("08:59"))
    desk.turn(at("09:00"))
    assert len(relay.mails) == 3
    assert all(ours in str(mail.message.get_body(("html",))).replace("=\n", "") for mail in relay.mails)


def test_a_form_that_nobody_changed_changes_nothing_and_old_words_are_not_said_of_another_picture(
    desk: Desk,
) -> None:
    row = {"url": "https://town.example/day/0", "title": "Ferry", "section": "Town", "picture_alt": "A ferry",
           "picture_url": "https://town.example/a.jpg", "published_at": at("04:00").isoformat()}  # fmt: skip
    desk.room.import_articles([row], at("04:00"))
    at_seven(desk)
    ana = desk.client(ANA)
    was = {"article": "1", "version": "1", "was_picture": "", "was_alt": "A ferry", "alt": "A ferry"}
    answer = ana.post(f"{EDITION}/picture", which="came", **was)
    assert answer.status_code == 422 and "Nothing was changed" in answer.text
    assert ana.post(
        f"{EDITION}/picture", which="other", address="https://town.example/b.jpg", **was
    ).is_redirect
    placed = {each.article_id: each for each in story(desk).placements}[1]
    assert (placed.picture, placed.picture_alt) == ("https://town.example/b.jpg", "")


def test_no_picture_is_a_choice_too(desk: Desk, seats: Seats) -> None:
    at_seven(desk)
    page = sit(seats, desk, java_script_enabled=False)
    page.locator("#entry-1").get_by_role("link", name="Picture and place").click()
    page.locator("#show-1").get_by_label("None", exact=True).check()
    page.locator("#show-1").get_by_role("button", name="Save picture").click()
    said(page, "Worded")
    expect(page.locator("#entry-1")).to_contain_text("without a picture")
    expect(page.locator("#entry-1 img.thumb")).to_have_count(0)
    expect(page.locator("#preflight")).not_to_contain_text("wide enough")


def test_a_source_that_changes_after_it_was_worded_is_told_and_overwrites_nothing(
    desk: Desk, seats: Seats
) -> None:
    at_seven(desk)
    page = sit(seats, desk)
    done = desk.client(ANA).post(f"{EDITION}/reword", article="2", headline="In our words", version="1")
    assert done.status_code == 303
    rows = [{"url": "https://town.example/day/1", "title": "The source thinks again",
             "section": "Town", "published_at": at("04:00").isoformat()}]  # fmt: skip
    placed = {row.article_id: row for row in story(desk).placements}
    assert placed[2].headline == "In our words"
    desk.room.import_articles(rows, at("07:10"))
    desk.turn(at("07:11"))
    expect(page.locator("#entry-2")).to_contain_text("its source has changed since")
    expect(page.locator("#entry-2")).to_contain_text("came as “The source thinks again”")
    assert "In our words" in headlines(page)
    page.reload()
    expect(page.locator("#preflight")).to_contain_text("has changed at its source since an editor worded it")
    page.locator("#edit-2").click()
    page.locator("#word-2").get_by_role("textbox", name="Headline").fill("In our words, anew")
    page.keyboard.press("Enter")
    said(page, "Worded")
    expect(page.locator("#entry-2")).not_to_contain_text("its source has changed since")


def test_on_a_phone_one_thing_at_a_time(desk: Desk, seats: Seats) -> None:
    at_seven(desk)
    page = sit(seats, desk, has_touch=True, is_mobile=True, viewport={"width": 390, "height": 800})
    slots, mail, checks = page.locator("#slots"), page.locator("iframe"), page.locator("#preflight")
    expect(slots).to_be_visible()
    expect(mail).to_be_hidden()
    page.get_by_text("Preview", exact=True).first.tap()
    expect(mail).to_be_visible()
    expect(slots).to_be_hidden()
    page.get_by_role("radio", name="Preview").focus()
    page.keyboard.press("ArrowRight")
    expect(checks).to_be_visible()
    expect(mail).to_be_hidden()
    assert desk.client(ANA).post(f"{EDITION}/reword", article="3", headline="Long " * 30).status_code == 303
    page.locator("#preflight li").filter(has_text="characters").get_by_role("link", name="Fix").tap()
    expect(page.locator("#headline-3")).to_be_focused()
    expect(checks).to_be_hidden()
    page.locator("h1").tap()
    page.keyboard.press("v")
    expect(mail).to_be_visible()
    bare = sit(seats, desk, viewport={"width": 390, "height": 800}, java_script_enabled=False)
    for part in ("#slots", "iframe", "#preflight"):
        expect(bare.locator(part)).to_be_visible()


def test_a_form_that_cannot_be_opened_leaves_the_page_as_it_is(desk: Desk, seats: Seats) -> None:
    at_seven(desk)
    page = sit(seats, desk)
    page.locator("#subject").fill("Half a thought")
    page.route("**/entry?*", lambda route: route.abort())
    page.locator("#edit-2").click()
    expect(page.get_by_role("status")).to_contain_text("It could not be opened")
    seats.expect("ERR_FAILED")
    page.unroute("**/entry?*")
    page.locator("#edit-2").evaluate("link => { link.click(); link.click() }")
    expect(page.locator("#headline-2")).to_be_focused()
    expect(page.locator("#word-2")).to_have_count(1)
    page.locator("#edit-2").click()
    expect(page.locator("#word-2")).to_be_hidden()
    expect(page.locator("#subject")).to_have_value("Half a thought")


def test_a_laptop_in_another_zone_says_what_its_own_clock_shows_then(desk: Desk, seats: Seats) -> None:
    at_seven(desk)
    kyiv = sit(seats, desk, timezone_id="Europe/Kyiv")
    expect(kyiv.locator("#edition")).to_contain_text("Wed 18 Feb, 09:00 EST · 16:00 here, in")
    expect(kyiv.locator("#edition")).to_contain_text("cut-off 08:30 · 15:30 here")
    assert desk.client(ANA).post(f"{EDITION}/drop", article="5", version="1").status_code == 303
    expect(kyiv.locator("#entry-5")).to_have_count(0)  # painted anew over the stream
    expect(kyiv.locator("#edition")).to_contain_text("Wed 18 Feb, 09:00 EST · 16:00 here, in")
    kyiv.goto(f"{desk.url}{EDITION}/decide/approve")
    expect(kyiv.locator("main")).to_contain_text("09:00 EST · 16:00 here")
    auckland = sit(seats, desk, timezone_id="Pacific/Auckland")
    auckland.goto(f"{desk.url}/desk")
    expect(auckland.locator("#newsletters")).to_contain_text("sends Wed 18 Feb, 09:00 EST · Thu 03:00 here")
    home = sit(seats, desk, timezone_id="America/New_York")
    expect(home.locator("#edition")).to_contain_text("09:00 EST, in 0")  # the countdown runs
    assert "here" not in home.locator("#edition").inner_text()


def test_subject_and_preheader_stand_side_by_side_as_an_inbox_shows_them(desk: Desk, seats: Seats) -> None:
    at_seven(desk)
    page = sit(seats, desk)
    subject, preheader = page.locator("#subject"), page.locator("#preheader")
    phone, line = page.locator(".inbox-phone"), page.locator(".inbox-line")
    left, middle, right = (each.bounding_box() for each in (phone, subject, preheader))
    assert left and middle and right
    assert middle["y"] == right["y"] and left["x"] + left["width"] < middle["x"]
    assert middle["x"] + middle["width"] < right["x"]
    subject.fill("The ferry is back")
    for shown in (phone, line):
        expect(shown).to_contain_text("The ferry is back")
    expect(page.locator("#subject-form")).to_contain_text("/65 good")
    page.set_viewport_size({"width": 390, "height": 800})
    left, middle, right = (each.bounding_box() for each in (phone, subject, preheader))
    assert left and middle and right
    assert left["y"] < middle["y"] < right["y"] and middle["x"] == right["x"]
    expect(line).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(
    ("sunday", "town", "harbour"),
    [
        (datetime(2026, 3, 8, 4, tzinfo=UTC), "09:00 EDT", "09:00 EET"),
        (datetime(2026, 3, 29, 4, tzinfo=UTC), "09:00 EDT", "09:00 EEST"),
    ],
)
def test_on_a_sunday_without_an_hour_nine_is_nine_in_both_zones(
    open_desk: Callable[..., Desk], sunday: datetime, town: str, harbour: str
) -> None:
    desk = open_desk(sunday, feeds=HARBOUR)
    desk.room.import_stories(5, published=sunday)
    desk.turn(sunday)
    shown = desk.client(ANA).get("/desk").text
    assert town in shown and harbour in shown and f"{sunday:%Y-%m-%d}" in shown
    edition = desk.client(ANA).get(f"/desk/editions/town/{sunday:%Y-%m-%d}").text
    assert town in edition
