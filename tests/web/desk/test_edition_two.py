"""Two editors at one edition: what touches different things merges, the same thing is shown to both."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.newsroom import at
from tests.web.desk.conftest import ANA, BOB, Desk, Seats
from tests.web.desk.test_edition import EDITION, at_seven, headlines, order, said, sit, story

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

# One act of a browser, with the version that its page shows at that moment
ACT = """async ({act, fields}) => {
  const body = new FormData(document.getElementById('acts'))
  for (const [name, value] of Object.entries(fields)) body.set(name, value)
  body.set('version', document.getElementById('edition').dataset.version)
  const headers = {'X-Fragment': '1'}
  const answer = await fetch(location.pathname + '/' + act, {method: 'POST', body, headers})
  return answer.status
}"""


def test_different_rows_merge_and_the_same_headline_is_shown_to_both(desk: Desk, seats: Seats) -> None:
    at_seven(desk)
    ana, bob = sit(seats, desk, ANA), sit(seats, desk, BOB)
    expect(ana.locator("#edition")).to_contain_text("Ana, Bob have it open", timeout=20_000)
    for page in (ana, bob):
        page.locator("#edit-2").click()
    mine = bob.locator("#word-2").get_by_role("textbox", name="Headline")
    mine.fill("Bob's word for it")
    ana.locator("#word-2").get_by_role("textbox", name="Headline").fill("Ana's word for it")
    ana.get_by_role("button", name="Drop The day's story no. 4").click()
    said(ana, "Dropped")
    ana.locator("#word-2").get_by_role("button", name="Save words").click()
    said(ana, "Ana's word for it")

    expect(bob.locator("#edition")).not_to_contain_text("v2 ")
    expect(mine).to_have_value("Bob's word for it")  # an open field is never repainted
    mine.press("Enter")
    said(bob, "Nothing was overwritten")
    expect(bob.locator("#flash .both")).to_contain_text("Bob's word for it")
    expect(bob.locator("#flash .both")).to_contain_text("Ana's word for it")
    seats.expect("409")
    expect(mine).to_have_value("Bob's word for it")
    assert "Ana's word for it" in {placed.headline for placed in story(desk).placements}
    bob.get_by_role("button", name="Keep mine").click()
    said(bob, "Worded")
    expect(ana.locator("#slots")).to_contain_text("Bob's word for it")
    expect(bob.locator("#slots")).not_to_contain_text("The day's story no. 4")  # hers, merged


def test_without_scripts_both_texts_are_shown_on_a_page_of_their_own(desk: Desk, seats: Seats) -> None:
    at_seven(desk)
    bob = sit(seats, desk, BOB, java_script_enabled=False)
    done = desk.client(ANA).post(f"{EDITION}/subject", subject="Ana's subject", version="2")
    assert done.status_code == 303
    bob.get_by_role("textbox", name="Subject").fill("Bob's subject")
    bob.get_by_role("textbox", name="Subject").press("Enter")
    expect(bob.locator(".both")).to_contain_text("Bob's subject")
    expect(bob.locator(".both")).to_contain_text("Ana's subject")
    assert story(desk).line.subject == "Ana's subject"
    bob.get_by_role("button", name="Keep mine").click()
    said(bob, "Bob's subject")
    assert story(desk).line.subject == "Bob's subject"
    seats.expect("409")


def test_what_somebody_has_not_posted_yet_outlives_what_comes_over_the_stream(
    desk: Desk, seats: Seats
) -> None:
    at_seven(desk)
    bob = sit(seats, desk, BOB)
    bob.locator("#edit-3").click()
    bob.locator("#word-3").get_by_role("textbox", name="Summary").fill("Half a thought")
    bob.locator("h1").click()
    desk.client(ANA).post(f"{EDITION}/drop", article="5", version="2")
    expect(bob.locator("#entry-5")).to_have_count(0)
    expect(bob.locator("#word-3").get_by_role("textbox", name="Summary")).to_have_value("Half a thought")


def test_many_acts_of_two_browsers_and_none_is_lost(desk: Desk, seats: Seats, soak: bool) -> None:
    at_seven(desk)
    acts = 200 if soak else 24
    pages = {"Ana": sit(seats, desk, ANA), "Bob": sit(seats, desk, BOB)}
    last: dict[int, str] = {}
    taken, refused = 0, 0
    for number in range(acts):
        who = "Ana" if number % 2 else "Bob"
        article = number % 5 + 1
        act, fields = _act(who, number, article)
        status = _do(pages[who], act, fields)
        assert status in (200, 409), (act, fields)
        if status == 409:
            refused += 1
        else:
            taken += 1
            if act == "reword":
                last[article] = fields["headline"]
    seen = story(desk)
    hands = [act for act in seen.history if act.who in ("Ana", "Bob")]
    assert len(hands) == taken and taken > acts // 2
    worded = {placed.article_id: placed.headline for placed in seen.placements if placed.headline}
    assert worded == {article: words for article, words in last.items() if article in order(desk)}
    version = f"v{seen.line.version}"
    for page in pages.values():
        expect(page.locator("#edition")).to_contain_text(version)
    assert headlines(pages["Ana"]) == headlines(pages["Bob"])
    assert refused == len([one for one in seats.complaints if "409" in one])
    seats.complaints = [one for one in seats.complaints if "409" not in one]


def _act(who: str, number: int, article: int) -> tuple[str, dict[str, Any]]:
    match number % 4:
        case 0 | 3:
            return "reword", {"article": article, "headline": f"{who} {number}", "was_headline": ""}
        case 1:
            return "move", {"article": article, "to": "headlines/Town", "place": number % 4 + 1}
        case _:
            return "subject", {"subject": f"{who} says {number}"}


def _do(page: Page, act: str, fields: dict[str, Any]) -> int:
    status = page.evaluate(ACT, {"act": act, "fields": fields})
    assert isinstance(status, int)
    return status


def test_the_clock_changes_the_draft_around_what_hands_did(desk: Desk, seats: Seats) -> None:
    at_seven(desk)
    page = sit(seats, desk)
    page.get_by_role("button", name="Pin The day's story no. 2").click()
    said(page, "Pinned")
    desk.room.import_stories(2, published=at("07:10"), kind="late")
    desk.turn(at("07:15"))
    expect(page.locator("#slots")).to_contain_text("The late's story no. 0")
    assert page.locator("#entry-3 .pinned").count() == 1
