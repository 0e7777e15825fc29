"""A newsroom whose desk is open: Ana publishes, Bob edits, Ida keeps the house, and browsers to sit at."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from newsletter import scheduler, worker
from newsletter.clock import Clock, machine_now
from newsletter.config import load_settings
from newsletter.demo.catchall import free_port
from newsletter.models import Role
from newsletter.runtime import Runtime, open_runtime
from newsletter.services import staffing
from newsletter.web.server import WebServer
from tests.newsroom import Newsroom, at
from tests.smtpd import SmtpServer

ANA, BOB, IDA = "ana@town.example", "bob@town.example", "ida@town.example"
PEOPLE = {ANA: Role.PUBLISHER, BOB: Role.EDITOR, IDA: Role.ADMIN}
TOKEN = re.compile(r'name="token" value="([0-9a-f]+)"')
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class HandTurned(Clock):
    """A clock that a story turns, and that goes on from there."""

    def turn(self, now: datetime) -> None:
        self._shift = now - machine_now()


@dataclass
class Desk:
    """A newsroom, its web server, and the people who sign in. `url` is where it listens."""

    room: Newsroom
    runtime: Runtime
    relay: SmtpServer
    url: str
    closing: ExitStack = field(default_factory=ExitStack)

    def turn(self, now: datetime) -> None:
        """Turn the clock to a moment, and do what is due then. In a thread: the browser's driver keeps an
        event loop in ours."""
        self.clock.turn(now)
        with ThreadPoolExecutor(1) as aside:
            aside.submit(self._work, now).result()

    def _work(self, now: datetime) -> None:
        scheduler.advance(self.runtime, now)
        worker.deliver(self.runtime, threading.Event(), until_idle=True)

    @property
    def clock(self) -> HandTurned:
        assert isinstance(self.runtime.clock, HandTurned)
        return self.runtime.clock

    def link(self, address: str) -> str:
        return staffing.login_link(self.runtime, address, machine_now(), who="ops").url

    def client(self, address: str = "") -> Client:
        """A program that keeps cookies, signed in as somebody, or as nobody."""
        client = Client(self.closing.enter_context(httpx.Client(base_url=self.url, timeout=20)), self.url)
        if address:
            assert client.post(self.link(address).removeprefix(self.url)).status_code == 303
        return client


@contextmanager
def delivering(desk: Desk) -> Iterator[None]:
    """The part of `serve` that delivers, beside the desk."""
    stop = threading.Event()
    thread = threading.Thread(target=worker.deliver, args=(desk.runtime, stop), kwargs={"until_idle": False})
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@dataclass
class Client:
    """Posts as our pages do: from our own origin, with the token of the page that it saw before."""

    http: httpx.Client
    origin: str

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.http.get(path, headers=headers)

    def token(self) -> str:
        """Of any page that this client may see now."""
        answer = self.http.get("/desk/account")
        if answer.status_code == 303:
            answer = self.http.get("/desk/sign-in")
        found = TOKEN.search(answer.text)
        assert found, answer.text
        return found[1]

    def post(self, path: str, *, token: str | None = None, **fields: str) -> httpx.Response:
        data = {"token": self.token() if token is None else token} | fields
        return self.http.post(path, data=data, headers={"Origin": self.origin})


@pytest.fixture
def relay() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


@pytest.fixture
def open_desk(tmp_path: Path, database_url: str, relay: SmtpServer) -> Iterator[Callable[..., Desk]]:
    """Opens the desk of a newsroom at a moment of its day; keyword texts go into its configuration."""
    with ExitStack() as closing:

        def open_it(now: datetime | None = None, *, stories: int = 5, readers: int = 3, **texts: str) -> Desk:
            room = Newsroom(tmp_path, database_url, relay.port, web_port=free_port(), **texts)  # type: ignore[arg-type]
            if stories:
                room.import_stories(stories)
            if readers:
                room.import_readers(readers)
            runtime = open_runtime(
                load_settings(room.config, {}, room.folder), HandTurned(now or at("07:00"))
            )
            closing.callback(runtime.database.close)
            for address, role in PEOPLE.items():
                name = address.partition("@")[0].capitalize()
                staffing.add(runtime, address, machine_now(), name=name, role=role, who="ops")
            server = WebServer(runtime)
            server.start()
            closing.callback(server.stop)
            inner = closing.enter_context(ExitStack())
            return Desk(room, runtime, relay, runtime.public_url, inner)

        yield open_it


@pytest.fixture
def desk(open_desk: Callable[..., Desk]) -> Desk:
    return open_desk()


# ── browsers ────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed: make tools")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Seats:
    """Browsers of people at the desk. Whatever one complains of, a story must have expected."""

    browser: Browser
    complaints: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)

    def sit(self, desk: Desk, address: str = "", **options: object) -> Page:
        """A page of a browser of its own, signed in as somebody by a link."""
        context = self.browser.new_context(**({"viewport": {"width": 1280, "height": 900}} | options))  # type: ignore[arg-type]
        self.contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: self._hear(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        if address:
            page.goto(desk.link(address))
            page.get_by_role("button", name="Sign in").click()
            page.get_by_role("heading", name="Today", exact=True).wait_for()
        return page

    def expect(self, words: str) -> None:
        """A complaint that belongs to the story, and must have come."""
        assert [one for one in self.complaints if words in one], self.complaints
        self.complaints = [one for one in self.complaints if words not in one]

    def _hear(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(f"{kind}: {text}")


@pytest.fixture
def seats(browser: Browser) -> Iterator[Seats]:
    found = Seats(browser)
    yield found
    for context in found.contexts:
        context.close()
    assert found.complaints == []
