"""Alerts are no lever: a webhook leads nowhere else and holds up nobody, a program is told data and
nothing of ours (security rows 58 and 62)."""

from __future__ import annotations

import json
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import sqlalchemy as sa

from newsletter.clock import monotonic
from newsletter.config import load_settings
from newsletter.errors import Misuse
from newsletter.services import channels
from tests.newsroom import Newsroom, at
from tests.services.hooks import Program, Webhook, alerts, share_secret, with_status
from tests.smtpd import SmtpServer

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
LEVERS = [
    "$(touch pwned)",
    "; touch pwned; #",
    "`touch pwned`",
    "| touch pwned",
    "-oX/tmp/pwned",
    "\n touch pwned",
]


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with Webhook() as hook:
        yield hook


def told(room: Newsroom) -> list[str]:
    with room.opened() as runtime, runtime.database.reading() as session:
        rows = session.execute(sa.text("SELECT act, why FROM history WHERE who = 'telling'")).all()
    return [f"{act} {why}" for act, why in rows]


# ── the webhook ─────────────────────────────────────────────────────────────────────────────────


def led_astray(inside: str) -> Callable[[BaseHTTPRequestHandler], None]:
    return with_status(302, Location=inside)


def a_gigabyte(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(10**9))
    handler.end_headers()
    for _ in range(1_000):
        handler.wfile.write(b"x" * 1_000_000)


def hangs(closing: threading.Event) -> Callable[[BaseHTTPRequestHandler], None]:
    return lambda _handler: (None, closing.wait(60))[0]


