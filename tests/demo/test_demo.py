"""The demo, as somebody new sees it: 25 mails at nine, a page, and nobody who pressed a button."""

from __future__ import annotations

import ast
import email
import email.policy
import json
import os
import re
import resource
import signal
import smtplib
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from newsletter import demo
from newsletter.clock import monotonic
from newsletter.demo.catchall import MAX_MAIL, CatchAll

DEMO = Path(demo.__file__).parent
TODAY = "2026-07-01T12:00:00Z"
# What only that slot can have brought into the page: from the sample paper or the demo's configuration
SLOTS = {
    "lead": "pictures/lead-lighthouse.jpg",
    "headlines": ">Harbour<",
    "video": "pictures/video-ferry.jpg",
    "more": "https://gazette.example/latest",
    "note": "212 of you",
    "sponsor": "https://pettigrew.example/splicing-week",
    "social": "https://social.example/@gazette",
}


@dataclass(frozen=True)
class Shown:
    """What a finished demo said and left."""

    folder: Path
    said: dict[str, Any]
    seconds: float


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """One demo for all: `newsletter demo --no-serve --json`, in an empty folder with an empty HOME."""
    folder = tmp_path_factory.mktemp("morning")
    began = monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "newsletter", "demo", "--no-serve", "--json", "--now", TODAY],
        cwd=folder, env={"HOME": str(folder), "PATH": os.defpath}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return Shown(folder / "demo", json.loads(done.stdout), monotonic() - began)


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_it_is_over_within_half_a_minute(shown: Shown) -> None:
    assert shown.seconds < 30


def test_everybody_was_mailed_at_nine(shown: Shown) -> None:
    said = shown.said
    assert (said["ok"], said["state"], said["edition"]) == (True, "sent", "2026-07-01")
    assert said["due_at"] == "2026-07-01T13:00:00+00:00", "nine in New York's summer"
    assert {state: n for state, n in said["deliveries"].items() if n} == {"sent": 25}
    late = datetime.fromisoformat(said["first_250"]) - datetime.fromisoformat(said["due_at"])
    assert timedelta(0) <= late < timedelta(seconds=2)


def test_each_mail_is_a_readers_own(shown: Shown) -> None:
    mails = [
        email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
        for file in sorted((shown.folder / "mails").glob("*.eml"))
    ]
    assert len({mail["To"] for mail in mails}) == len(mails) == 25
    assert len({mail["Message-ID"] for mail in mails}) == 25
    for mail in mails:
        html, text = mail.get_body(["html"]), mail.get_body(["plain"])
        assert html is not None and text is not None
        leave = set(re.findall(r"http://127\.0\.0\.1:\d+/unsubscribe/[^\"\s<>]+", html.get_content()))
        assert len(leave) == 1
        assert leave == {mail["List-Unsubscribe"].strip("<>")}
        assert leave.pop() in text.get_content()


@pytest.mark.parametrize("slot", SLOTS)
def test_every_slot_is_filled(shown: Shown, slot: str) -> None:
    page = Path(shown.said["page"]).read_text(encoding="utf-8")
    assert SLOTS[slot] in page


def test_the_page_opens_without_a_server(shown: Shown) -> None:
    page = Path(shown.said["page"])
    pictures = set(re.findall(r'<img[^>]+src="([^"]+)"', page.read_text(encoding="utf-8")))
    assert len(pictures) > 5
    assert {name for name in pictures if not (page.parent / name).is_file()} == set()


def test_what_it_leaves_is_its_owners_alone(shown: Shown) -> None:
    open_to_others = {
        str(path.relative_to(shown.folder))
        for path in (shown.folder, *shown.folder.rglob("*"))
        if path.stat().st_mode & 0o077 and "pictures" not in path.parts
    }
    assert open_to_others == set()


def test_the_scheduler_did_it(shown: Shown) -> None:
    with sqlite3.connect(shown.folder / "newsletter.db") as store:
        acts = store.execute(
            "SELECT history.who, history.act FROM history JOIN edition ON edition.id = history.what_id "
            "WHERE history.what = 'edition' AND edition.slug = '2026-07-01' ORDER BY history.id"
        ).fetchall()
    store.close()
    assert {act for _, act in acts} >= {"drafted", "closed", "frozen"}
    assert {who for who, act in acts if act in ("drafted", "closed", "frozen")} == {"scheduler"}


