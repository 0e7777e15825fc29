"""No guessed link, no copied store and no test mail reaches readers (security group I)."""

from __future__ import annotations

import ast
import shutil
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select, update

from newsletter.clock import machine_now
from newsletter.mail.links import Keys, Purpose
from newsletter.models import History, Lease
from newsletter.runtime import Runtime
from newsletter.store import leases
from newsletter.store.leases import Holder
from newsletter.web.rights import Rights
from tests.newsroom import NINE, Newsroom, at
from tests.security.conftest import PROOF
from tests.smtpd import SmtpServer
from tests.web.conftest import Paper
from tests.web.routes import ROUTES
from tests.web.test_reading import ODD_HEADERS

ROOT = Path(__file__).parents[2]
ONE_CLICK = {"List-Unsubscribe": "One-Click", "leave": "post", "undo": "1"}
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

# ── links ───────────────────────────────────────────────────────────────────────────────────────

OPENED_BY = {
    "/unsubscribe/{token}": Purpose.LEAVE,
    "/preferences/{token}": Purpose.PREFERENCES,
    "/confirm/{token}": Purpose.MAILED,
}


def tokens(runtime: Runtime) -> dict[Purpose, str]:
    """One of each purpose, about a subscriber and an edition that exist."""
    keys = Keys.load(runtime.home / "secret.key")
    subjects = {Purpose.LEAVE: 12, Purpose.PREFERENCES: 8, Purpose.PREVIEW: 20, Purpose.MAILED: 24}
    return {purpose: keys.token(purpose, bytes(subjects.get(purpose, 8) - 1) + b"\1") for purpose in Purpose}


@on_sqlite
def test_a_token_of_one_purpose_opens_nothing_else(site: httpx.Client, paper: Paper) -> None:
    paper.edition("2026-02-18", begun=0, sent=0)
    holders = {path for (path, _), rights in ROUTES.items() if rights is Rights.HOLDER}
    assert holders == OPENED_BY.keys(), "a new route with a token needs its purpose here"
    before = paper.dump()
    kind_pages = {path: site.get(path.replace("{token}", "unknown")).content for path in holders}
    for purpose, token in tokens(paper.runtime).items():
        for path in holders:
            if OPENED_BY[path] is not purpose:
                address = path.replace("{token}", token)
                for answer in (site.get(address), site.post(address, data=ONE_CLICK)):
                    assert answer.content == kind_pages[path], (path, purpose)
        if purpose is not Purpose.PREVIEW:
            assert site.get("/n/post/2026-02-18", params={"preview": token}).status_code == 404
    assert paper.dump() == before


@on_sqlite
def test_no_header_steers_a_page_behind_a_token(site: httpx.Client, paper: Paper) -> None:
    links = paper.runtime.links
    for url in (links.leave(paper.alice, paper.ids["post"]), links.preferences(paper.alice)):
        path = url.removeprefix("https://news.example.org")
        plain = site.get(path)
        assert plain.headers["cache-control"] == "no-store" and "set-cookie" not in plain.headers
        for name, value in ODD_HEADERS:
            odd = site.get(path, headers={name: value})
            assert (odd.content, odd.headers.keys()) == (plain.content, plain.headers.keys()), name


SECRET = {"token", "mac", "secret", "password", "digest", "signature", "sealed"}
# Not secrets: a fence token of the ledger is a counter. And hashes, for which the store looks: whoever could
# tell how much of a hash is right would not know how to make another
COUNTED = {
    "col(Batch.token) == taken.token", "DeskSession.token == token", "LoginLink.token == token",
    "col(LoginLink.token) == token", "known.password != person.password",
}  # fmt: skip


def compared(tree: ast.AST) -> list[str]:
    """Comparisons by == or != in which something secret takes part: their time tells how much is right."""
    return [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare)
        and any(isinstance(sign, ast.Eq | ast.NotEq) for sign in node.ops)
        and any(
            (getattr(part, "id", "") or getattr(part, "attr", "")).lstrip("_").lower() in SECRET
            for side in (node.left, *node.comparators)
            for part in ast.walk(side)
        )
    ]


