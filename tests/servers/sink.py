"""smtp-sink, from Postfix's package: a server that breaks off, or says no, at the step that it is told."""

from __future__ import annotations

from pathlib import Path

from tests.servers import Server


class Sink(Server):
    """`switches` as smtp-sink(1) has them, such as `-q DATA`."""

    name = "smtp-sink"
    package = "postfix"
    moods = ("plain",)

    def __init__(self, folder: Path, *switches: str) -> None:
        super().__init__(folder)
        self.command = (
            "/usr/sbin/smtp-sink", "-u", "mailbox", *switches, f"127.0.0.1:{self.ports['plain']}", "64",
        )  # fmt: skip

    def configure(self) -> None:
        pass