def test_its_code_cannot_press_the_button() -> None:
    """It knows no service that drafts or sends, and the scheduler only as one of the parts of `serve`."""
    forbidden = (
        "services.editing",
        "services.sending",
        "services.proofing",
        "delivery",
        "scheduler",
        "worker",
    )
    named = {name.removeprefix("newsletter.") for path in DEMO.glob("*.py") for name in imports(path)}
    assert {name for name in named if name.startswith(forbidden)} == set()
    assert {name for name in named if name.startswith("services.")} <= {
        "services.gathering", "services.status", "services.importing", "services.reading.web_view",
        "services.status.EditionStory", "services.staffing",
    }  # fmt: skip
    assert "serving.Parts" in named


def test_it_keeps_away_from_folders_that_are_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    done = subprocess.run(
        [sys.executable, "-m", "newsletter", "demo", "--no-serve", "--folder", tmp_path],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 3
    assert (tmp_path / "letter.txt").read_text() == "mine"


def test_it_ends_at_the_desk_until_somebody_stops_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "newsletter", "demo", "--now", TODAY]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        said = iter(process.stderr.readline, "")
        link = next(line.strip() for line in said if "/desk/sign-in/" in line)
        with httpx.Client() as client:
            token = re.search(r'name="token" value="(\w+)"', client.get(link).text)
            origin = link.partition("/desk")[0]
            assert token
            entered = client.post(link, data={"token": token[1]}, headers={"Origin": origin})
            assert (entered.status_code, entered.headers["location"]) == (303, "/desk")
            today = client.get(f"{origin}/desk").text
        assert "The Harbour Gazette" in today and "Maud Penhale" in today
        process.send_signal(signal.SIGINT)
        assert process.wait(15) == 0


# ── its mail server ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "message_id", ["<../../../../evil@x>", "</etc/evil@x>", "<a/b\\c@x>", "<..>", "<" + "a" * 400 + "@x>"]
)
def test_a_hostile_message_id_names_no_file(tmp_path: Path, message_id: str) -> None:
    with CatchAll(tmp_path / "mails") as server, smtplib.SMTP("127.0.0.1", server.port) as client:
        client.sendmail("a@x.example", ["b@x.example"], f"Message-ID: {message_id}\r\n\r\nHello\r\n")
    assert [str(p.relative_to(tmp_path)) for p in sorted(tmp_path.rglob("*"))] == ["mails", "mails/0001.eml"]


def test_a_mail_of_a_hundred_megabytes_is_refused_and_not_held_in_memory(tmp_path: Path) -> None:
    megabyte = (b"x" * 998 + b"\r\n") * 1_000
    with CatchAll(tmp_path / "mails") as server, smtplib.SMTP("127.0.0.1", server.port) as client:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # kB
        client.ehlo()
        client.docmd("MAIL", "FROM:<a@x.example>")
        client.docmd("RCPT", "TO:<b@x.example>")
        assert client.docmd("DATA")[0] == 354
        for _ in range(100):
            client.send(megabyte)
        client.send(b".\r\n")
        assert client.getreply()[0] == 552
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 20_000
    assert list((tmp_path / "mails").iterdir()) == []


def test_a_mail_that_says_it_is_too_large_is_refused_before_it_comes(tmp_path: Path) -> None:
    with CatchAll(tmp_path / "mails") as server, smtplib.SMTP("127.0.0.1", server.port) as client:
        client.ehlo()
        code, _ = client.docmd("MAIL", f"FROM:<a@x.example> SIZE={MAX_MAIL + 1}")
        assert code == 552


def test_it_listens_on_this_machine_alone(tmp_path: Path) -> None:
    with CatchAll(tmp_path / "mails") as server:
        listening = Path("/proc/net/tcp").read_text().splitlines()[1:]
        mine = [line.split()[1] for line in listening if line.split()[1].endswith(f":{server.port:04X}")]
        assert set(mine) == {f"{socket.htonl(0x7F000001):08X}:{server.port:04X}"}
