"""One client's connection to the scripted SMTP server of `tests.smtpd`, and the moods it follows."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import email
import email.policy
import re
import ssl
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from tests.smtpd import SmtpServer

MOODS = frozenset(
    {"tempfail", "permfail", "policy", "reject", "busy", "hangs", "drops", "turns", "leaves", "slow"}
)
REFUSED_AT_RCPT = {
    "permfail": b"550 5.1.1 no such mailbox",
    "policy": b"550 5.7.1 not from you",
    "busy": b"421 4.7.0 too busy",
}
_MESSAGE_ID = re.compile(rb"^Message-ID:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_PATH = re.compile(rb"(?:MAIL FROM|RCPT TO):<([^>]*)>", re.IGNORECASE)


def mood_of(address: str) -> str:
    found = re.match(r"[a-z]+", address)
    return found[0] if found and found[0] in MOODS else ""


@dataclass(frozen=True)
class Mail:
    """A mail as it came: `content` with CRLF and without the dots that were stuffed."""

    sender: str
    recipient: str
    content: bytes

    @property
    def message_id(self) -> str:
        found = _MESSAGE_ID.search(self.content)
        return found[1].decode() if found else ""

    @property
    def message(self) -> EmailMessage:
        parsed = email.message_from_bytes(self.content, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed


@dataclass
class Mood:
    """How the server treats everybody. Replies are whole lines without CRLF; empty means the usual."""

    greeting: bytes = b"220 smtpd.test ESMTP"
    mail_reply: bytes = b""
    rcpt_reply: bytes = b""
    rcpt_replies: dict[str, list[bytes]] = field(default_factory=dict)  # an address's own, one after another
    offers: tuple[bytes, ...] = (b"SIZE 20000000", b"8BITMIME", b"SMTPUTF8")
    pipelining: bool = True
    data_anyway: bool = False  # 354 to DATA even when there is nobody to send to
    starttls: Literal["none", "good", "busy", "stuffed", "half-stuffed"] = "none"
    implicit_tls: bool = False
    certificate: ssl.SSLContext | None = None
    user: str = ""
    password: str = ""
    mechanisms: bytes = b"PLAIN LOGIN"
    delay: tuple[float, float] = (0, 0)  # milliseconds before the 250 of an accepted mail
    slow: float = 0.2  # seconds
    tempfails: int = 1
    messages_per_connection: int = 0  # 421 at MAIL afterwards; 0 is no limit


class Connection(asyncio.Protocol):
    """One client. Everything that came is answered in order; nothing is read while a pause runs."""

    def __init__(self, server: SmtpServer) -> None:
        self.server = server
        self.mood = server.mood
        self.buffer = bytearray()
        self.expects: Callable[[bytes], None] = self.command
        self.sender = self.recipient = ""
        self.has_sender = self.has_recipient = False
        self.in_content = False
        self.is_waiting = False
        self.is_secure = self.mood.implicit_tls
        self.taken = 0
        self.tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if not hasattr(self, "lines"):
            self.lines = self.server.enter(self)
            self.say(self.mood.greeting)

    def connection_lost(self, exc: Exception | None) -> None:
        self.server.leave(self)
        for task in self.tasks:
            task.cancel()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        self.go_on()

    def go_on(self) -> None:
        while not self.is_waiting and self.buffer:
            if self.in_content:
                if not self.content():
                    return
                continue
            end = self.buffer.find(b"\r\n")
            if end < 0:
                return
            line = bytes(self.buffer[:end])
            del self.buffer[: end + 2]
            self.lines.append(line.decode("utf-8", "replace"))
            self.expects(line)

    def say(self, line: bytes) -> None:
        self.transport.write(line + b"\r\n")

    def hang_up(self) -> None:
        """Close, and heed nothing that was written behind."""
        self.is_waiting = True
        self.transport.close()

    def abort(self) -> None:
        self.transport.abort()

    def later(self, coroutine: Coroutine[Any, Any, None]) -> None:
        self.is_waiting = True
        task = asyncio.get_running_loop().create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    # ── commands ──

    def command(self, line: bytes) -> None:
        verb = line.split(b" ", 1)[0].upper()
        answer = getattr(self, f"on_{verb.decode('ascii', 'replace').lower()}", None)
        if answer is None:
            self.say(b"500 5.5.1 unknown command")
        else:
            answer(line)

    def on_ehlo(self, line: bytes) -> None:
        offers = [*self.mood.offers]
        if self.mood.pipelining:
            offers.append(b"PIPELINING")
        if self.mood.starttls != "none" and not self.is_secure:
            offers.append(b"STARTTLS")
        if self.mood.user:
            offers.append(b"AUTH " + self.mood.mechanisms)
        lines = [b"smtpd.test", *offers]
        self.transport.write(
            b"".join(b"250-%b\r\n" % line for line in lines[:-1]) + b"250 %b\r\n" % lines[-1]
        )

    def on_starttls(self, line: bytes) -> None:
        if self.mood.starttls == "busy":
            self.say(b"454 4.7.0 TLS not available")
            return
        stuffing = {"stuffed": b"250 PIPELINING\r\n", "half-stuffed": b"250 PIPE"}
        self.transport.write(b"220 go\r\n" + stuffing.get(self.mood.starttls, b""))
        self.later(self.secure())

    async def secure(self) -> None:
        assert self.mood.certificate is not None
        with contextlib.suppress(OSError):
            secured = await asyncio.get_running_loop().start_tls(
                self.transport, self, self.mood.certificate, server_side=True
            )
            if secured is not None:
                self.transport = secured
                self.is_secure, self.is_waiting = True, False
                self.go_on()

    def on_auth(self, line: bytes) -> None:
        words = line.split(b" ")
        if words[1].upper() == b"PLAIN":
            self.check(base64.b64decode(words[2]).split(b"\0")[1:])
        else:
            self.say(b"334 " + base64.b64encode(b"Username:"))
            self.expects = self.on_user

    def on_user(self, line: bytes) -> None:
        self.user = base64.b64decode(line)
        self.say(b"334 " + base64.b64encode(b"Password:"))
        self.expects = self.on_password

    def on_password(self, line: bytes) -> None:
        self.expects = self.command
        self.check([self.user, base64.b64decode(line)])

    def check(self, given: list[bytes]) -> None:
        is_right = given == [self.mood.user.encode(), self.mood.password.encode()]
        self.say(b"235 2.7.0 welcome" if is_right else b"535 5.7.8 wrong name or password")

    def on_mail(self, line: bytes) -> None:
        if self.mood.messages_per_connection and self.taken >= self.mood.messages_per_connection:
            self.say(b"421 4.7.0 enough for one connection")
            self.hang_up()
            return
        self.sender = _path(line)
        self.has_sender, self.has_recipient = not self.mood.mail_reply, False
        self.say(self.mood.mail_reply or b"250 2.1.0 ok")

    def on_rcpt(self, line: bytes) -> None:
        if not self.has_sender:
            self.say(b"503 5.5.1 MAIL first")
            return
        address = _path(line)
        mood = mood_of(address)
        self.server.tries[address] += 1
        own = self.mood.rcpt_replies.get(address, [])
        reply = own.pop(0) if own else self.mood.rcpt_reply or REFUSED_AT_RCPT.get(mood, b"")
        if mood == "tempfail" and self.server.tries[address] <= self.mood.tempfails:
            reply = b"451 4.7.1 greylisted, try again"
        self.recipient = address
        self.has_recipient = not reply
        self.say(reply or b"250 2.1.5 ok")
        if reply.startswith(b"421"):
            self.hang_up()

    def on_data(self, line: bytes) -> None:
        if not self.has_recipient and not self.mood.data_anyway:
            self.say(b"554 5.5.1 no valid recipients")
            return
        self.say(b"354 go ahead")
        self.in_content = True
        if mood_of(self.recipient) == "turns":
            self.hang_up()

    def on_rset(self, line: bytes) -> None:
        self.has_sender = self.has_recipient = False
        self.say(b"250 2.0.0 ok")

    def on_quit(self, line: bytes) -> None:
        self.say(b"221 2.0.0 bye")
        self.hang_up()

    # ── content ──

    def content(self) -> bool:
        """Take what is there; True once the final dot has come."""
        end = 0 if self.buffer.startswith(b".\r\n") else self.buffer.find(b"\r\n.\r\n") + 2
        if end == 1:
            return False
        content = bytes(self.buffer[:end])
        del self.buffer[: end + 3]
        self.in_content = False
        if content.startswith(b".") or b"\r\n." in content:
            content = (b"\r\n" + content).replace(b"\r\n.", b"\r\n")[2:]
        if self.has_recipient:
            self.taken += 1
            self.take(Mail(self.sender, self.recipient, content))
        else:
            self.say(b"554 5.5.1 nobody to send that to")
        self.has_sender = self.has_recipient = False
        return True

    def take(self, mail: Mail) -> None:
        mood = mood_of(mail.recipient)
        if mood == "hangs":
            self.is_waiting = True
        elif mood == "drops":
            self.is_waiting = True
            self.transport.abort()
        elif mood == "leaves":
            self.say(b"421 4.3.2 going down")
            self.hang_up()
        elif mood == "reject":
            self.say(b"554 5.7.1 not with this content")
        else:
            self.server.accept(mail)
            low, high = self.mood.delay
            pause = self.mood.slow if mood == "slow" else self.server.random.uniform(low, high) / 1000
            if pause:
                self.later(self.accepted_after(pause))
            else:
                self.say(b"250 2.0.0 taken")

    async def accepted_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self.say(b"250 2.0.0 taken")
        self.is_waiting = False
        self.go_on()


def _path(line: bytes) -> str:
    found = _PATH.match(line)
    return found[1].decode("utf-8", "replace") if found else ""
