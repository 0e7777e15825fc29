"""Ten seconds to nine in Ellersea: a store, the paper's stories, its readers, and the usual parts.

Nothing here drafts, freezes or sends. The clock is set to ten seconds before the paper's minute,
the scheduler and the delivery are started as `serve` starts them, and the demo looks on.
"""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from starlette.staticfiles import StaticFiles

from newsletter.clock import Clock, machine_now
from newsletter.config import load_settings
from newsletter.demo.catchall import CatchAll, free_port
from newsletter.errors import Incomplete, Refused
from newsletter.mail.links import AddressKey, Keys
from newsletter.models import EditionState, Role
from newsletter.render.sample import PICTURES, rows
from newsletter.runtime import Runtime, open_runtime
from newsletter.services import gathering, importing, staffing, status
from newsletter.services.reading import web_view
from newsletter.services.status import EditionStory
from newsletter.serving import Parts
from newsletter.store.schema import upgrade
from newsletter.web.app import create_app
from newsletter.web.server import WebServer

READERS = Path(__file__).parent / "readers.csv"
SLUG = "gazette"
EDITOR = "maud@gazette.example"
ZONE = ZoneInfo("America/New_York")
MARK = "demo.json"
HEAD_START = timedelta(seconds=10)
PATIENCE = 60.0  # seconds
ENDED = (EditionState.SENT, EditionState.HELD, EditionState.PAUSED, EditionState.SKIPPED)

CONFIG = """\
# Written by `newsletter demo`: the Harbour Gazette of Ellersea, a town that is not on any map.
themes = "themes"

[database]
url = "sqlite:///newsletter.db"

[web]
public_url = "http://127.0.0.1:{web_port}"
bind = "127.0.0.1:{web_port}"

[[relays]]
name = "catch-all"
host = "127.0.0.1"
port = {smtp_port}
tls = "none"
connections = 4

# The paper and its stories are made up: their links lead nowhere
[preflight]
links = false

[[newsletters]]
slug = "gazette"
name = "The Harbour Gazette"
description = "Ellersea before breakfast: the town's news, its tides and its gossip, in five minutes."
from_name = "The Harbour Gazette"
from_address = "morning@gazette.example"
reply_to = "letters@gazette.example"
language = "en"
postal_address = "The Harbour Gazette, 3 Customs House Quay, Ellersea"
send_at = "09:00"
timezone = "America/New_York"
intro = "The tide turns at noon, and this is what the town talks about until then."
more_url = "https://gazette.example/latest"
home_url = "https://gazette.example/"
social = [
    {{ name = "Mastodon", url = "https://social.example/@gazette" }},
    {{ name = "Bluesky", url = "https://sky.example/gazette" }},
    {{ name = "YouTube", url = "https://video.example/gazette" }},
]
proof = ["desk@gazette.example"]

[newsletters.selection]
sections = ["Town", "Harbour", "Schools", "Sport", "Culture"]
per_section = 4
"""


@dataclass(frozen=True, slots=True)
class Morning:
    """What came of it, and where to look."""

    folder: Path
    mails: Path
    page: Path
    story: EditionStory
    url: str
    login_link: str


def run_morning(
    folder: Path,
    stop: threading.Event,
    today: datetime,
    *,
    linger: bool,
    on_sent: Callable[[Morning], None],
) -> None:
    """Prepare, let the clock strike nine on the date of `today`, tell `on_sent`, and with `linger` stay.

    Raises Refused when `folder` holds something that is not an earlier demo, KeyboardInterrupt when
    `stop` is set before the edition is out.
    """
    _make_room(folder)
    with CatchAll(folder / "mails") as server:
        runtime = _prepare(folder, server.port, nine(today))
        parts = Parts(runtime, stop, _web(runtime), scheduler=True, delivery=True, letters=True)
        with parts:
            story = _watch(runtime, stop)
            page = _keep_page(runtime, folder, story)
            link = staffing.login_link(runtime, EDITOR, machine_now(), who="demo").url
            on_sent(Morning(folder, server.folder, page, story, _url(runtime), link))
            if linger:
                parts.stay()


def nine(today: datetime) -> datetime:
    """The paper's minute on the date that `today` is in its own zone."""
    return today.astimezone(ZONE).replace(hour=9, minute=0, second=0, microsecond=0).astimezone(UTC)


def stories(due_at: datetime, pictures: str) -> Iterator[dict[str, object]]:
    """The sample stories as rows for `articles import`, as old at `due_at` as the paper says."""
    for row in rows():
        del row["rank"]
        picture = row.pop("picture")
        age = timedelta(hours=row.pop("hours_before"))
        row["picture_url"] = f"{pictures}/{picture}" if picture else ""
        row["published_at"] = (due_at - age).isoformat()
        yield row


def _make_room(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        if not (folder / MARK).exists():
            raise Refused(
                f"{folder} holds something that is not an earlier demo.",
                next_step="newsletter demo --folder SOMEWHERE-ELSE",
            )
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / MARK).write_text(json.dumps({"made_by": "newsletter demo"}) + "\n")


def _prepare(folder: Path, smtp_port: int, due_at: datetime) -> Runtime:
    config = folder / "config.toml"
    config.write_text(CONFIG.format(web_port=free_port(), smtp_port=smtp_port), encoding="utf-8")
    Keys.create(folder / "secret.key")
    AddressKey.create(folder / "suppression.key")
    runtime = open_runtime(load_settings(config, {}, folder), Clock(due_at - HEAD_START))
    upgrade(runtime.database)
    paper = folder / "articles.jsonl"
    lines = (json.dumps(row) + "\n" for row in stories(due_at, f"{_url(runtime)}/pictures"))
    paper.write_text("".join(lines), encoding="utf-8")
    gathering.import_articles(runtime, paper, runtime.clock.now())
    importing.import_csv(runtime, READERS, SLUG, runtime.clock.now())
    staffing.add(runtime, EDITOR, machine_now(), name="Maud Penhale", role=Role.ADMIN, who="demo")
    return runtime


def _web(runtime: Runtime) -> WebServer:
    app = create_app(runtime)
    app.mount("/pictures", StaticFiles(directory=PICTURES))
    return WebServer(runtime, app=app)


def _watch(runtime: Runtime, stop: threading.Event) -> EditionStory:
    """Wait until the edition has ended; the scheduler and the delivery do the rest by themselves."""
    slug = runtime.clock.now().astimezone(ZONE).date().isoformat()
    for _ in range(int(PATIENCE * 10)):
        if runtime.clock.wait(0.1, stop):
            raise KeyboardInterrupt
        found = status.recent_editions(runtime, runtime.newsletter(SLUG), 3)
        if any(line.slug == slug and line.state in ENDED for line in found):
            return status.edition_story(runtime, f"{SLUG}/{slug}", runtime.clock.now())
    raise Incomplete("The edition was not out a minute after nine.", next_step="newsletter status")


def _keep_page(runtime: Runtime, folder: Path, story: EditionStory) -> Path:
    """The edition as a page that opens without a server: its pictures lie beside it."""
    html = web_view(runtime, SLUG, story.line.slug, "", runtime.clock.now())
    if html is None:
        raise Incomplete("The edition has no page.", next_step="newsletter status")
    shutil.copytree(PICTURES, folder / "pictures")
    page = folder / "edition.html"
    page.write_text(html.replace(f"{_url(runtime)}/pictures/", "pictures/"), encoding="utf-8")
    return page


def _url(runtime: Runtime) -> str:
    return runtime.public_url
