"""Message after message over an open connection, and the truth about each.

A message is four steps: MAIL, RCPT, DATA, content. Where the relay offers PIPELINING (RFC 2920) the first
three are one write, and the next message's go out together with this one's final dot, so that a message
costs one round trip. Each outcome says at which step it was decided. When the connection fails before the
final dot is written nothing has happened (LOST); when it fails after, only the relay knows (DOUBT). An
envelope that ran ahead behind a dot is no more than that: its content never left. A session that was
surprised in any way is not used again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from newsletter import logs
from newsletter.errors import Misuse
from newsletter.mail.content import Content, content_of
from newsletter.mail.envelope import Envelope, Offers
from newsletter.mail.replies import SERVICE_CLOSING, Reply, classify, ends_connection
from newsletter.mail.wire import Wire, WireFailed, command
from newsletter.values import Fate, Outcome, Phase

log = logs.get(__name__)

DOT = b".\r\n"
RSET, QUIT = command("RSET"), command("QUIT")
STEPS = (Phase.MAIL, Phase.RCPT, Phase.DATA)
YES = (2, 2, 3)  # the first digit that lets us go on after each


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds, as RFC 5321 §4.5.3.2 wants them; `dot` is long, for giving up early makes doubles.

    `brisk` is no time-out: an envelope only runs ahead where the dot is answered sooner than that.
    """

    connect: float = 30.0
    greeting: float = 300.0
    command: float = 300.0
    data: float = 120.0
    block: float = 180.0
    dot: float = 600.0
    quit: float = 5.0
    brisk: float = 1.0