def test_secrets_are_compared_in_constant_time() -> None:
    texts = [file.read_text(encoding="utf-8") for file in (ROOT / "newsletter").rglob("*.py")]
    assert {found for text in texts for found in compared(ast.parse(text))} == COUNTED
    assert "hmac.compare_digest" in (ROOT / "newsletter/mail/links.py").read_text(encoding="utf-8")
    assert compared(ast.parse("a == token; self._mac != b; x == key.digest(y)")) != []


# ── test mails ──────────────────────────────────────────────────────────────────────────────────


def test_a_test_mail_is_on_the_record_with_who_sent_it(room: Newsroom, server: SmtpServer) -> None:
    room.import_stories()
    room.import_readers(3)
    for stranger in ("stranger@readers.example", room.readers[0], f"{PROOF}, stranger@readers.example"):
        assert room.run("send", "town", "--test", stranger, now=at("07:00")).code in (2, 3)
    assert room.run("send", "town", "--test", PROOF, now=at("07:00")).code == 0
    assert server.recipients() == {PROOF: 1}
    with room.opened() as runtime, runtime.database.reading() as session:
        noted = session.execute(select(History.who, History.what).where(History.act == "test")).all()
    assert list(map(tuple, noted)) == [("ops", "edition")]


# ── a copy of the machine ───────────────────────────────────────────────────────────────────────


def copy_of(room: Newsroom, folder: Path, relay_port: int) -> Newsroom:
    """The same store and keys on another machine, as a snapshot of the disk has them."""
    copy = Newsroom(folder, "sqlite:///newsletter.db", relay_port)
    for file in (*room.folder.glob("newsletter.db*"), *room.folder.glob("*.key")):
        shutil.copy(file, folder)
    return copy


@pytest.fixture
def original(tmp_path: Path, sqlite_template: Path, server: SmtpServer) -> Newsroom:
    folder = tmp_path / "original"
    folder.mkdir()
    (folder / "newsletter.db").write_bytes(sqlite_template.read_bytes())
    room = Newsroom(folder, "sqlite:///newsletter.db", server.port)
    room.import_stories()
    room.import_readers(3)
    return room


@pytest.mark.parametrize("copied_at", ["08:20", "08:50", "08:59"])
def test_a_copy_started_past_the_hour_holds_and_mails_nobody(
    original: Newsroom, server: SmtpServer, tmp_path: Path, copied_at: str
) -> None:
    assert original.run("tick", now=at(copied_at)).code == 0
    copy = copy_of(original, tmp_path / "copy", server.port)
    assert original.run("tick", now=NINE).code == 0
    assert len(server.mails) == 3
    found = copy.run("tick", "--json", now=at("13:00"))
    assert (found.code, "is held" in found.json["error"]) == (4, True)
    assert copy.edition(now=at("13:00"))["state"] == "held" and copy.counts() == {}
    assert copy.run("status", now=at("13:00")).code == 4
    assert len(server.mails) == 3, "the copy mailed somebody"


def test_a_copy_waits_while_the_original_was_alive_a_moment_ago(
    original: Newsroom, server: SmtpServer, tmp_path: Path
) -> None:
    assert original.run("tick", now=at("08:59")).code == 0
    elsewhere = Holder("its serve", "another host", "17 4711")
    with original.opened() as runtime, runtime.database.writing() as session:
        assert leases.acquire(session, "delivery", elsewhere) is None
    copy = copy_of(original, tmp_path / "copy", server.port)
    copy.run("tick", now=NINE)
    assert (len(server.mails), copy.counts()) == (0, {"queued": 3})
    with copy.opened() as runtime, runtime.database.writing() as session:
        session.execute(update(Lease).values(beat_at=machine_now() - timedelta(seconds=31)))
    assert copy.run("tick", now=NINE).code == 0
    assert copy.counts() == {"sent": 3}
