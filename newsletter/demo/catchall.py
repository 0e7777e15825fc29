"""A mail server on loopback that takes everything and keeps it as files."""

from __future__ import annotations

import os
import socket
from itertools import count
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller

MAX_MAIL = 1_000_000  # bytes


class CatchAll:
    """Writes each mail to `folder`, named by a number of ours; `port` is where it listens."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = count(1)
        self.port = free_port()
        self._controller = Controller(
            self, hostname="127.0.0.1", port=self.port, data_size_limit=MAX_MAIL, server_hostname="localhost"
        )

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 (aiosmtpd's name)
        number = next(self._numbers)
        file = os.open(self.folder / f"{number:04}.eml", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "wb") as opened:
            opened.write(envelope.original_content)
        return f"250 2.0.0 kept as {number:04}.eml"

    def __enter__(self) -> CatchAll:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()


def free_port() -> int:
    """A port of loopback that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
