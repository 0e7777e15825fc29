"""What others write stays text on every page, ours stay ours in a browser, and who guesses learns nothing."""

from __future__ import annotations

import html
import json
import quopri
import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from statistics import median
from urllib.parse import urljoin, urlsplit

import pytest
from lxml import etree
from playwright.sync_api import expect

from newsletter.clock import machine_now
from newsletter.errors import Refused
from newsletter.models import Role
from newsletter.services import signing_in, staffing
from newsletter.services.signing_in import Caller
from newsletter.web.assets import asset_url
from tests.hostile_words import SIXTY
from tests.newsroom import at
from tests.stories.test_readers import elsewhere
from tests.web.conftest import SOUND
from tests.web.desk.conftest import ANA, BOB, Client, Desk, Seats
from tests.web.desk.test_edition import EDITION, order, sit, story
from tests.web.desk.test_signing_in import set_password

# What the store itself decides is told elsewhere, on both
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

TEMPLATES = Path(__file__).parents[3] / "templates"
WRITTEN = "\n".join(file.read_text(encoding="utf-8") for file in sorted(TEMPLATES.rglob("*.*")))
# A mail is compiled, so what stands in one is read from one that is sound; the frame's own base comes to it
MAIL = etree.fromstring(quopri.decodestring(b"".join(SOUND.html.literals)).decode(), etree.HTMLParser())
ELEMENTS = [element for element in MAIL.iter() if isinstance(element.tag, str)]
TAGS = {tag.lower() for tag in re.findall(r"<([a-zA-Z][\w-]*)", WRITTEN)}
TAGS |= {element.tag for element in ELEMENTS} | {"base", "tbody"}
NAMES = {name.lower() for name in re.findall(r"[\s\"}]([a-zA-Z][\w:-]*)(?==|[\s>{])", WRITTEN)}
NAMES |= {name for element in ELEMENTS for name in element.attrib} | {"target", "bgcolor", "vertical-align"}
EVE = "eve@hostile.example"
LEADS = ("href", "src", "action", "formaction", "data", "poster", "srcset", "background", "cite")


# ── words ───────────────────────────────────────────────────────────────────────────────────────


def fill(desk: Desk) -> None:
    """Sixty of each: stories from outside, readers, what servers say, and an editor's hand."""
    desk.room.import_articles(
        (
            {"url": f"https://town.example/{n}", "title": f"{n} {words}",
             "section": "Town" if n % 12 else words, "summary": words, "byline": words,
             "picture_alt": words, "published_at": at("04:00").isoformat()}
            for n, words in enumerate(SIXTY)
        ), at("04:00"),
    )  # fmt: skip
    readers = [f"r{n}@h{n}.example" for n in range(len(SIXTY))]
    rows = [
        f'{address},"{words.replace(chr(34), chr(34) * 2)}"'
        for address, words in zip(readers, SIXTY, strict=True)
    ]
    desk.room.readers += readers
    desk.room._import("subscribers", "readers.csv", "\n".join(["address,name", *rows, ""]), at("04:00"))
    for address, words in zip(readers, SIXTY, strict=True):
        answer = f"550 5.7.1 {words}".encode("ascii", "replace")
        desk.relay.mood.rcpt_replies[address] = [answer]
    desk.turn(at("07:00"))
    staffing.add(desk.runtime, EVE, machine_now(), name=f"Eve {SIXTY[12]}", role=Role.EDITOR, who=SIXTY[13])
    eve, ana = desk.client(EVE), desk.client(ANA)
    for number, words in zip(order(desk)[:6], _bundles(6), strict=True):
        eve.post(f"{EDITION}/reword", article=str(number), headline=words, summary=words)
    eve.post(f"{EDITION}/subject", subject=SIXTY[0])
    eve.post(f"{EDITION}/drop", article=str(order(desk)[-1]))
    warned = re.search(r"waive\?code=([\w-]+)", eve.get(EDITION).text)
    assert warned
    eve.post(f"{EDITION}/waive", code=warned[1], why=SIXTY[5], version=str(story(desk).line.version))
    ana.post(f"{EDITION}/hold", why=SIXTY[10], version=str(story(desk).line.version))


def _bundles(count: int) -> list[str]:
    each = len(SIXTY) // count
    return [" ".join(SIXTY[n * each : (n + 1) * each])[:290] for n in range(count)]


