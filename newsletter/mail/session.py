"""One message at a time over an open connection, and the truth about each.

A message is four steps: MAIL, RCPT, DATA, content. Each outcome says at which step it was decided.
When the connection fails before the final dot is written nothing has happened (LOST); when it fails
after, only the relay knows (DOUBT). A session that was surprised in any way is not used again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from newsletter.mail.addresses import is_wire_safe
from newsletter.mail.replies import SERVICE_CLOSING, Reply, classify
from newsletter.mail.wire import Wire, WireFailed, command, dot_stuffed, is_wire_ready
from newsletter.values import Fate, Outcome, Phase


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds, as RFC 5321 §4.5.3.2 wants them; `dot` is long, for giving up early makes doubles."""

    connect: float = 30.0
    greeting: float = 300.0
    command: float = 300.0
    data: float = 120.0
    block: float = 180.0
    dot: float = 600.0
    quit: float = 5.0


@dataclass(frozen=True, slots=True)
class _Step:
    """A command, the first digit of the reply that lets us go on, and how long to wait for it."""

    phase: Phase
    line: str
    yes: int
    seconds: float


class Session:
    """An open connection to a relay, for one message after another."""

    def __init__(self, wire: Wire, relay: str, offers: Mapping[str, str], timeouts: Timeouts) -> None:
        self._wire = wire
        self._relay = relay
        self._timeouts = timeouts
        self._takes_utf8 = "SMTPUTF8" in offers
        self._sizes = "SIZE" in offers
        size = offers.get("SIZE", "")
        self._limit = int(size) if size.isdecimal() else 0  # RFC 1870 §4: 0 is no limit
        self._is_untidy = False  # a transaction was begun and not ended
        self._phase = Phase.MAIL
        self._is_dot_written = False

    @property
    def usable(self) -> bool:
        return self._wire.usable

    async def send(self, sender: str, recipient: str, content: bytes | Sequence[bytes]) -> Outcome:
        """Try to hand over one message, and say what came of it. Raises nothing of the relay's doing.

        `content` is a whole message with CRLF line ends; dots are stuffed here. When the session is
        no longer usable the outcome is LOST.
        """
        data = content if isinstance(content, bytes) else b"".join(content)
        self._phase, self._is_dot_written = Phase.MAIL, False
        refusal = self._refusal(sender, recipient, data)
        if refusal is not None:
            return refusal
        try:
            return await self._transact(sender, recipient, data)
        except WireFailed as error:
            fate = Fate.DOUBT if self._is_dot_written else Fate.LOST
            return Outcome(fate, self._phase, text=error.sentence, relay=self._relay)
        except BaseException:
            self._wire.fail("A message was interrupted.")
            raise

    async def close(self) -> None:
        """Say goodbye where that is possible, and close."""
        try:
            with suppress(WireFailed):
                self._wire.write(command("QUIT"), replies=1)
                await self._wire.read(self._timeouts.quit)
        finally:
            await self._wire.end()

    async def _transact(self, sender: str, recipient: str, data: bytes) -> Outcome:
        if self._is_untidy:
            await self._tidy()
        for step in self._steps(sender, recipient, data):
            self._phase = step.phase
            self._wire.write(command(step.line), replies=1)
            reply = await self._wire.read(step.seconds)
            if reply.code // 100 != step.yes:
                return self._settle(reply)
            self._is_untidy = True
        self._phase = Phase.CONTENT
        await self._wire.write_content(dot_stuffed(data), self._timeouts.block)
        self._is_dot_written = True
        reply = await self._wire.read(self._timeouts.dot)
        self._is_untidy = False
        return self._settle(reply)

    def _steps(self, sender: str, recipient: str, data: bytes) -> tuple[_Step, ...]:
        parameters = f" SIZE={len(data)}" if self._sizes else ""
        parameters += " SMTPUTF8" if _needs_utf8(sender, recipient, data) else ""
        seconds = self._timeouts.command
        return (
            _Step(Phase.MAIL, f"MAIL FROM:<{sender}>{parameters}", 2, seconds),
            _Step(Phase.RCPT, f"RCPT TO:<{recipient}>", 2, seconds),
            _Step(Phase.DATA, "DATA", 3, self._timeouts.data),
        )

    def _settle(self, reply: Reply) -> Outcome:
        if reply.code == SERVICE_CLOSING:
            self._wire.fail("The relay said goodbye.")
        if self._phase is Phase.CONTENT and reply.code // 100 == 2:
            return replace(outcome_of(reply, self._phase, self._relay), fate=Fate.ACCEPTED)
        if reply.code < 400:
            raise self._wire.fail(f"The relay answered out of step: {reply.code} {reply.text}")
        return outcome_of(reply, self._phase, self._relay)

    async def _tidy(self) -> None:
        """RFC 5321 §4.1.1.5. Raises WireFailed."""
        self._wire.write(command("RSET"), replies=1)
        reply = await self._wire.read(self._timeouts.command)
        if reply.code != 250:
            raise self._wire.fail(f"The relay refused RSET: {reply.code} {reply.text}")
        self._is_untidy = False

    def _refusal(self, sender: str, recipient: str, data: bytes) -> Outcome | None:
        """What we see ourselves, before a byte is written."""
        if sender and not is_wire_safe(sender):
            return self._no(Fate.STOP, Phase.MAIL, f"{sender[:80]!r} is no address to send from")
        if not is_wire_safe(recipient):
            return self._no(Fate.REFUSED, Phase.RCPT, f"{recipient[:80]!r} is no address to send to")
        if not is_wire_ready(data):
            return self._no(Fate.REFUSED, Phase.CONTENT, "the message has line ends that are not CRLF")
        if _needs_utf8(sender, recipient, data) and not self._takes_utf8:
            why = "the relay takes only ASCII addresses (no SMTPUTF8): use one that takes all addresses"
            return self._no(Fate.REFUSED, Phase.RCPT, why)
        if 0 < self._limit < len(data):
            why = f"the message has {len(data)} bytes, and the relay takes {self._limit}"
            return self._no(Fate.STOP, Phase.MAIL, why)
        return None

    def _no(self, fate: Fate, phase: Phase, why: str) -> Outcome:
        return Outcome(fate, phase, text=why, relay=self._relay)


def _needs_utf8(sender: str, recipient: str, data: bytes) -> bool:
    """RFC 6531 §3.4: for an address beyond ASCII, in the envelope or in a header."""
    return not (recipient.isascii() and sender.isascii() and data.isascii())


def outcome_of(reply: Reply, phase: Phase, relay: str) -> Outcome:
    """What a reply that is no yes means at this step."""
    fate = classify(phase, reply.code, reply.enhanced, reply.text)
    return Outcome(fate, phase, reply.code, reply.enhanced, reply.text, relay)
