"""From the box under somebody's article to the first edition, and from the preferences to the goodbye.

In a real browser, against a `serve` of its own and a real mail server.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest
from playwright.sync_api import Page

from newsletter.demo.catchall import free_port
from tests.browser import OpenTab
from tests.newsroom import Newsroom, at, until
from tests.smtpd import Mail, SmtpServer
from tests.stories.test_serve import answers, serving

RITA = "rita@readers.example"
DAY_BEFORE = "2026-02-17T15:00:00+00:00"


@dataclass
class House:
    """A newsroom that serves, the mails that left it, and its address."""

    room: Newsroom
    server: SmtpServer
    url: str

    def link(self, page: str, *, among: int = 1) -> str:
        """The link to a page of ours in the newest mail of at least so many."""
        until(lambda: len(self.server.mails) >= among)
        return link_in(self.server.mails[-1], f"{self.url}/{page}/")

    def state(self, address: str = RITA) -> str:
        shown = self.room.run("subscribers", "show", address, "--json")
        return str(shown.json["subscriber"]["standings"][0]["state"]) if shown.code == 0 else "nobody"


def link_in(mail: Mail, beginning: str) -> str:
    text = mail.message.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    found = re.search(re.escape(beginning) + r"[\w-]+", text)
    assert found, text
    return found[0]


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:
    with SmtpServer() as server:
        port = free_port()
        room = Newsroom(tmp_path, database_url, server.port, web_port=port)
        room.import_stories()
        url = f"http://127.0.0.1:{port}"
        with serving(room, "06:00"), httpx.Client(base_url=url) as web:
            until(lambda: answers(web, "/readyz"))
            yield House(room, server, url)


@contextmanager
def elsewhere(html: str) -> Iterator[str]:
    """Somebody's own page with our box in it, on an origin of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = f"<!doctype html><title>A story</title><h1>A story</h1>{html}".encode()
            self.send_response(200 if self.path == "/" else 204)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(body if self.path == "/" else b"")

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def embedded(house: House, kind: str) -> str:
    printed = house.room.call("embed", "town", "--kind", kind)
    assert printed.code == 0, printed.err
    return printed.out


def fill_in(place: Page, kind: str) -> None:
    box = place.frame_locator("iframe") if kind == "frame" else place
    if kind == "frame":
        place.wait_for_timeout(2_100)  # a form that is filled in at once is no person's
    box.get_by_label("Your mail address").fill(RITA)
    box.get_by_role("button", name="Subscribe").click()
    box.get_by_text("Look into your mailbox").first.wait_for()


@pytest.mark.parametrize(
    ("database_url", "kind", "scripts", "same_browser"),
    [
        ("sqlite", "form", True, True),
        ("postgresql", "form", False, False),
        ("sqlite", "module", True, False),
        ("postgresql", "frame", True, False),
    ],
    indirect=["database_url"],
)
def test_from_a_box_on_a_foreign_page_to_the_next_edition(
    house: House, open_tab: OpenTab, kind: str, scripts: bool, same_browser: bool
) -> None:
    with elsewhere(embedded(house, kind)) as address:
        tab = open_tab(java_script_enabled=scripts)
        tab.goto(address)
        fill_in(tab, kind)
        assert tab.url.startswith(house.url if kind == "form" else address)
        link = house.link("confirm")
        scan(link)
        assert house.state() == "nobody", "a scanner confirms nothing"
        mailbox = tab if same_browser else open_tab(java_script_enabled=scripts)
        mailbox.goto(link)
        if not same_browser:
            assert house.state() == "nobody"
            mailbox.get_by_role("button", name="Yes, subscribe me").click()
        mailbox.get_by_role("heading", name="Welcome").wait_for()
        assert "Wednesday" in mailbox.inner_text("main") or "Thursday" in mailbox.inner_text("main")
    assert house.state() == "active"
    until(lambda: len(house.server.mails) >= 2)
    assert house.server.mails[-1].recipient == RITA and len(house.server.mails) == 2, "one welcome"


def scan(link: str) -> None:
    """What link scanners do: GET and HEAD of the link, twice, and as a prefetch."""
    for method in ("GET", "HEAD", "GET", "HEAD"):
        for headers in ({}, {"Sec-Purpose": "prefetch"}):
            httpx.request(method, link, headers=headers)


