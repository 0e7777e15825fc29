"""A run as it is watched and steered from the desk, told in a browser against a real mail server."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from newsletter.services import status
from newsletter.services.status import EditionStory
from newsletter.values import Sums
from tests.newsroom import at, until
from tests.smtpd import SmtpServer
from tests.web.desk.conftest import ANA, BOB, Desk, Seats, delivering

# What the store itself decides is told elsewhere, on both
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

TODAY = "town/2026-02-18"
SENDING = f"/desk/editions/{TODAY}/sending"


def story(desk: Desk) -> EditionStory:
    return status.edition_story(desk.runtime, TODAY, desk.runtime.clock.now())


def sums(desk: Desk) -> Sums:
    return story(desk).line.sums


def frozen(desk: Desk) -> None:
    """The morning as far as a minute before nine."""
    desk.turn(at("07:00"))
    desk.turn(at("08:35"))
    desk.turn(at("08:59"))
    assert story(desk).line.state == "frozen"


def open_run(seats: Seats, desk: Desk, address: str = ANA, **options: object) -> Page:
    page = seats.sit(desk, address, **options)
    page.goto(desk.url + SENDING)
    return page


def test_a_run_is_watched_paused_and_goes_on(
    open_desk: Callable[..., Desk], seats: Seats, relay: SmtpServer
) -> None:
    desk = open_desk(readers=150)
    frozen(desk)
    page = open_run(seats, desk)
    expect(page.locator("#run")).to_contain_text("0 of 150 settled")
    relay.mood.delay = (40, 60)
    desk.clock.turn(at("09:00"))
    with delivering(desk):
        expect(page.locator("#run .state").first).to_have_text("▶ Sending")
        until(lambda: relay.accepted > 20)
        page.keyboard.press("p")
        expect(page.locator("#flash")).to_contain_text("Paused")
        expect(page.get_by_role("status")).to_contain_text("Paused")
        expect(page.locator("#run .hindrance")).to_contain_text("paused by Ana")
        until(lambda: relay.accepted == sums(desk).sent)
        stood = relay.accepted
        assert 0 < stood < 150
        expect(page.locator("#run")).to_contain_text(f"{stood} of 150 settled")
        relay.mood.delay = (0, 0)
        page.get_by_role("button", name="Go on").click()
        expect(page.locator("#run .state").first).to_have_text("● Sent", timeout=20_000)
    assert relay.recipients() == dict.fromkeys(desk.room.readers, 1)
    who = {(act.who, act.act) for act in story(desk).history}
    assert {("Ana", "paused"), ("Ana", "resumed")} <= who


def test_it_ends_for_good_only_with_a_tick(open_desk: Callable[..., Desk], seats: Seats) -> None:
    desk = open_desk(readers=5)
    frozen(desk)
    page = open_run(seats, desk, java_script_enabled=False)
    page.get_by_role("link", name="Cancel it").click()
    page.get_by_role("button", name="Cancel town/2026-02-18").click()
    assert story(desk).line.state == "frozen", "the browser asks for the tick"
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Cancel town/2026-02-18").click()
    expect(page.locator("#flash")).to_contain_text("5 will not get it")
    assert story(desk).line.state == "cancelled"
    assert sums(desk) == Sums(cancelled=5)


def test_what_falls_on_many_wants_their_number(open_desk: Callable[..., Desk], seats: Seats) -> None:
    desk = open_desk(readers=120)
    frozen(desk)
    page = open_run(seats, desk)
    page.get_by_role("link", name="Cancel it").click()
    page.get_by_label("Type their number").fill("12")
    page.get_by_role("button", name="Cancel town/2026-02-18").click()
    expect(page.locator("main")).to_contain_text("It falls on 120, not on 12; nothing was changed")
    seats.expect("409")
    page.goto(desk.url + SENDING + "/sure/cancel")
    page.get_by_label("Type their number").fill("120")
    page.get_by_role("button", name="Cancel town/2026-02-18").click()
    expect(page.locator("#flash")).to_contain_text("120 will not get it")


def test_another_relay_carries_when_a_person_says_so(open_desk: Callable[..., Desk], seats: Seats) -> None:
    with SmtpServer() as spare:
        text = (
            f'[[relays]]\nname = "spare"\nhost = "127.0.0.1"\nport = {spare.port}\ntls = "none"\npriority = 2'
        )
        desk = open_desk(readers=8, relays=text)
        frozen(desk)
        page = seats.sit(desk, ANA)
        page.get_by_role("button", name="Probe main").click()
        expect(page.locator("#flash")).to_contain_text("Probed: main is well")
        page.goto(desk.url + SENDING)
        page.get_by_role("button", name="Use spare").click()
        expect(page.locator("#flash")).to_contain_text("All mail goes over spare now")
        expect(page.locator("#steer")).to_contain_text("chosen by hand")
        desk.turn(at("09:00"))
        expect(page.locator("#run .state").first).to_have_text("● Sent")
        assert spare.recipients() == dict.fromkeys(desk.room.readers, 1)
        page.goto(desk.url + "/desk")
        page.get_by_role("button", name="Let the rule choose").click()
        expect(page.locator("#flash")).to_contain_text("The rule chooses")


HOSTILE = "<script>document.title=1</script> try <b onclick=x>later</b>"


def test_servers_words_stay_words_and_exactly_the_missing_are_sent_it(
    open_desk: Callable[..., Desk], seats: Seats
) -> None:
    desk = open_desk(readers=0)
    desk.room.import_readers(["alice@readers.example", "carol@readers.example", "bob@readers.example"])
    frozen(desk)
    desk.relay.mood.rcpt_replies["carol@readers.example"] = [f"550 5.7.1 {HOSTILE}".encode()]
    desk.turn(at("09:00"))
    page = open_run(seats, desk)
    expect(page.locator("#words")).to_contain_text(HOSTILE)
    assert page.locator("#words script, #words b").count() == 0
    page.get_by_role("link", name="Who?").click()
    expect(page.locator("main")).to_contain_text("carol@readers.example")
    page.go_back()
    expect(page.locator("#run")).to_contain_text("not received it")
    assert page.title() == "Sending Town Today · Desk"
    page.get_by_role("button", name="Send to the 1 who has not received it").click()
    expect(page.locator("#flash")).to_contain_text("It goes to the 1 who have not received it")
    with delivering(desk):
        until(lambda: sums(desk).sent == 3)
        expect(page.locator("#run .state").first).to_have_text("● Sent")
    assert desk.relay.recipients() == dict.fromkeys(desk.room.readers, 1)


def test_doubt_is_listed_and_answered_by_choice_only(open_desk: Callable[..., Desk], seats: Seats) -> None:
    desk = open_desk(readers=0)
    desk.room.import_readers(["alice@readers.example", "drops1@readers.example", "drops2@readers.example"])
    frozen(desk)
    desk.turn(at("09:00"))
    page = open_run(seats, desk)
    expect(page.locator("#doubt")).to_contain_text("In doubt: 2")
    page.get_by_role("button", name="Count drops1@readers.example as sent").click()
    expect(page.locator("#flash")).to_contain_text("Counted as sent: 1")
    expect(page.locator("#doubt")).to_contain_text("In doubt: 1")
    page.get_by_role("button", name="Send to drops2@readers.example again").click()
    expect(page.locator("#flash")).to_contain_text("Sent again: 1")
    assert (sums(desk).unknown, sums(desk).queued) == (0, 1)
    editor = open_run(seats, desk, BOB)
    expect(editor.locator("#run")).to_be_visible()
    assert editor.locator("#content button").count() == 0


def test_a_silent_stream_greys_its_figures(open_desk: Callable[..., Desk], seats: Seats) -> None:
    desk = open_desk(readers=5)
    frozen(desk)
    page = seats.sit(desk, ANA)
    page.clock.install()
    page.goto(desk.url + SENDING)
    expect(page.locator("#run")).to_contain_text("0 of 5 settled")
    expect(page.locator(".not-live")).to_be_hidden()
    page.route("**/desk/stream*", lambda route: route.abort())
    page.evaluate("window.stop()")
    page.clock.fast_forward(32_000)
    expect(page.locator(".not-live")).to_be_visible()


def test_the_page_says_what_holds_it_back(open_desk: Callable[..., Desk], seats: Seats) -> None:
    desk = open_desk(readers=5)
    frozen(desk)
    desk.clock.turn(at("09:00"))
    page = open_run(seats, desk)
    expect(page.locator(".hindrance")).to_contain_text("Nobody delivers it")
    page.goto(desk.url + "/desk")
    page.get_by_role("button", name="Stop everything").click()
    expect(page.locator("#problems")).to_contain_text("Everything is stopped, by Ana")
    page.goto(desk.url + SENDING)
    expect(page.locator(".hindrance")).to_contain_text("Everything is stopped, by Ana")
    page.goto(desk.url + "/desk")
    page.locator("#problems").get_by_role("button", name="Lift the stop").click()
    expect(page.locator("#flash")).to_contain_text("Lifted")
