"""Postfix's own measuring tools, `smtp-source` and `smtp-sink`: the bar, and a server nobody here wrote.

They come from Debian's package, fetched by its name and unpacked into a folder; nothing is installed.
`fetched(folder)` gives the folder with the two programs, where they are not there yet.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from bench.meter import Cost, Stopwatch

SINK_BACKLOG = 512
PATIENCE = 5.0  # seconds for the sink to listen


def fetched(folder: Path) -> Path:
    """The unpacked package in `folder`, fetched with apt where it is missing."""
    tools = folder / "unpacked"
    if not (tools / "usr/sbin/smtp-source").exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", "--quiet", "postfix"], cwd=folder, check=True)
        [package] = folder.glob("postfix_*.deb")
        subprocess.run(["dpkg-deb", "-x", package, tools], check=True)
    return tools


class PostfixSink:
    """smtp-sink, from `with` to its end; `taken` then tells its CPU seconds. It does not count mails."""

    def __init__(self, tools: Path) -> None:
        self._tools = tools
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]

    def __enter__(self) -> PostfixSink:
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        words = [*user, "-m", str(SINK_BACKLOG), f"127.0.0.1:{self.port}", str(SINK_BACKLOG)]
        self._process = _start(self._tools, "smtp-sink", *words)
        _until_listening(self.port)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        self.taken: dict[str, Any] = {"cpu": _reap(self._process)}


def smtp_source(tools: Path, port: int, connections: int, mails: int, message: Path) -> Cost:
    """Send the same message so often over so many connections, as fast as smtp-source can."""
    watch = Stopwatch()
    words = ["-d", "-s", str(connections), "-m", str(mails), "-f", "bounces@town.example"]
    process = _start(
        tools, "smtp-source", *words, "-t", "reader@town.example", "-F", str(message), f"127.0.0.1:{port}"
    )
    cpu = _reap(process)
    assert process.returncode == 0, "smtp-source failed"
    whole = watch.read()
    return Cost(whole.wall, cpu, whole.busy)


def write_message(path: Path, mail: bytes) -> None:
    """As smtp-source reads it: bare LF, and dots not stuffed."""
    path.write_bytes(mail.replace(b"\r\n", b"\n"))


def _start(tools: Path, program: str, *words: str) -> subprocess.Popen[bytes]:
    environment = os.environ | {"LD_LIBRARY_PATH": str(tools / "usr/lib/postfix"), "MAIL_CONFIG": str(tools)}
    (tools / "main.cf").touch()
    return subprocess.Popen([tools / "usr/sbin" / program, *words], env=environment)


def _reap(process: subprocess.Popen[bytes]) -> float:
    """Wait for its end; its CPU seconds."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime


def _until_listening(port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return
    raise TimeoutError("smtp-sink does not listen")
