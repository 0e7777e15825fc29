"""An editor's morning at the desk, told in a browser against a real mail server: what was shaped, agreed to
and tested there is what readers get, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from email import message_from_bytes, policy

import pytest
from playwright.sync_api import Page, expect

from newsletter.services import status
from newsletter.services.status import EditionStory
from newsletter.store import editions, renditions
from newsletter.store.newsletters import newsletter_ids
from tests.newsroom import at
from tests.smtpd import SmtpServer
from tests.web.desk.conftest import ANA, BOB, Desk, Seats

# What the store itself decides is told elsewhere, on both
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

NAME = "town/2026-02-18"
EDITION = f"/desk/editions/{NAME}"


def story(desk: Desk, name: str = NAME) -> EditionStory:
    return status.edition_story(desk.runtime, name, desk.runtime.clock.now())


def state(desk: Desk) -> str:
    return story(desk).line.state


def order(desk: Desk) -> list[int]:
    return [placed.article_id for placed in story(desk).placements]


def headlines(page: Page) -> list[str]:
    return page.locator("#slots .entry .subject").all_inner_texts()


def at_seven(desk: Desk) -> None:
    desk.turn(at("07:00"))


def sit(seats: Seats, desk: Desk, address: str = ANA, **options: object) -> Page:
    """At the edition, with the session of somebody who signed in elsewhere, which is quicker."""
    page = seats.sit(desk, **options)
    for name, value in desk.client(address).http.cookies.items():
        page.context.add_cookies([{"name": name, "value": value, "url": desk.url}])
    page.goto(desk.url + EDITION)
    return page


def received(relay: SmtpServer) -> list[bytes]:
    return [mail.content for mail in relay.mails]


def text_of(message: bytes) -> str:
    body = message_from_bytes(message, policy=policy.default).get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def approve(page: Page) -> None:
    page.keyboard.press("a")
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("#flash")).to_contain_text("Approved")


def said(page: Page, words: str) -> None:
    expect(page.locator("#flash")).to_contain_text(words)


def test_a_headline_changed_here_is_in_the_mail_at_nine_and_what_was_agreed_to_is_what_goes(
    desk: Desk, seats: Seats, relay: SmtpServer
) -> None:
    at_seven(desk)
    page = sit(seats, desk)
    page.keyboard.press("j")
    page.keyboard.press("e")
    expect(page.get_by_role("textbox", name="Headline")).to_be_focused()
    page.get_by_role("textbox", name="Headline").fill("Ferry resumes after a week")
    page.keyboard.press("Enter")
    said(page, "Ferry resumes")
    expect(page.locator("#slots .entry .subject").first).to_have_text("Ferry resumes after a week")
    expect(page.frame_locator("iframe").locator("body")).to_contain_text("Ferry resumes after a week")
    page.get_by_role("textbox", name="Preheader").fill("And what else moved the town")
    page.get_by_role("textbox", name="Preheader").press("Enter")
    said(page, "And what else")
    page.locator("h1").click()
    page.keyboard.press("a")
    expect(page.locator("dl.house")).to_contain_text("3 now")
    agreed = page.locator("dl.house code").inner_text()
    page.keyboard.press("Enter")  # the button has the focus
    said(page, "Approved")
    assert state(desk) == "approved"

    desk.turn(at("08:59"))
    desk.turn(at("09:00"))
    assert len(relay.mails) == 3
    for message in received(relay):
        assert message_from_bytes(message, policy=policy.default)["Subject"] == "Ferry resumes after a week"
        assert "Ferry resumes after a week" in text_of(message)
    with desk.runtime.database.reading() as session:
        edition = editions.find(session, newsletter_ids(session)["town"], "2026-02-18")
        assert edition and edition.rendition_id == edition.approved_rendition_id
        assert renditions.hash_of(session, edition.rendition_id or 0).startswith(agreed)
        sent = renditions.read(session, edition.rendition_id or 0)
    assert sent.preheader == "And what else moved the town"
    for literal in sent.html.literals:
        assert all(literal in message for message in received(relay)), "byte for byte but for the holes"


def test_order_by_mouse_and_by_keys_is_the_order_of_the_mail(
    desk: Desk, seats: Seats, relay: SmtpServer
) -> None:
    at_seven(desk)
    page = sit(seats, desk)
    expect(page.locator("#edition")).to_contain_text("Ana has it open")  # the stream has painted once
    first = headlines(page)
    page.locator("#slots h2").evaluate("title => title.scrollIntoView()")
    one, last = page.locator("#slots [data-grip]").nth(1), page.locator("#slots .entry").nth(4)
    start, end = one.bounding_box(), last.bounding_box()
    assert start and end
    page.mouse.move(start["x"] + 8, start["y"] + 8)
    page.mouse.down()
    page.mouse.move(end["x"] + 8, end["y"] + end["height"] - 4, steps=8)
    page.mouse.up()
    said(page, "Moved")
    assert headlines(page) == [first[0], first[2], first[3], first[4], first[1]]

    # The last story to the top, over the border of its section, so that it leads
    grip = page.get_by_role("button", name=f"Move {first[4]}")
    grip.focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("status")).to_contain_text(f"{first[4]} lifted, Town, 3 of 4")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("status")).to_contain_text("Town, 2 of 4")
    page.keyboard.press("Escape")
    expect(page.get_by_role("status")).to_contain_text("back at Town, 3 of 4")
    for key in ("Space", "ArrowUp", "ArrowUp", "ArrowUp", "ArrowUp", "Space"):
        page.keyboard.press(key)
    said(page, f"Moved: “{first[4]}” to lead")
    expect(page.get_by_role("button", name=f"Move {first[4]}")).to_be_focused()
    wanted = headlines(page)
    assert wanted == [first[4], first[0], first[2], first[3], first[1]]

    desk.turn(at("08:59"))
    desk.turn(at("09:00"))
    mail = text_of(relay.mails[0].content)
    places = [mail.index(headline) for headline in wanted]
    assert places == sorted(places)


def test_a_finger_moves_a_row_to_where_it_ends(desk: Desk, seats: Seats) -> None:
    at_seven(desk)
    page = sit(seats, desk, has_touch=True, is_mobile=True, viewport={"width": 390, "height": 800})
    expect(page.locator("#edition")).to_contain_text("Ana has it open")  # the stream has painted once
    first = headlines(page)
    touch = page.context.new_cdp_session(page)
    page.evaluate("document.querySelectorAll('#slots .entry')[1].scrollIntoView({block: 'start'})")
    start = page.locator("#slots [data-grip]").nth(1).bounding_box()
    end = page.locator("#slots .entry").nth(3).bounding_box()
    assert start and end
    x, y, to = start["x"] + 10, start["y"] + 10, end["y"] + end["height"] - 6
    for kind, places in (
        ("touchStart", [y]),
        ("touchMove", [y + (to - y) * part / 10 for part in range(1, 11)]),
    ):
        for place in places:
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": place}]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    said(page, "Moved")
    assert headlines(page) == [first[0], first[2], first[3], first[1], first[4]]


@pytest.mark.parametrize(("wants", "mailed"), [("required", 0), ("optional", 3)])
def test_an_edit_after_approval_withdraws_it(
    open_desk: Callable[..., Desk], seats: Seats, relay: SmtpServer, wants: str, mailed: int
) -> None:
    desk = open_desk(newsletter=f'approval = "{wants}"')
    at_seven(desk)
    page = sit(seats, desk)
    approve(page)
    bob = sit(seats, desk, BOB)
    expect(bob.locator("#edition")).to_contain_text("Approved")
    bob.get_by_role("textbox", name="Subject").fill("Another word")
    bob.get_by_role("textbox", name="Subject").press("Enter")
    said(bob, "Its approval is withdrawn")
    expect(page.locator("#edition .state")).to_have_text("○ Draft")
    page.get_by_role("link", name="What reads otherwise than what was approved").click()
    expect(page.locator(".diff")).to_contain_text("+Subject: Another word")
    desk.turn(at("08:59"))
    desk.turn(at("09:00"))
    assert len(relay.mails) == mailed
    assert state(desk) == ("sent" if mailed else "held")


def test_what_is_in_the_way_disables_approve_until_it_is_mended(
    open_desk: Callable[..., Desk], seats: Seats
) -> None:
    desk = open_desk(stories=4, newsletter="min_articles = 4")
    at_seven(desk)
    page = sit(seats, desk)
    page.locator("#slots [data-grip]").nth(1).focus()
    page.keyboard.press("x")
    said(page, "Dropped")
    expect(page.locator("#preflight")).to_contain_text("not enough articles: 3 of at least 4")
    expect(page.locator("#edition button:disabled")).to_have_text("Approve")
    page.get_by_role("button", name="Put back").click()
    said(page, "Put back")
    expect(page.get_by_role("link", name="Approve …")).to_be_visible()

    warning = page.locator("#preflight .warn").filter(has_text="wide enough")
    warning.get_by_role("link", name="Waive").click()
    warning.get_by_role("button", name="Let it stand").click()
    expect(warning).to_be_visible()  # the browser asks for a reason
    client = desk.client(BOB)
    refused = client.post(f"{EDITION}/waive", code="lead-picture", version=str(story(desk).line.version))
    assert refused.status_code == 422 and "It takes a reason" in refused.text
    warning.get_by_label("Why it may stand").fill("no picture exists")
    warning.get_by_label("Why it may stand").press("Enter")
    expect(page.locator("#preflight")).to_contain_text("stands, says Ana: no picture exists")
    assert [act.why for act in story(desk).history if act.act == "waived"] == [
        "lead-picture of article 1: no picture exists"
    ]


def test_send_now_wants_their_number_and_a_minute_in_which_it_is_undone(
    desk: Desk, seats: Seats, relay: SmtpServer
) -> None:
    at_seven(desk)
    page = sit(seats, desk)
    page.get_by_role("link", name="Send now …").click()
    page.get_by_label("Type how many people it goes to").fill("4")
    page.get_by_role("button", name="Send now").click()
    expect(page.locator("main")).to_contain_text("Nobody was mailed")
    seats.expect("422")
    assert state(desk) == "draft"
    page.goto(f"{desk.url}{EDITION}/decide/send")
    page.get_by_label("Type how many people it goes to").fill("3")
    page.keyboard.press("Enter")
    said(page, "It goes to 3 in a minute")
    assert state(desk) == "frozen"
    desk.turn(at("07:00:59"))
    assert not relay.mails
    page.get_by_role("button", name="Undo").click()
    said(page, "Undone: nobody was mailed")
    desk.turn(at("07:02"))
    assert not relay.mails and state(desk) == "draft"

    page.goto(f"{desk.url}{EDITION}/decide/send")
    page.get_by_label("Type how many people it goes to").fill("3")
    page.keyboard.press("Enter")
    said(page, "It goes to 3 in a minute")
    desk.turn(at("07:05"))
    assert len(relay.mails) == 3 and state(desk) == "sent"


def test_a_test_shows_what_the_relay_said_of_each(
    open_desk: Callable[..., Desk], seats: Seats, relay: SmtpServer
) -> None:
    desk = open_desk(newsletter='proof = ["desk@town.example", "permfail@town.example"]')
    at_seven(desk)
    before = order(desk)
    page = sit(seats, desk, BOB)
    page.keyboard.press("t")
    said(page, "1 of 2 test mails were taken")
    expect(page.locator("#flash")).to_contain_text("desk@town.example main: 250")
    expect(page.locator("#flash")).to_contain_text("550")
    assert order(desk) == before and story(desk).line.sums.total == 0
    refused = desk.client(BOB).post(f"{EDITION}/test", proof01="stranger@elsewhere.example")
    assert "is not on the proof list" in refused.text
    assert len(relay.mails) == 1


def test_what_is_added_dropped_and_written_by_hand_and_had_back(desk: Desk, seats: Seats) -> None:
    at_seven(desk)
    desk.room.import_stories(1, published=at("06:30"), kind="late")
    page = sit(seats, desk)
    page.keyboard.press("n")
    page.get_by_label("Its address, or its number in the pool").fill("https://town.example/late/0")
    page.get_by_role("button", name="Add", exact=True).first.click()
    said(page, "Added")
    page.get_by_text("Write one by hand").click()
    form = page.locator("#write-form")
    form.get_by_label("Title").fill("From the editor")
    form.get_by_label("Address").fill("https://town.example/letter")
    form.get_by_label("Summary").fill("We move house on Friday.")
    form.get_by_role("combobox").select_option(label="Note")
    form.get_by_role("button", name="Add").click()
    said(page, "note")
    assert "From the editor" in headlines(page)
    page.get_by_role("button", name="Drop The late's story no. 0").click()
    said(page, "Dropped")
    gone = headlines(page)
    assert "The late's story no. 0" not in gone
    page.locator("#past").get_by_role("button", name="Restore").first.click()
    said(page, "Restored")
    assert {"The late's story no. 0", "From the editor"} <= set(headlines(page))
    page.locator("#inbox .suggestions button").first.click()
    said(page, "Subject")
    page.goto(f"{desk.url}{EDITION}/out")
    expect(page.locator("main")).to_contain_text("0 shown of 0")
    page.goto(f"{desk.url}{EDITION}/history")
    expect(page.locator("main")).to_contain_text("Ana restored: version")


def test_hold_skip_and_an_extra(desk: Desk, seats: Seats) -> None:
    at_seven(desk)
    page = sit(seats, desk)
    page.get_by_role("link", name="Hold …").click()
    page.get_by_label("Why?").fill("the lead is in doubt")
    page.keyboard.press("Enter")
    said(page, "Held")
    expect(page.locator("#edition")).to_contain_text("The lead is in doubt")
    page.get_by_role("link", name="Skip …").click()
    page.get_by_label("Why?").fill("no news")
    page.keyboard.press("Enter")
    said(page, "Skipped")
    expect(page.get_by_role("link", name="Word it")).to_have_count(0)
    page.get_by_role("button", name="Send it after all").click()
    said(page, "draft again")
    page.get_by_label("At (America/New_York)").fill("15:00")
    page.get_by_role("button", name="Make it").click()
    said(page, "A new extra edition")
    assert page.url.endswith("/2026-02-18-extra-1")
    expect(page.locator("#edition")).to_contain_text("15:00 EST")


def test_without_scripts_a_morning_is_shaped_and_sent(desk: Desk, seats: Seats, relay: SmtpServer) -> None:
    at_seven(desk)
    page = sit(seats, desk, java_script_enabled=False)
    page.locator("#edit-2").click()
    page.locator("#word-2").get_by_role("textbox", name="Headline").fill("Written without scripts")
    page.locator("#word-2").get_by_role("button", name="Save words").click()
    said(page, "Worded")
    page.locator("#entry-2").get_by_role("link", name="Picture and place").click()
    page.locator("#place-2").get_by_role("combobox").select_option(label="Lead")
    page.locator("#place-2").get_by_role("button", name="Move").click()
    said(page, "to lead")
    page.get_by_role("button", name="Drop The day's story no. 3").click()
    said(page, "Dropped")
    page.locator("iframe").scroll_into_view_if_needed()
    page.get_by_label("Dark").check()
    page.get_by_role("button", name="Show").click()
    expect(page.frame_locator("iframe").locator("body")).to_contain_text("Written without scripts")
    page.get_by_role("link", name="Approve …").click()
    page.get_by_role("button", name="Approve").click()
    said(page, "Approved")
    desk.turn(at("08:59"))
    desk.turn(at("09:00"))
    first = message_from_bytes(relay.mails[0].content, policy=policy.default)
    assert first["Subject"] == "Written without scripts"
    assert "no. 3" not in text_of(relay.mails[0].content)
