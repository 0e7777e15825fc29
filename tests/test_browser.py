"""The fixture that looks over a page's shoulder: it sees what it should, and leaves no loop behind."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from playwright.sync_api import Page

PAGE = "<!DOCTYPE html><html lang='en'><link rel='icon' href='data:,'><title>x</title>"
POLICY = "default-src 'self' data: 'unsafe-inline'"
FAULTS = {
    "an error thrown": "<script>undefined_name()</script>",
    "an error told": "<script>console.error('broken')</script>",
    "a warning": "<script>console.warn('careful')</script>",
    "what the policy forbids": "<img src='https://evil.example/a.png' alt=''>",
    "a missing file": "<script src='/gone.js'></script>",
    "a server's fault": "<script>fetch('/fault')</script>",
    "a connection refused": "<script>fetch('/hang-up').catch(() => 0)</script>",
}


class Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/hang-up":
            self.close_connection = True
            return
        name = self.path.removeprefix("/").replace("%20", " ").replace("%27", "'")
        self.send_response({"/gone.js": 404, "/fault": 500}.get(self.path, 200))
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self.wfile.write((PAGE + FAULTS.get(name, "")).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_seen(url: str, page: Page, complaints: list[str], fault: str) -> None:
    page.goto(f"{url}/{fault}", wait_until="networkidle")
    assert complaints
    complaints.clear()


def test_a_sound_page_has_none(url: str, page: Page) -> None:
    page.goto(f"{url}/sound", wait_until="networkidle")


def test_after_it_a_test_has_a_loop_of_its_own() -> None:
    asyncio.run(asyncio.sleep(0))
