"""No address, name, token or password in a log, an error or a page that is not its owner's
(security group V)."""

from __future__ import annotations

import http.client
import logging
import os
import re
import stat
import subprocess
import traceback
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from newsletter.errors import Misuse, StoreFailed
from newsletter.logs import Lines
from newsletter.models import Table
from newsletter.store.database import Database
from newsletter.web.server import WebServer
from tests.newsroom import COMMAND, NINE, Newsroom, at, ended
from tests.people import make_newsletter, make_reader
from tests.security.conftest import PROOF
from tests.smtpd import SmtpServer
from tests.web.conftest import Paper

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PASSWORD = "hunter2"
ROSALIND = ("rosalind@readers.example", "Rosalind")
_TOKEN = re.compile(r"/(?:unsubscribe|preferences)/([\w-]+)|[?&]preview=([\w-]+)")


def send_to_rosalind(room: Newsroom) -> None:
    (room.folder / "r.csv").write_text(f"address,name\n{','.join(ROSALIND)}\nbob@readers.example,Bob\n")
    room.import_stories()
    taken = room.run(
        "subscribers", "import", str(room.folder / "r.csv"), "--newsletter", "town", now=at("04:00")
    )
    assert taken.code == 0 and room.run("tick", now=NINE).code == 0


def tokens(server: SmtpServer) -> set[str]:
    """Every token that went out in a mail."""
    texts = [part.get_content() for mail in server.mails for part in mail.message.iter_parts()]
    texts += [mail.message["List-Unsubscribe"] for mail in server.mails]
    return {one or other for content in texts for one, other in _TOKEN.findall(content)}


# ── logs and errors ─────────────────────────────────────────────────────────────────────────────


def test_a_whole_morning_leaves_no_reader_in_the_log(
    room: Newsroom, server: SmtpServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.DEBUG, logger="newsletter")
    send_to_rosalind(room)
    assert room.run("send", "town", "--edition", "2026-02-19", "--test", PROOF, now=at("09:30")).code in (
        0,
        3,
    )
    secrets = tokens(server)
    with room.opened() as runtime:
        web = WebServer(runtime)
        web.start()
        for token in sorted(secrets):
            for method, path in (
                ("GET", f"/unsubscribe/{token}"), ("HEAD", f"/preferences/{token}"), ("GET", f"/{token}"),
                ("POST", f"/unsubscribe/{token}"), ("POST", f"/preferences/{token}"), ("PUT", f"/n/{token}"),
                ("GET", f"/n/town/2026-02-18?preview={token}"), ("GET", f"/n/town?page={token}"),
            ):  # fmt: skip
                assert ask(web.url, method, path, ROSALIND[0]) < 500
        with runtime.database.writing() as session:
            session.execute(text("UPDATE rendition SET body = ''"))
        assert ask(web.url, "GET", "/n/town/2026-02-18", ROSALIND[0]) == 500
        web.stop()
    assert len(secrets) >= 4
    for form in ("console", "json"):
        lines = list(map(Lines(form).format, caplog.records))
        log = "\n".join(lines)
        assert len(log.splitlines()) == len(lines), "one event, one line"
        for known in (
            "/unsubscribe/{token}",
            "edition_frozen",
            "subscriber_leave",
            "JSONDecodeError",
        ):
            assert known in log, "nothing was logged"
        assert not [secret for secret in (*secrets, *ROSALIND, "bob@", PROOF) if secret in log]