def faults(page: str, origin: str) -> Iterator[str]:
    """Whatever of a page is not from our templates: elements, attributes, and where it leads."""
    for element in etree.fromstring(page, etree.HTMLParser()).iter():
        if not isinstance(element.tag, str):
            if "ran()" in (element.text or ""):
                yield f"comment {element.text}"
            continue
        source = element.get("src", "")
        if element.tag not in TAGS:
            yield f"element {element.tag}"
        is_ours = source.startswith("/static/") and not element.text
        is_data = element.get("type") == "application/ld+json" and "<" not in (element.text or "<")
        if element.tag == "script" and not (is_ours or is_data):
            yield f"script {source} {element.text}"
        for name, value in element.attrib.items():
            if name not in NAMES or name.startswith("on") or name == "srcdoc":
                yield f"attribute {name} of {element.tag}"
            leads = urlsplit(urljoin(origin, value.strip())) if name in LEADS else None
            if leads and (
                leads.scheme not in ("http", "https", "mailto") or "evil" in (leads.hostname or "")
            ):
                yield f"{name}={value}"
            if name == "style" and ("evil" in value or "ran()" in value):
                yield f"style={value}"


def crawl(client: Client, starts: list[str]) -> dict[str, str]:
    """Every page that a link, a frame or a search leads to, by its path."""
    pages: dict[str, str] = {}
    waiting = list(starts)
    while waiting:
        path = waiting.pop()
        if path in pages or "stream" in path or "/static/" in path:
            continue
        answer = client.get(path)
        assert answer.status_code in (200, 303, 404, 422), (path, answer.status_code)
        is_page = answer.headers.get("content-type", "").startswith("text/html")
        pages[path] = answer.text if is_page else ""
        if not is_page or not answer.text:
            continue
        for element in etree.fromstring(answer.text, etree.HTMLParser()).iter("a", "iframe"):
            found = urlsplit(urljoin(client.origin + path, element.get("href") or element.get("src") or ""))
            if f"{found.scheme}://{found.netloc}" == client.origin:
                waiting.append(found.path + (f"?{found.query}" if found.query else ""))
    return pages


def test_sixty_ways_to_be_code_are_text_on_every_page(open_desk: Callable[..., Desk], seats: Seats) -> None:
    desk = open_desk(stories=0, readers=0)
    fill(desk)
    ana = desk.client(ANA)
    starts = ["/desk", EDITION, f"{EDITION}/history", f"{EDITION}/compare?against=yesterday", "/", "/nothing"]
    starts += [f"{EDITION}/preview?to=reader&reader={n}" for n in range(1, len(SIXTY) + 1, 12)]
    before = crawl(ana, starts)
    page = sit(seats, desk)
    expect(page.locator("#edition")).to_contain_text(SIXTY[10])
    expect(page.frame_locator("iframe").locator("body")).to_contain_text(SIXTY[0])
    assert page.title() == "Town Today 2026-02-18 · Desk" and not page.evaluate("'ran' in window")
    mail = re.search(r'name="mail" value="(\w+)"', ana.get(f"{EDITION}/decide/approve").text)
    assert mail
    version = str(story(desk).line.version)
    assert ana.post(f"{EDITION}/approve", version=version, mail=mail[1]).status_code == 303
    for clock in ("08:35", "08:59", "09:00"):
        desk.turn(at(clock))
    sending = f"{EDITION}/sending"
    starts = ["/desk", sending, f"{sending}/missing", "/n/town", "/n/town/2026-02-18", "/sitemap.xml"]
    starts += ["/n/town/feed.xml", "/n/town/feed.json"]
    after = crawl(ana, starts)
    asked = {f"{words} at {place}": ana.http.get(place, params={"q": words}).text
             for words in SIXTY for place in (f"{EDITION}/out", "/n/town")}  # fmt: skip
    found = {
        path: wrong
        for pages in (before, after, asked)
        for path, text in pages.items()
        if text and (wrong := list(faults(text, desk.url)))
    }
    assert found == {}
    shown = html.unescape(" ".join([*before.values(), *after.values()]))
    assert [words for words in SIXTY if words not in shown] == []
    assert f"Eve {SIXTY[12]}" in html.unescape(before[f"{EDITION}/history"])
    assert "550 5.7.1 <svg onload=ran()>" in html.unescape(after[sending])
    page.goto(desk.url + sending)
    expect(page.locator("#words")).to_contain_text("550 5.7.1 <")
    assert not page.evaluate("'ran' in window")
    assert json.loads(ana.get("/n/town/feed.json").text)