def dawdles(closing: threading.Event) -> Callable[[BaseHTTPRequestHandler], None]:
    """A byte of a header now and then: each wait is short, all together have no end."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
        while not closing.wait(0.2):
            handler.wfile.write(b"x")

    return answer


@on_sqlite
@pytest.mark.parametrize("manner", ["302", "1 GB", "hangs", "dawdles"])
def test_a_webhook_that_misbehaves_is_one_line_and_the_morning_goes_on(
    room: Newsroom, server: SmtpServer, hook: Webhook, manner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "SECONDS", 1.0)  # the bound itself is ten; see below
    share_secret(room.folder)
    room.configure(feeds=alerts(webhook=hook.url))
    room.import_stories(5)
    room.import_readers(3)
    closing = threading.Event()
    with Webhook() as inside:
        hook.answer = {
            "302": led_astray(inside.url), "1 GB": a_gigabyte, "hangs": hangs(closing),
            "dawdles": dawdles(closing),
        }[manner]  # fmt: skip
        began = monotonic()
        assert room.run("tick", now=at("08:31")).code == 0
        assert monotonic() - began < 8
        assert room.run("tick", now=at("09:00")).code in (0, 4)
        closing.set()
        assert inside.heard == [], "it was led inside"
    assert len(server.mails) == 3
    ready = [line for line in told(room) if "ready" in line]
    wanted = {
        "302": "untold ready by webhook: it answered 302", "1 GB": "told ready by webhook",
        "hangs": "untold ready by webhook: It took longer than 1 seconds",
        "dawdles": "untold ready by webhook: It took longer than 1 seconds",
    }  # fmt: skip
    assert ready == [wanted[manner]]


def test_ten_seconds_are_the_most() -> None:
    assert channels.SECONDS == 10.0


@on_sqlite
def test_a_webhook_s_address_is_never_repeated(room: Newsroom, capsys: pytest.CaptureFixture[str]) -> None:
    """It may hold a token, as those of chat services do."""
    share_secret(room.folder)
    room.configure(feeds=alerts(webhook="http://127.0.0.1:9/T0K3N-in-the-path"))
    room.import_stories(5)
    room.run("tick", now=at("08:31"))
    (line,) = told(room)
    shown = line + room.run("status", now=at("08:31")).said + "".join(capsys.readouterr())
    with room.opened() as runtime:
        shown += repr(runtime.settings)
    assert "127.0.0.1 does not answer on port 9" in line
    assert "T0K3N" not in shown and "shared" not in shown


@pytest.mark.parametrize(
    "url", ["ftp://x.example/", "file:///etc/passwd", "gopher://127.0.0.1/", "//x.example"]
)
def test_a_webhook_is_a_web_address_from_the_configuration(tmp_path: Path, url: str) -> None:
    (tmp_path / "config.toml").write_text(f'[alerts]\nwebhook = "{url}"\nsecret = "shared"\n')
    (tmp_path / "config.toml").chmod(0o600)
    with pytest.raises(Misuse, match="no web address"):
        load_settings(None, {}, tmp_path)


def test_a_webhook_without_a_secret_or_with_an_open_one_is_refused(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[alerts]\nwebhook = "https://x.example/"\n')
    with pytest.raises(Misuse, match="has no secret"):
        load_settings(None, {}, tmp_path)
    config.write_text('[alerts]\nwebhook = "https://x.example/"\nsecret = "shared"\n')
    config.chmod(0o644)
    with pytest.raises(Misuse, match="others may read"):
        load_settings(None, {}, tmp_path)
    config.write_text('[alerts]\nwebhook = "https://x.example/"\nsecret_file = "s"\n')
    (tmp_path / "s").write_text("shared")
    (tmp_path / "s").chmod(0o640)
    with pytest.raises(Misuse, match="others may read"):
        load_settings(None, {}, tmp_path)
    (tmp_path / "s").chmod(stat.S_IRUSR)
    assert load_settings(None, {}, tmp_path).settings.alerts.secret.get_secret_value() == "shared"


# ── the program ─────────────────────────────────────────────────────────────────────────────────


@on_sqlite
def test_what_a_program_is_told_is_data_and_its_environment_is_empty_of_us(
    room: Newsroom, server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEWSLETTER_ALERTS__SECRET", "hunter2")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    program = Program(room.folder)
    room.configure(feeds=alerts(command=[str(program.file), "--fixed", "$(touch pwned)"]))
    rows = [
        {
            "url": f"https://town.example/{n}",
            "title": f"Story {n} {lever}",
            "published_at": at("04:00").isoformat(),
        }
        for n, lever in enumerate(LEVERS)
    ]
    (room.folder / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert room.run("articles", "import", str(room.folder / "a.jsonl"), now=at("04:00")).code == 0
    room.run("tick", now=at("08:31"))
    (run,) = program.runs
    assert run["argv"] == ["--fixed", "$(touch pwned)"], "its own words, and no shell reads them"
    assert "$(touch pwned)" in " ".join(run["told"]["headlines"])
    assert set(run["environ"]) <= {"PATH", "LANG", "LC_CTYPE"}
    assert not list(room.folder.glob("**/pwned")) and not Path("pwned").exists()


@on_sqlite
@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("import sys; sys.exit(3)", "it ended with 3"),
        ("import time; time.sleep(60)", "it took longer than 1 seconds and was ended"),
        ("import os, time; os.fork(); time.sleep(60)", "it took longer than 1 seconds and was ended"),
        ("print('x' * 10**7)", ""),
    ],
)
def test_a_program_that_misbehaves_holds_up_nobody(
    room: Newsroom, server: SmtpServer, monkeypatch: pytest.MonkeyPatch, script: str, why: str
) -> None:
    monkeypatch.setattr(channels, "SECONDS", 1.0)
    room.configure(feeds=alerts(command=[sys.executable, "-c", script]))
    room.import_stories(5)
    began = monotonic()
    room.run("tick", now=at("08:31"))
    assert monotonic() - began < 8
    assert told(room) == [f"untold ready by command: {why}" if why else "told ready by command"]


@on_sqlite
def test_a_program_that_is_not_there_is_one_line(room: Newsroom, server: SmtpServer) -> None:
    room.configure(feeds=alerts(command=["/nowhere/pager"]))
    room.import_stories(5)
    codes = [room.run("tick", now=at(clock)).code for clock in ("08:31", "08:33", "08:40")]
    assert codes == [0, 0, 4], "at the third try in vain somebody is to mend it"
    assert told(room) == ["untold ready by command: it cannot be run: No such file or directory"]
