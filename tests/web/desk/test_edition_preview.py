"""The mail in its frame: as readers get it, with links that change nothing, and scripts that never run."""

from __future__ import annotations

import quopri
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from playwright.sync_api import expect

from newsletter.models import LinkVerdict
from newsletter.store import editions, looks, renditions
from newsletter.store.newsletters import newsletter_ids
from newsletter.values import Body, Look
from tests.newsroom import at, reader
from tests.web.conftest import HOSTILE, Paper, rendition
from tests.web.desk.conftest import ANA, BOB, Desk, Seats
from tests.web.desk.test_edition import EDITION, NAME, at_seven, sit

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

NASTY = (
    "<script>document.title='ran'</script>", "<img src=x onerror=\"document.title='ran'\">",
    "{{ 7*7 }}{% include '/etc/passwd' %}${7*7}", "'\"><svg onload=document.title='ran'>", "</textarea><b>b",
)  # fmt: skip


def test_a_preview_as_a_subscriber_changes_nothing_and_dark_is_dark(desk: Desk, seats: Seats) -> None:
    at_seven(desk)
    page = sit(seats, desk, BOB)
    body = page.frame_locator("iframe").locator("body")
    expect(body).to_contain_text("Good morning, Alex Reader")
    page.get_by_label("as", exact=True).select_option("reader")
    page.get_by_label("A subscriber's address or number").fill(reader(1))
    page.get_by_role("button", name="Show").click()
    expect(body).to_contain_text(reader(1))
    assert body.evaluate("body => origin") == "null"
    ground = "body => [...document.querySelectorAll('*')].map(one => getComputedStyle(one).backgroundColor)"
    light = body.evaluate(ground)
    before = Paper(desk.runtime, {}, 0).dump()["subscription"]
    with page.context.expect_page() as opened:
        page.frame_locator("iframe").get_by_role("link", name="Unsubscribe").first.click()
    opened.value.get_by_role("button").first.click()
    opened.value.wait_for_load_state()
    assert Paper(desk.runtime, {}, 0).dump()["subscription"] == before
    opened.value.close()

    page.get_by_label("Dark").check()
    frame = page.frame(name="mail")
    assert frame is not None
    frame.wait_for_url("**scheme=dark**")
    assert body.evaluate(ground) != light
    page.get_by_role("radio", name="Text").check()
    expect(body).to_contain_text("The day's story no. 1")
    assert not page.frame_locator("iframe").locator("a").count()
    page.get_by_label("Phone").check()
    box = page.locator("iframe").bounding_box()
    assert box and box["width"] == 390
    seats.expect("Blocked script execution")  # that is this test, looking into the frame


def test_what_a_theme_let_through_runs_nothing_in_the_frame(desk: Desk, seats: Seats) -> None:
    at_seven(desk)
    with desk.runtime.database.writing() as session:
        edition = editions.find(session, newsletter_ids(session)["town"], "2026-02-18")
        assert edition is not None
        page_of_old = f"<!doctype html><html><head><title>News</title></head><body>{HOSTILE}</body></html>"
        html = quopri.encodestring(page_of_old.encode()).replace(b"\n", b"\r\n")
        hostile = replace(rendition(""), html=Body((html,), ()), text=Body((b"News\r\n",), ()))
        edition.rendition_id = renditions.save(session, edition, hostile, desk.clock.now())
        session.add(edition)
    page = sit(seats, desk)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(desk.url + EDITION)
    expect(page.frame_locator("iframe").locator("#seen")).to_have_text("Bridge opens")
    assert page.frame_locator("iframe").locator("body").evaluate("body => origin") == "null"
    assert page.title() != "ran" and page.frame_locator("iframe").locator("title").inner_text() != "ran"
    assert not [url for url in asked if "evil.example" in url]
    ours = ("pictures.example", "Content Security Policy", "Blocked script", "ERR_NAME", "ERR_INTERNET")
    seats.complaints = [one for one in seats.complaints if not any(word in one for word in ours)]


def test_whatever_somebody_writes_stays_text_everywhere(desk: Desk, seats: Seats) -> None:
    at_seven(desk)
    client = desk.client(BOB)
    for number, nasty in enumerate(NASTY, 1):
        assert client.post(f"{EDITION}/reword", article=str(number), headline=nasty,
                           summary=nasty).status_code == 303  # fmt: skip
    client.post(f"{EDITION}/subject", subject=NASTY[0])
    client.post(
        f"{EDITION}/write", title=NASTY[1], url="https://town.example/x", summary=NASTY[3], to="note/"
    )
    client.post(f"{EDITION}/waive", code="lead-picture", why=NASTY[1])
    page = sit(seats, desk)
    for path in ("", "/history", "/out", "/compare", "/decide/approve", "/decide/send"):
        page.goto(desk.url + EDITION + path)
        page.wait_for_load_state()
        assert "ran" not in page.title()
        assert not page.locator("main b:text-is('b'), main svg[onload], main img[src=x]").count(), path
    page.goto(desk.url + EDITION)
    expect(page.locator("#slots")).to_contain_text(NASTY[0])
    expect(page.frame_locator("iframe").locator("body")).to_contain_text("{{ 7*7 }}")
    assert not page.frame_locator("iframe").locator("script, svg").count()


def test_what_no_text_holds_is_refused_at_the_door(desk: Desk) -> None:
    answer = desk.client(ANA).post(f"{EDITION}/hold", why="doubt\0ful", version="1")
    assert answer.status_code == 400


def test_nobody_else_frames_the_desk_or_its_preview(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk()
    at_seven(desk)
    client = desk.client(ANA)
    assert "frame-ancestors 'none'" in client.get(EDITION).headers["content-security-policy"]
    answer = client.get(f"{EDITION}/preview")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'")
    assert "frame-ancestors 'self'" in policy and "allow-scripts" not in policy
    assert "allow-same-origin" not in policy and "script-src" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    foreign = client.get(f"{EDITION}/preview", **{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"})
    assert foreign.status_code == 403


def test_a_reader_who_is_none_is_told_so_in_the_frame(desk: Desk, seats: Seats) -> None:
    at_seven(desk)
    page = sit(seats, desk)
    page.goto(f"{desk.url}{EDITION}/preview?to=reader&reader=nobody@readers.example")
    expect(page.locator("body")).to_contain_text("There is no subscriber")


def test_a_link_of_every_mail_that_fails_is_told_with_its_mend(open_desk: Callable[..., Desk]) -> None:
    """It belongs to no entry that could be opened, and two of a kind stand apart."""
    urls = {"more_url": "https://town.example/latest", "home_url": "https://town.example/"}
    desk = open_desk(newsletter="\n".join(f'{key} = "{url}"' for key, url in urls.items()))
    at_seven(desk)
    with desk.runtime.database.writing() as session:
        seen = (Look(url, at("07:00"), LinkVerdict.FAILING, trouble="It hangs.") for url in urls.values())
        looks.record(session, seen)
    page = desk.client(ANA).get(EDITION).text
    assert all(f"The link of {key} fails: It hangs." in page for key in urls)
    assert page.count(f"<code>newsletter editions check {NAME} --links</code>") == 2
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