# ── frames and foreign pages ────────────────────────────────────────────────────────────────────


def test_a_browser_keeps_the_desk_out_of_frames_and_foreign_scripts_out_of_it(
    desk: Desk, seats: Seats
) -> None:
    desk.turn(at("07:00"))
    page = sit(seats, desk)
    page.evaluate("() => { const one = document.createElement('script'); one.textContent = 'window.ran = 1';"
                  " document.body.append(one) }")  # fmt: skip
    page.evaluate("() => { document.body.setAttribute('style', 'display:none');"
                  " document.querySelector('h1').setAttribute('onclick', 'window.ran = 1') }")  # fmt: skip
    expect(page.locator("body")).to_be_visible()
    page.locator("h1").click()
    assert not page.evaluate("'ran' in window")
    seats.expect("Content Security Policy")

    frames = f"<iframe src='{desk.url}{EDITION}'></iframe><iframe src='{desk.url}{EDITION}/preview'></iframe>"
    with elsewhere(frames) as foreign_url:  # for cookies it is our site: it has another port
        foreign = page.context.new_page()
        refused: list[str] = []
        foreign.on("console", lambda message: refused.append(message.text))
        foreign.goto(foreign_url)
        expect(foreign.get_by_role("heading")).to_have_text("A story")
        foreign.wait_for_load_state("networkidle")
        assert not [frame.url for frame in foreign.frames[1:] if "Town" in frame.content()]
        assert len([one for one in refused if "frame-ancestors" in one]) == 2, refused
        stream = f"{desk.url}/desk/stream?page=today"
        read = "address => fetch(address, {credentials: 'include'}).then(() => 'read', () => 'kept out')"
        assert foreign.evaluate(read, stream) == "kept out"


def test_a_leave_link_in_the_preview_of_a_real_reader_lets_nobody_leave(desk: Desk) -> None:
    desk.turn(at("07:00"))
    client = desk.client(ANA)
    mail = client.get(f"{EDITION}/preview?to=reader&reader=1").text
    links = set(re.findall(r'href="([^"]*/(?:unsubscribe|preferences)/[^"]*)"', mail))
    assert links
    for link in links:
        for answer in (client.get(link), client.http.post(link, data={"List-Unsubscribe": "One-Click"})):
            assert answer.status_code in (200, 404), link
    shown = desk.room.run("subscribers", "show", "reader0@readers.example", "--json").json
    assert shown["subscriber"]["standings"][0]["state"] == "active"


def test_ten_thousand_ranges_are_one_file(desk: Desk) -> None:
    path, many = asset_url("desk.css"), {"Range": "bytes=" + ",".join(["0-1"] * 4_000)}
    client = desk.client()
    usual = client.get(path)
    waits = []
    for _ in range(5):
        answer = client.get(path, **many)
        assert answer.status_code == 200 and answer.content == usual.content
        waits.append(answer.elapsed.total_seconds())
    assert min(waits) < 0.05, waits
    longer = {"Range": "bytes=" + ",".join(["0-1"] * 10_000)}
    assert client.get(path, **longer).status_code in (200, 431)


# ── who works here ──────────────────────────────────────────────────────────────────────────────


def test_whoever_is_guessed_at_costs_the_same_work(desk: Desk) -> None:
    """By the thread's own time, which others do not disturb; `bench.desk` compares two hundred of each."""
    set_password(desk, ANA)
    costs: dict[str, list[float]] = {ANA: [], BOB: [], "eve@town.example": [], "no address": []}
    now = machine_now()
    for number in range(9):
        for address, taken in costs.items():
            caller = Caller(f"10.0.{number}.{len(address)}/32", "")
            began = time.thread_time()
            with pytest.raises(Refused, match="do not belong together"):
                signing_in.by_password(
                    desk.runtime, address, "guess", now + number * timedelta(minutes=2), caller
                )
            taken.append(time.thread_time() - began)
    middle = {address: median(taken) for address, taken in costs.items()}
    assert max(middle.values()) < 1.5 * min(middle.values()), middle
