"""The defaults that nobody has to ask for: limits, keys, encryption, and the unit in the docs.

Headers and policies of pages are told in `tests/web/test_border.py`, keys that are refused in
`tests/mail/test_links.py`, modes of files in `test_nothing_leaks.py`.
"""

from __future__ import annotations

import re
import shutil
import socket
import stat
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from newsletter.cli import run
from newsletter.config import Gathering, Relay
from newsletter.config.files import LONGEST as LONGEST_PASSWORD
from newsletter.errors import StoreFailed
from newsletter.feeds import clean, fetch, files
from newsletter.mail import links, replies
from newsletter.mail.links import Keys, Purpose
from newsletter.runtime import Runtime
from newsletter.services import proofing, sheets
from newsletter.store.database import Database
from newsletter.web import server
from newsletter.web.app import create_app
from newsletter.web.border import Limits
from newsletter.web.requests import FIELDS
from newsletter.web.rights import DeclaredRoute
from tests.cli.commands import COMMANDS

ROOT = Path(__file__).parents[2]
ASK_FOR_TLS = bytes.fromhex("00000008 04d2162f")  # PostgreSQL's SSLRequest


def test_the_limits() -> None:
    limits, gathering = Limits(), Gathering()
    assert (limits.url, limits.head, limits.body, limits.seconds) == (2_048, 16_384, 65_536, 10.0)
    assert (FIELDS, server.CONNECTIONS, server.HEADER_BYTES) == (20, 200, 16_384)
    assert (gathering.max_bytes, gathering.timeout, gathering.max_items) == (5_000_000, 20.0, 2_000)
    assert fetch.MOST_REDIRECTS == 5 and clean.TITLE <= 500 and clean.SUMMARY <= 5_000
    assert (replies.LONGEST_LINE, replies.MOST_LINES, replies.KEPT_TEXT) == (2_048, 64, 8_192)
    assert sheets.LONGEST_CELL == files.LONGEST_CELL == 32 * 1_024
    assert sheets.LONGEST_ROW == files.LONGEST_ROW == 256 * 1_024
    assert (proofing.TESTS_AN_HOUR, links.PREVIEW_LIFE.days, LONGEST_PASSWORD) == (20, 7, 4_096)
    assert Relay(name="x", host="smtp.news.example").tls == "implicit"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_framework_publishes_nothing_and_head_stands_beside_get(runtime: Runtime) -> None:
    app = create_app(runtime)
    assert (app.docs_url, app.redoc_url, app.openapi_url) == (None, None, None)
    assert not app.router.redirect_slashes
    for route in app.routes:
        assert isinstance(route, DeclaredRoute)
        assert ("GET" in route.methods) == ("HEAD" in route.methods), route.path


def test_a_new_newsroom_has_keys_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = []
    for name in ("one", "two"):
        assert run(["init", str(tmp_path / name)]) == 0
        for file in ("secret.key", "suppression.key"):
            kept.append((tmp_path / name / file).read_text())
            assert stat.S_IMODE((tmp_path / name / file).stat().st_mode) == 0o600
    told = capsys.readouterr()
    assert len(set(kept)) == 4
    for key in kept:
        assert re.fullmatch(r"[0-9a-f]{64}\n", key) and key.strip() not in told.out + told.err
    assert {"leave", "prefs", "preview", "form", "verp"} <= set(Purpose)
    signed = Keys.load(tmp_path / "one/secret.key")
    assert len({signed.token(purpose, b"x")[:20] for purpose in Purpose}) == len(Purpose)


def test_no_command_takes_a_secret_as_an_argument() -> None:
    names = {parameter.name for command in COMMANDS.values() for parameter in command.params}
    assert "newsletter" in names
    assert not [name for name in names if re.search("pass|secret|key|token|database|dsn", name or "")]


@contextmanager
def something_that_listens() -> Iterator[tuple[int, list[bytes]]]:
    """No database, and without encryption; it notes what a client says first, and after its no."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(5)
                heard.append(connection.recv(8))
                if heard[0] == ASK_FOR_TLS:
                    connection.sendall(b"N")
                heard.append(connection.recv(1_000))

        thread = threading.Thread(target=answer)
        thread.start()
        yield listener.getsockname()[1], heard
        thread.join()


@pytest.mark.parametrize(
    ("host", "options", "speaks"),
    [
        ("127.1", "", False),  # this machine, but not written so: any other host is treated alike
        ("127.1", "?sslmode=disable", True),
        ("127.0.0.1", "", True),
        ("localhost", "?hostaddr=127.0.0.1", True),
    ],
)
def test_over_a_network_the_store_must_prove_its_name(host: str, options: str, speaks: bool) -> None:
    with something_that_listens() as (port, heard):
        database = Database(f"postgresql://rosalind:hunter2@{host}:{port}/news{options}")
        with pytest.raises(StoreFailed) as refused, database.reading() as session:
            session.execute(text("SELECT 1"))
        database.close()
    assert (b"rosalind" in b"".join(heard)) == speaks
    assert speaks or "SSL" in refused.value.sentence
    assert b"hunter2" not in b"".join(heard)


# ── the unit in the docs ────────────────────────────────────────────────────────────────────────

PAGE = (ROOT / "docs/security.md").read_text(encoding="utf-8")
UNIT = PAGE.partition("```ini\n")[2].partition("```")[0]
HARDENED = (
    "NoNewPrivileges=yes", "ProtectSystem=strict", "ProtectHome=yes", "PrivateTmp=yes", "PrivateDevices=yes",
    "ProtectKernelTunables=yes", "ProtectKernelModules=yes", "ProtectKernelLogs=yes",
    "ProtectControlGroups=yes",
    "ProtectClock=yes", "ProtectHostname=yes", "ProtectProc=invisible", "RestrictNamespaces=yes",
    "RestrictRealtime=yes", "RestrictSUIDSGID=yes", "LockPersonality=yes", "MemoryDenyWriteExecute=yes",
    "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX", "SystemCallFilter=@system-service",
    "SystemCallArchitectures=native", "CapabilityBoundingSet=", "UMask=0077", "StateDirectory=newsletter",
    "LimitCORE=0", "MemoryMax=2G", "TasksMax=256", "LoadCredential=relay:/etc/newsletter/relay.password",
    "IPAddressDeny=169.254.0.0/16 fe80::/10 fd00:ec2::254",
)  # fmt: skip


@pytest.mark.parametrize("line", HARDENED)
def test_the_unit_has_its_line(line: str) -> None:
    assert line in UNIT.splitlines()


def test_the_unit_leaves_what_the_delivery_lease_needs_and_little_else(tmp_path: Path) -> None:
    assert "ProcSubset" not in UNIT
    unit = tmp_path / "newsletter.service"
    unit.write_text(UNIT)
    if analyze := shutil.which("systemd-analyze"):  # elsewhere the lines above must be enough
        command = [analyze, "security", "--offline=true", "--threshold=25", str(unit)]
        told = subprocess.run(command, capture_output=True, text=True, check=False)
        assert told.returncode == 0, told.stdout + told.stderr


def test_the_page_names_tests_that_exist() -> None:
    named = set(re.findall(r"tests/[\w/.]+", PAGE))
    assert len(named) > 15
    assert [path for path in named if not (ROOT / path).exists()] == []
    ours = {f"tests/security/{file.name}" for file in Path(__file__).parent.glob("test_*.py")}
    assert ours - named == {"tests/security/test_defaults.py"}, "a promise without its line"
