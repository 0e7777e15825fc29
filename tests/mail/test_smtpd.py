"""The scripted server itself: its log must know the truth, or no story about kills means anything."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from newsletter.config import Relay
from newsletter.mail.smtp import open_session
from newsletter.values import Fate, Outcome
from tests.smtpd import SmtpServer


def test_a_mail_is_in_the_log_before_its_answer(tmp_path: Path) -> None:
    """The client goes away unanswered: accepted all the same, and the log says so."""
    log = tmp_path / "accepted.jsonl"
    said = (b"EHLO x", b"MAIL FROM:<a@b.example>", b"RCPT TO:<alice@x.example>", b"DATA")
    with (
        SmtpServer(log=log, delay=(60_000, 60_000)) as server,
        socket.create_connection(("127.0.0.1", server.port)) as client,
        client.makefile("rb") as answers,
    ):
        answers.readline()
        for line in said:
            client.sendall(line + b"\r\n")
            while answers.readline()[3:4] == b"-":
                pass
        client.sendall(b"Message-ID: <1@b.example>\r\n\r\nx\r\n.\r\n")
        while not log.stat().st_size:
            pass
    [line] = log.read_text().splitlines()
    entry = json.loads(line)
    assert (entry["recipient"], entry["message_id"]) == ("alice@x.example", "<1@b.example>")


def test_as_a_program_of_its_own(tmp_path: Path) -> None:
    log, keep = tmp_path / "accepted.jsonl", tmp_path / "mails"
    keep.mkdir()
    program = subprocess.Popen(
        [sys.executable, "-m", "tests.smtpd", "--log", log, "--keep", keep, "--delay", "1", "3"],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert program.stdout is not None
        port = json.loads(program.stdout.readline())["port"]

        async def run() -> list[Outcome]:
            session = await open_session(Relay(name="house", host="127.0.0.1", port=port, tls="none"))
            outcomes = [
                await session.send("a@b.example", f"{name}@x.example", b"Subject: x\r\n\r\nx\r\n")
                for name in ("alice", "permfail", "tempfail1", "tempfail1", "bob")
            ]
            await session.close()
            return outcomes

        fates = [outcome.fate for outcome in asyncio.run(run())]
    finally:
        program.send_signal(signal.SIGTERM)
        program.communicate(timeout=10)
    assert program.returncode == 0
    assert fates == [Fate.ACCEPTED, Fate.DEAD, Fate.BUSY, Fate.ACCEPTED, Fate.ACCEPTED]
    logged = [json.loads(line)["recipient"] for line in log.read_text().splitlines()]
    assert logged == ["alice@x.example", "tempfail1@x.example", "bob@x.example"]
    assert len(list(keep.glob("*.eml"))) == 3