def test_the_next_edition_reaches_who_confirmed(tmp_path: Path, database_url: str) -> None:
    with SmtpServer() as server:
        port = free_port()
        room = Newsroom(tmp_path, database_url, server.port, web_port=port)
        room.import_stories()
        url = f"http://127.0.0.1:{port}"
        with serving(room, "08:00") as serve, httpx.Client(base_url=url, follow_redirects=True) as web:
            until(lambda: answers(web, "/readyz"))
            form = re.search(r'name="form" value="([^"]+)"', room.call("embed", "town").out)
            assert form
            for address in (RITA, "never@readers.example"):
                web.post("/", data={"address": address, "form": form[1], "get-town": "yes"})
            until(lambda: len(server.mails) == 2)
            confirm = {mail.recipient: link_in(mail, f"{url}/confirm/") for mail in server.mails}
            assert "Welcome" in web.post(confirm[RITA]).text
            until(lambda: len(server.mails) == 3)
            serve.terminate()  # and not killed, with the third letter not settled yet
            serve.communicate(timeout=30)
            assert serve.returncode == 0
        server.mails.clear()
        assert room.run("tick", now=at("09:00")).code == 0
        (mail,) = server.mails
        assert mail.recipient == RITA


# ── preferences, pause, goodbye ─────────────────────────────────────────────────────────────────


@pytest.fixture
def reader(house: House) -> str:
    """Rita, a reader of long ago; gives her preferences' link."""
    house.room.import_readers([RITA])
    with house.room.opened() as runtime:
        return runtime.links.preferences(1)


def test_choose_pause_and_come_back_by_hand_without_scripts(
    house: House, reader: str, open_tab: OpenTab
) -> None:
    tab = open_tab(java_script_enabled=False, viewport={"width": 390, "height": 800})
    tab.goto(reader)
    tab.get_by_text("How often, and a pause").click()
    tab.get_by_label("How often").select_option("weekdays")
    tab.get_by_label("Nothing until this day").fill("2026-02-23")
    tab.get_by_role("button", name="Save").click()
    tab.get_by_text("Paused until Monday").wait_for()
    place = house.room.run("subscribers", "show", RITA, "--json").json["subscriber"]["standings"][0]
    assert (place["cadence"], place["paused_until"][:10]) == ("weekdays", "2026-02-23")
    tab.get_by_role("button", name="Leave", exact=False).first.click()
    tab.get_by_text("You left").wait_for()
    tab.get_by_role("button", name="Get town again", exact=False).or_(
        tab.get_by_text("Get it again")
    ).first.click()
    tab.get_by_text("You get this").wait_for()


def test_a_fresh_link_changes_the_address_and_another_forgets(
    house: House, reader: str, open_tab: OpenTab
) -> None:
    tab = open_tab()
    tab.goto(reader)
    assert tab.get_by_role("button", name="Forget me").count() == 0, "mails get forwarded"
    tab.get_by_role("button", name="Mail me a fresh link").click()
    tab.goto(house.link("preferences"))
    tab.get_by_label("Another address").fill("rita@elsewhere.example")
    tab.get_by_role("button", name="Change my address").click()
    tab.get_by_text("Look into your mailbox").first.wait_for()
    tab.goto(house.link("confirm", among=2))
    tab.get_by_role("button", name="Yes, mail me here").click()
    tab.get_by_role("heading", name="Your address is changed").wait_for()
    until(lambda: len(house.server.mails) == 3)
    assert [mail.recipient for mail in house.server.mails] == [RITA, "rita@elsewhere.example", RITA]
    # Whoever has lost every mail asks by address
    tab.goto(f"{house.url}/preferences")
    tab.get_by_label("Your mail address").fill("rita@elsewhere.example")
    tab.get_by_role("button", name="Mail me my link").click()
    tab.goto(house.link("preferences", among=4))
    tab.get_by_label("Yes, erase what you know of me").check()
    tab.get_by_role("button", name="Forget me").click()
    tab.get_by_role("heading", name="You are forgotten").wait_for()
    assert house.state("rita@elsewhere.example") == "nobody"
