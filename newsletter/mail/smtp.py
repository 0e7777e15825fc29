"""Opening a session with a relay: connect, greet, secure, sign in.

Encryption is not negotiable: a relay that should offer STARTTLS and does not, shows a wrong or stale
certificate, or speaks before the handshake gets no password and no mail. `opportunistic` allows a
relay that offers no encryption at all; where it does offer it, it must be right.
"""

from __future__ import annotations

import asyncio
import base64
import re
import ssl

from newsletter.config import Relay, is_loopback
from newsletter.errors import RelayFailed
from newsletter.mail.replies import Reply
from newsletter.mail.session import Session, Timeouts, outcome_of
from newsletter.mail.wire import Wire, WireFailed, command
from newsletter.values import Fate, Outcome, Phase

__all__ = ["NotOpened", "Session", "Timeouts", "open_session"]

_HELO = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[A-Fa-f0-9.:]+\]|\[IPv6:[A-Fa-f0-9.:]+\]")


class NotOpened(RelayFailed):
    """No session came about; `outcome` says at which step, and what the relay said."""

    def __init__(self, sentence: str, outcome: Outcome) -> None:
        mend = f"mend it or the [[relays]] part, then newsletter relays probe {outcome.relay}"
        super().__init__(sentence, next_step=mend)
        self.outcome = outcome


async def open_session(relay: Relay, *, timeouts: Timeouts | None = None) -> Session:
    """Connect, greet, secure, sign in. Raises NotOpened; nothing is left open then."""
    return await _Opening(relay, timeouts or Timeouts()).session()


class _Refusal(RelayFailed):
    """The relay answered a step of the opening with something else than yes."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.text)
        self.reply = reply


class _Opening:
    """The way from a relay's name to a session, keeping in mind which step it is at."""

    def __init__(self, relay: Relay, timeouts: Timeouts) -> None:
        self._relay = relay
        self._timeouts = timeouts
        self._phase = Phase.CONNECT
        self._offers: dict[str, str] = {}
        self._wire: Wire

    async def session(self) -> Session:
        try:
            await self._connect()
        except (OSError, UnicodeError, RelayFailed) as error:
            raise self._not_opened(error) from error
        try:
            await self._greet()
            await self._secure()
            await self._sign_in()
        except RelayFailed as error:
            await self._wire.end()
            raise self._not_opened(error) from error
        except BaseException:
            await self._wire.end()
            raise
        return Session(self._wire, self._relay.name, self._offers, self._timeouts)

    async def _connect(self) -> None:
        relay = self._relay
        if relay.tls == "none" and not is_loopback(relay.host):
            raise WireFailed("unencrypted mail is for loopback only; set tls to implicit or starttls")
        context = self._context() if relay.tls == "implicit" else None
        try:
            async with asyncio.timeout(self._timeouts.connect):
                _, self._wire = await asyncio.get_running_loop().create_connection(
                    Wire, relay.host, relay.port, ssl=context, server_hostname=relay.host if context else None
                )
        except TimeoutError:
            raise WireFailed(f"no answer within {self._timeouts.connect:g} seconds") from None
        except ConnectionRefusedError:
            raise WireFailed("connection refused, nobody listens there") from None

    async def _greet(self) -> None:
        self._phase = Phase.GREETING
        _must(await self._wire.read(self._timeouts.greeting), 220)
        await self._say_hello()

    async def _say_hello(self) -> None:
        self._phase = Phase.EHLO
        reply = _must(await self._ask(f"EHLO {self._helo()}"), 250)
        words = (line.partition(" ") for line in reply.lines[1:])
        self._offers = {keyword.upper(): parameters for keyword, _, parameters in words}

    def _helo(self) -> str:
        if self._relay.helo:
            if _HELO.fullmatch(self._relay.helo):
                return self._relay.helo
            raise WireFailed(f"helo = {self._relay.helo[:60]!r} is no host name; correct it")
        local = self._wire.transport.get_extra_info("sockname")[0]
        return f"[IPv6:{local}]" if ":" in local else f"[{local}]"  # RFC 5321 §4.1.3

    async def _secure(self) -> None:
        if self._relay.tls not in ("starttls", "opportunistic"):
            return
        self._phase = Phase.STARTTLS
        if "STARTTLS" not in self._offers:
            if self._relay.tls == "starttls":
                raise WireFailed("it does not offer STARTTLS, and tls = starttls demands it")
            return
        _must(await self._ask("STARTTLS"), 220)
        await self._wire.start_tls(self._context(), self._relay.host, self._timeouts.command)
        await self._say_hello()  # what was offered before TLS counts no more

    async def _sign_in(self) -> None:
        relay = self._relay
        if not relay.user:
            return
        self._phase = Phase.AUTH
        if not (self._is_secure() or is_loopback(relay.host)):
            raise WireFailed("the connection is not encrypted, and passwords never go over such")
        user, password = relay.user.encode(), relay.password.get_secret_value().encode()
        mechanisms = self._offers.get("AUTH", "").upper().split()
        if "PLAIN" in mechanisms:  # RFC 4616 §2
            _must(await self._ask("AUTH PLAIN " + _base64(b"\0" + user + b"\0" + password)), 235)
        elif "LOGIN" in mechanisms:
            _must(await self._ask("AUTH LOGIN"), 334)
            _must(await self._ask(_base64(user)), 334)
            _must(await self._ask(_base64(password)), 235)
        else:
            raise WireFailed("it offers neither AUTH PLAIN nor AUTH LOGIN")

    def _is_secure(self) -> bool:
        return self._wire.transport.get_extra_info("ssl_object") is not None

    def _context(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self._relay.ca_file or None)
        except OSError as error:
            raise WireFailed(f"ca_file = {self._relay.ca_file!r} is of no use: {error}") from error

    async def _ask(self, line: str) -> Reply:
        self._wire.write(command(line), replies=1)
        return await self._wire.read(self._timeouts.command)

    def _not_opened(self, error: Exception) -> NotOpened:
        relay = self._relay
        if isinstance(error, _Refusal):
            outcome = outcome_of(error.reply, self._phase, relay.name)
        else:
            outcome = Outcome(Fate.LOST, self._phase, text=str(error).rstrip("."), relay=relay.name)
        where = f"The relay {relay.name} ({relay.host}:{relay.port}) gives no session"
        return NotOpened(f"{where} at {self._phase}: {outcome.reply}.", outcome)


def _must(reply: Reply, code: int) -> Reply:
    if reply.code != code:
        raise _Refusal(reply)
    return reply


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
