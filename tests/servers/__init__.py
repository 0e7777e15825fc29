"""Mail servers that others wrote, as Debian ships them: `make tools` unpacks Postfix, Exim and OpenSMTPD.

Each runs in a root folder of its own, with its own users, in private mount and process namespaces: nothing
is installed, two test processes run one each, and with the test process all of it is gone.

    with Postfix(folder) as server: ... server.ports["starttls"], server.mails()
"""

from __future__ import annotations

import email
import email.policy
import os
import socket
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from newsletter.config import Relay
from newsletter.demo.catchall import free_port
from tests.mail.certificates import Authority
from tests.newsroom import until

ROOTS = Path(__file__).parent / "roots"
USER, PASSWORD = "post", "sesam"
USERS = ("root", "nobody", "postfix", "postdrop", "Debian-exim", "opensmtpd", "opensmtpq", "mailbox")
ADDED = {"return-path", "delivered-to", "x-original-to", "envelope-to", "delivery-date", "received"}
APART = ("setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child")
# Its shell stays the namespace's first process: servers change their user, and would outlive us
INSIDE = """
mount --bind "$1/etc" "$2/etc"
mount --bind "$1/var" "$2/var"
mount --bind /dev "$2/dev"
mount -t tmpfs tmpfs "$2/tmp"
root="$2"
shift 2
chroot "$root" "$@" &
wait
"""


@dataclass(frozen=True)
class Stored:
    """A mail as the server keeps it, and what of it the server added on top."""

    recipient: str
    sender: str
    content: bytes


class Server:
    """A server's life, from `with` to its end. `ports` are where it listens, by what it is like there."""

    name: str
    package = ""  # whose root it lives in, where that is not named like itself
    moods: tuple[str, ...]
    command: tuple[str, ...]

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._root = ROOTS / (self.package or self.name.lower())
        self.ports = {mood: free_port() for mood in self.moods}
        self.box = folder / "var/mail/box"

    def __enter__(self) -> Server:
        if os.geteuid() != 0 or not (self._root / ".complete").exists():
            pytest.fail(f"{self.name} is not there: make tools, as root on Debian")
        for part in ("etc", "var/run", "var/log"):
            (self._folder / part).mkdir(parents=True)
        self.folder("var/mail", "mailbox")
        self.write(
            "etc/passwd", "".join(f"{name}:x:{uid_of(name)}:{uid_of(name)}::/:/bin/sh\n" for name in USERS)
        )
        self.write("etc/group", "".join(f"{name}:x:{uid_of(name)}:\n" for name in USERS))
        self.write("etc/hosts", "127.0.0.1 localhost\n")
        authority = Authority(self._folder)
        self.ca_file = str(authority.ca_file)
        self.certificate = authority.certificate("127.0.0.1").read_text()
        self.configure()
        self._log = (self._folder / "var/log/out").open("wb")
        self._process = subprocess.Popen(
            [*APART, "sh", "-euc", INSIDE, "sh", str(self._folder), str(self._root), *self.command],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )
        try:
            until(self._is_listening, 20)
        except BaseException:
            self.__exit__()
            pytest.fail(f"{self.name} does not start:\n{self.log()}")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._log.close()

    def configure(self) -> None:
        """Write everything below `etc` and `var` that the server wants to find."""
        raise NotImplementedError

    def relay(self, mood: str, **more: object) -> Relay:
        """What our side is told of it."""
        known = {"name": self.name.lower(), "host": "127.0.0.1", "port": self.ports[mood], "tls": "none"}
        return Relay.model_validate(known | more)

    def empty(self) -> None:
        """Throw away what an earlier test has left."""
        for file in self.box.glob("new/*"):
            file.unlink()

    def mails(self, count: int) -> list[Stored]:
        """The mails in its maildir, once there are so many, and no more than that; the box is empty then."""
        until(lambda: len(list(self.box.glob("new/*"))) >= count, 20)
        files = list(self.box.glob("new/*"))
        assert len(files) == count, self.log()
        kept = [stored(file.read_bytes()) for file in files]
        for file in files:
            file.unlink()
        return kept

    def log(self) -> str:
        """What it said, wherever it said it."""
        return "".join(file.read_text("utf-8", "replace") for file in (self._folder / "var/log").iterdir())

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        file = self._folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def folder(self, path: str, owner: str, group: str = "", mode: int = 0o755) -> None:
        folder = self._folder / path
        folder.mkdir(parents=True, exist_ok=True)
        os.chown(folder, uid_of(owner), uid_of(group or owner))
        folder.chmod(mode)

    def _is_listening(self) -> bool:
        assert self._process.poll() is None, "it has ended"
        return all(map(greets, self.ports.values()))


def uid_of(name: str) -> int:
    """The number of a user, and of the group of that name."""
    return 0 if name == "root" else 100 + USERS.index(name)


def greets(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as connection:
        return connection.recv(1024).startswith(b"220")
    return False


def stored(raw: bytes) -> Stored:
    """A mail of a maildir, as it came over the wire: with CRLF, and without what the server put on top.

    The server's lines are those before our own first one.
    """
    lines = raw.split(b"\n")
    ours = next(n for n, line in enumerate(lines) if not is_added(line))
    top = email.message_from_bytes(b"\n".join([*lines[:ours], b"", b""]), policy=email.policy.default)
    recipient = top["Envelope-To"] or top["X-Original-To"] or top["Delivered-To"]
    return Stored(str(recipient), str(top["Return-Path"]).strip("<>"), b"\r\n".join(lines[ours:]))


def is_added(line: bytes) -> bool:
    return line[:1] in (b" ", b"\t") or line.partition(b":")[0].decode("latin-1").lower() in ADDED