class Session:
    """An open connection to a relay, for one message after another."""

    def __init__(self, wire: Wire, relay: str, offers: Mapping[str, str], timeouts: Timeouts) -> None:
        self._wire = wire
        self._relay = relay
        self._offers = Offers(offers)
        self._timeouts = timeouts
        self._seconds = (timeouts.command, timeouts.command, timeouts.data)
        self._is_untidy = False  # a transaction was begun and not ended
        self._is_brisk = False  # the last dot was answered soon
        self._ahead: Envelope | None = None  # on the wire already
        self._phase = Phase.MAIL
        self._is_dot_written = False

    @property
    def usable(self) -> bool:
        return self._wire.usable

    async def send(self, sender: str, recipient: str, content: bytes | Sequence[bytes] | Content) -> Outcome:
        """Try to hand over one message, and say what came of it. Raises nothing of the relay's doing.

        `content` is a whole message with CRLF line ends; when it is not `Content` yet, dots are
        stuffed here. When the session is no longer usable the outcome is LOST.
        """
        outcomes: list[Outcome] = []
        try:
            fit = (
                content
                if isinstance(content, Content)
                else content_of(content if isinstance(content, bytes) else b"".join(content))
            )
        except Misuse:
            why = "the message has line ends that are not CRLF"
            return Outcome(Fate.REFUSED, Phase.CONTENT, text=why, relay=self._relay)
        envelopes = iter([Envelope(sender, recipient, fit, outcomes.append)])
        await self.carry(lambda: next(envelopes, None))
        return outcomes[0]

    async def carry(self, take: Callable[[], Envelope | None]) -> None:
        """Hand over mail after mail, and answer each, until there is none to `take` or the session is
        no longer usable. Whatever was taken is answered."""
        envelope = self._next(take)
        while envelope is not None:
            envelope.answer(await self._outcome(envelope, take))
            envelope = self._ahead or (self._next(take) if self.usable else None)

    async def close(self) -> None:
        """Say goodbye where that is possible, and close."""
        try:
            with suppress(WireFailed):
                self._wire.write(QUIT, replies=1)
                await self._wire.read(self._timeouts.quit)
        finally:
            await self._wire.end()

    def _next(self, take: Callable[[], Envelope | None]) -> Envelope | None:
        """The next mail that this relay could take; others are answered at once."""
        while (envelope := take()) is not None:
            refusal = self._offers.refusal(envelope)
            if refusal is None:
                return envelope
            envelope.answer(refusal._replace(relay=self._relay))
        return None

    async def _outcome(self, envelope: Envelope, take: Callable[[], Envelope | None]) -> Outcome:
        self._phase, self._is_dot_written = Phase.MAIL, False
        try:
            refusal = await self._announce(envelope)
            return refusal if refusal is not None else await self._content(envelope, take)
        except WireFailed as error:
            fate = Fate.DOUBT if self._is_dot_written else Fate.LOST
            return Outcome(fate, self._phase, text=error.sentence, relay=self._relay)
        except Exception as error:
            # A fault of ours. It may have left or not; the row must not stay open for ever on that account
            log.exception("mail_ended_unexpectedly", relay=self._relay)
            self._wire.fail("A message ended unexpectedly.")
            fate = Fate.DOUBT if self._phase is Phase.CONTENT else Fate.LOST
            return Outcome(fate, self._phase, text=type(error).__name__, relay=self._relay)
        except BaseException:
            self._wire.fail("A message was interrupted.")
            raise

    # ── MAIL, RCPT, DATA ──

    async def _announce(self, envelope: Envelope) -> Outcome | None:
        """Why the relay does not want the message; None when it waits for the content."""
        if envelope is self._ahead:
            self._ahead = None
            return await self._judge(await self._answers())
        if self._is_untidy:
            await self._tidy()
        commands = self._offers.commands(envelope)
        if not self._offers.pipelining:
            return await self._judge(await self._answers(commands))
        self._wire.write(b"".join(commands), replies=len(STEPS))
        return await self._judge(await self._answers())

    async def _answers(self, one_by_one: Sequence[bytes] = ()) -> list[Reply]:
        """The answers to an envelope, whose commands are on the wire or written `one_by_one`, none after
        a refusal. A refusal that was read stands, whatever becomes of the connection behind it."""
        replies: list[Reply] = []
        is_refused = False
        for n, seconds in enumerate(self._seconds):
            try:
                if one_by_one:
                    self._wire.write(one_by_one[n], replies=1)
                self._phase = STEPS[n]
                replies.append(await self._wire.read(seconds))
            except WireFailed:
                if is_refused:
                    break
                raise
            is_refused = is_refused or replies[n].code // 100 != YES[n]
            if ends_connection(STEPS[n], replies[n].code, replies[n].text):
                self._wire.fail("The relay said goodbye.")
            if is_refused and (one_by_one or not self.usable):
                break
        return replies

    async def _judge(self, replies: Sequence[Reply]) -> Outcome | None:
        """What the answers to an envelope come to. Raises WireFailed when one is no answer to its step:
        then none of them can be trusted."""
        for n, reply in enumerate(replies):
            if reply.code < 400 and reply.code // 100 != YES[n]:
                self._phase = STEPS[n]
                raise self._out_of_step(reply)
        accepted = [reply.code < 400 for reply in replies]
        self._is_untidy = accepted[0]
        if all(accepted):
            return None
        at = accepted.index(False)
        if accepted[2:] == [True]:
            await self._send_nothing(is_for_somebody=accepted[1])
        return outcome_of(replies[at], STEPS[at], self._relay)

    async def _send_nothing(self, *, is_for_somebody: bool) -> None:
        """The relay waits for the content of a message that it refused before. A lone dot ends that, and
        what it says to it is no news (RFC 2920 §3.1); where somebody would be sent that, the connection ends.
        """
        if is_for_somebody:
            self._wire.fail("The relay takes a recipient after it refused the sender.")
        with suppress(WireFailed):
            self._wire.write(DOT, replies=1)
            await self._wire.read(self._timeouts.dot)
        self._is_untidy = False

    async def _tidy(self) -> None:
        """RFC 5321 §4.1.1.5. Raises WireFailed."""
        self._wire.write(RSET, replies=1)
        reply = await self._wire.read(self._timeouts.command)
        if reply.code != 250:
            raise self._wire.fail(f"The relay refused RSET: {reply.code} {reply.text}")
        self._is_untidy = False

    # ── the content ──

    async def _content(self, envelope: Envelope, take: Callable[[], Envelope | None]) -> Outcome:
        self._phase = Phase.CONTENT
        tail, replies = DOT, 1
        if self._offers.pipelining and self._is_brisk:
            self._ahead = self._next(take)
        if self._ahead is not None:
            tail, replies = b"".join((DOT, *self._offers.commands(self._ahead))), 1 + len(STEPS)
        await self._wire.write_content(envelope.content, tail, self._timeouts.block, replies=replies)
        self._is_dot_written = True
        reply = await self._answer_to_dot()
        self._is_untidy = False
        if reply.code == SERVICE_CLOSING:
            self._wire.fail("The relay said goodbye.")
        if reply.code // 100 == 2:
            return Outcome(Fate.ACCEPTED, Phase.CONTENT, reply.code, reply.enhanced, reply.text, self._relay)
        if reply.code < 400:
            raise self._out_of_step(reply)
        return outcome_of(reply, Phase.CONTENT, self._relay)

    async def _answer_to_dot(self) -> Reply:
        """A relay that takes its time keeps nobody else waiting: the mail whose envelope ran ahead
        goes over another connection, and this one ends with the answer."""
        brisk = min(self._timeouts.brisk, self._timeouts.dot)
        self._is_brisk = await self._wire.answers_within(brisk)
        given_back = None if self._is_brisk else self._ahead
        if given_back is not None:
            self._ahead = None
            why = "the relay takes its time over the mail before"
            given_back.answer(Outcome(Fate.LOST, Phase.MAIL, text=why, relay=self._relay))
        reply = await self._wire.read(self._timeouts.dot, waited=0 if self._is_brisk else brisk)
        if given_back is not None:
            self._wire.fail("An envelope on it was given back.")
        return reply

    def _out_of_step(self, reply: Reply) -> WireFailed:
        return self._wire.fail(f"The relay answered out of step: {reply.code} {reply.text}")


def outcome_of(reply: Reply, phase: Phase, relay: str) -> Outcome:
    """What a reply that is no yes means at this step."""
    fate = classify(phase, reply.code, reply.enhanced, reply.text)
    return Outcome(fate, phase, reply.code, reply.enhanced, reply.text, relay)
