"""Takes the pictures of the desk for the pages of `docs/`: `python -m tests.web.desk.pictures`.

They show the demo's paper and a morning on which not everything went well, by day and by night, on a
desk and on a phone.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from newsletter.clock import machine_now
from newsletter.config import load_settings
from newsletter.demo.catchall import free_port
from newsletter.models import Role
from newsletter.runtime import open_runtime
from newsletter.services import staffing
from newsletter.store.database import Database
from newsletter.store.schema import upgrade
from newsletter.web.server import WebServer
from tests.newsroom import Newsroom, at
from tests.smtpd import SmtpServer
from tests.web.desk.conftest import PEOPLE, Desk, HandTurned, Seats, delivering
from tests.web.desk.scene import HARBOUR, SPARE, set_scene, set_tomorrow

PICTURES = Path(__file__).parents[3] / "docs" / "pictures" / "desk"
SENDING = "/desk/editions/town/2026-02-18/sending"
EDITION = "/desk/editions/town/2026-02-19"
MAX_BYTES = 200_000
YESTERDAY = (
    ("Town", "Ferry stays in port as the storm goes on"),
    ("World", "Delegations arrive in Geneva for a long day"),
    ("Town", "Market hall: council votes tonight"),
    ("World", "Grain prices fall for the third week"),
    ("Culture", "A cinema shows its last film on film"),
)


def open_desk(folder: Path, relay: SmtpServer, closing: ExitStack) -> Desk:
    url = f"sqlite:///{folder}/newsletter.db"
    database = Database(url)
    upgrade(database)
    database.close()
    room = Newsroom(folder, url, relay.port, web_port=free_port(), relays=SPARE, feeds=HARBOUR)
    rows = (
        {"url": f"https://town.example/day/{number}", "title": title, "section": section,
         "published_at": at("04:00").isoformat()}
        for number, (section, title) in enumerate(YESTERDAY)
    )  # fmt: skip
    room.import_articles(rows, at("04:00"))
    runtime = open_runtime(load_settings(room.config, {}, room.folder), HandTurned(at("07:00")))
    closing.callback(runtime.database.close)
    for address, role in {**PEOPLE, "maud@town.example": Role.ADMIN}.items():
        name = address.partition("@")[0].capitalize()
        staffing.add(runtime, address, machine_now(), name=name, role=role, who="ops")
    server = WebServer(runtime)
    server.start()
    closing.callback(server.stop)
    return Desk(room, runtime, relay, runtime.public_url)


def take(browser: Browser, desk: Desk, inside: Mapping[str, str]) -> None:
    """Of these pages, by the names of their pictures. ValueError for one that is too large for a page."""
    for width in (1280, 390):
        for scheme in ("light", "dark"):
            seats = Seats(browser)
            here = {"color_scheme": scheme, "timezone_id": "America/New_York"}
            outside = seats.sit(desk, viewport={"width": width, "height": 700}, **here)
            paths = {"sign-in": "/desk/sign-in", **inside}
            page = seats.sit(desk, "ana@town.example", viewport={"width": width, "height": 900}, **here)
            for name, path in paths.items():
                tab = outside if name == "sign-in" else page
                tab.goto(desk.url + path)
                tab.wait_for_timeout(1_500)
                file = PICTURES / f"{name}-{width}-{scheme}.png"
                # The edition goes on below: what is seen first is what it is about
                tab.screenshot(path=file, full_page=name != "edition")
                if file.stat().st_size > MAX_BYTES:
                    raise ValueError(f"{file.name} has {file.stat().st_size:,} bytes")
            for context in seats.contexts:
                context.close()


def main() -> None:
    PICTURES.mkdir(exist_ok=True, parents=True)
    with ExitStack() as closing:
        folder = Path(closing.enter_context(tempfile.TemporaryDirectory()))
        relay = closing.enter_context(SmtpServer())
        desk = open_desk(folder, relay, closing)
        set_scene(desk)
        playwright = closing.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        with delivering(desk):
            take(browser, desk, {"today": "/desk", "sending": SENDING})
        set_tomorrow(desk)
        take(
            browser,
            desk,
            {
                "edition": EDITION,
                "approve": EDITION + "/decide/approve",
                "entry": EDITION + "/entry?article=7",
            },
        )
        browser.close()


if __name__ == "__main__":
    main()