def ask(url: str, method: str, path: str, form: str) -> int:
    """Not by httpx, which would log the address itself."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=5)
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request(method, path, body=f"address={form}" if method == "POST" else None, headers=kind)
    with connection.getresponse() as answer:
        answer.read()
        status = answer.status
    connection.close()
    return status


def test_a_row_that_is_there_already_is_not_quoted(database: Database) -> None:
    with database.writing() as session:
        make_reader(session, make_newsletter(session), ROSALIND[0], name=ROSALIND[1])
    with pytest.raises(IntegrityError) as caught, database.writing() as session:
        make_reader(session, 1, ROSALIND[0], name=ROSALIND[1])
    told = "".join(traceback.format_exception(caught.value))
    assert "subscriber" in told and not any(secret in told for secret in ROSALIND)


def test_a_crash_of_a_command_names_nobody(room: Newsroom) -> None:
    """A constraint that the program does not know makes it crash with a reader at hand."""
    with room.opened() as runtime, runtime.database.writing() as session:
        session.execute(text("CREATE UNIQUE INDEX one_of_a_name ON subscriber (name)"))
    words = ("subscribers", "add", "--newsletter", "town", "--name", ROSALIND[1], "--json")
    assert room.call(*words, ROSALIND[0]).code == 0
    crashed = room.call(*words, "other@readers.example")
    assert crashed.code == 1 and "Traceback" in crashed.err and "IntegrityError" in crashed.err
    told = crashed.out + crashed.err
    assert not any(secret in told for secret in (*ROSALIND, "other@readers.example")), told


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://me:{PASSWORD}@127.0.0.1:1/news", f"postgresql://me:{PASSWORD}@nowhere.invalid/news",
        f"postgresql://me:{PASSWORD}@127.0.0.1:port/news", f"postgresql://me:x/{PASSWORD}@127.0.0.1/news",
        f"postgresql://me:{PASSWORD}:y@[::1/news", f"mysql://me:{PASSWORD}@127.0.0.1/news",
        f"me:{PASSWORD}@127.0.0.1",
    ],
)  # fmt: skip
def test_a_store_that_is_dead_or_misspelt_keeps_its_password(url: str) -> None:
    with pytest.raises((StoreFailed, Misuse)) as caught:
        database = Database(url)
        with database.reading() as session:
            session.execute(text("SELECT 1"))
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert PASSWORD not in told


@on_sqlite
def test_no_page_gives_back_what_it_was_sent(site: httpx.Client, paper: Paper) -> None:
    marker = "zqx93-marker"
    for path in (f"/{marker}", f"/n/{marker}", f"/n/post/{marker}", f"/n/post?page={marker}",
                 f"/n/post/2026-02-17?preview={marker}", f"/unsubscribe/{marker}", f"/preferences/{marker}",
                 f"/static/{marker}/public.css", f"/readyz?{marker}"):  # fmt: skip
        for method in ("GET", "POST", "PUT"):
            for kind in (
                "application/json",
                "application/x-www-form-urlencoded",
                "multipart/form-data; boundary=b",
            ):
                answer = site.request(
                    method, path, content=f"{marker}={marker}", headers={"Content-Type": kind, "X-M": marker}
                )
                assert answer.status_code < 500 and marker not in answer.text + str(answer.headers)


# ── pages ───────────────────────────────────────────────────────────────────────────────────────


def test_no_token_stands_in_a_page_or_in_the_store(room: Newsroom, server: SmtpServer) -> None:
    send_to_rosalind(room)
    secrets = tokens(server)
    assert len(secrets) == 4
    with room.opened() as runtime:
        web = WebServer(runtime)
        web.start()
        pages = [
            httpx.get(web.url + path).text for path in ("/", "/n/town", "/n/town/2026-02-18", "/n/town/x")
        ]
        pages += [httpx.get(f"{web.url}/preferences/{token}").text for token in secrets]
        web.stop()
        with runtime.database.reading() as session:
            rows = [repr(session.execute(select(table)).all()) for table in Table.metadata.sorted_tables]
    assert "no. 0" in pages[2] and ROSALIND[0] in "".join(rows), "the search would not have found it"
    assert not [token for token in secrets if token in "".join(pages + rows)]
    assert not [secret for secret in (*ROSALIND, "bob@") if secret in "".join(pages)]


def test_a_guessed_address_of_what_is_not_out_is_the_404_of_nothing(
    room: Newsroom, server: SmtpServer
) -> None:
    room.import_stories()
    room.import_readers(2)
    with room.opened() as runtime:
        web = WebServer(runtime)
        web.start()

        def seen(path: str) -> tuple[int, bytes, list[str]]:
            answer = httpx.get(web.url + path)
            kept = sorted(f"{name}: {value}" for name, value in answer.headers.items() if name != "date")
            return answer.status_code, answer.content, kept

        nothing = seen("/n/town/2031-01-01")
        assert nothing[0] == 404 and "cache-control: no-store" in nothing[2]
        for moment, state in (("08:00", "draft"), ("08:35", "draft"), ("08:59", "frozen"), ("13:00", "held")):
            room.run("tick", now=at(moment))
            assert room.edition(now=at(moment))["state"] == state
            assert seen("/n/town/2026-02-18") == seen("/n/town/2026-02-19") == nothing
            assert b"2026-02-1" not in seen("/n/town")[1]
        web.stop()
    assert not server.mails


# ── files ───────────────────────────────────────────────────────────────────────────────────────


def test_whatever_the_umask_only_the_owner_reads(tmp_path: Path) -> None:
    home = tmp_path / "home"
    previous = os.umask(0)
    try:
        made = ended(subprocess.Popen([*COMMAND, "init", str(home)], stdout=-1, stderr=-1, text=True))
        assert made.code == 0, made.err
    finally:
        os.umask(previous)
    modes = {str(file.relative_to(tmp_path)): stat.S_IMODE(file.stat().st_mode) for file in home.rglob("*")}
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert {
        "home/config.toml",
        "home/secret.key",
        "home/suppression.key",
        "home/newsletter.db",
    } <= modes.keys()
    assert set(modes.values()) == {0o600}
