"""The counter where begun mails wait for a free connection.

Editions take turns, and within each its batches: so newsletters of the same minute share the
connections alike, however many readers each has. A lane with a limit of its own goes over no more
connections than that at a time.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Sequence
from typing import Protocol

from newsletter.config import Lane
from newsletter.mail.content import Content
from newsletter.values import Outcome, Recipient


class Sender(Protocol):
    """Whose mails they are: a batch being delivered."""

    @property
    def edition_id(self) -> int: ...

    @property
    def lane(self) -> str: ...

    def message(self, recipient: Recipient) -> tuple[str, Content]:
        """The envelope sender and the whole message."""
        ...

    def answer(self, recipient: Recipient, outcome: Outcome) -> None: ...


class Post:
    def __init__(self, lanes: Sequence[Lane] = ()) -> None:
        self._most = {lane.name: lane.connections for lane in lanes if lane.connections}
        self._each = {lane.name: lane.messages_per_connection for lane in lanes}
        self._over: Counter[str] = Counter()  # connections that have mail of a lane in hand
        self._waiting: dict[Sender, deque[Recipient]] = {}
        self._turns: deque[int] = deque()  # of editions
        self._senders: dict[int, deque[Sender]] = {}
        self._changed = asyncio.Event()
        self._expected = 0

    def enter(self, sender: Sender) -> None:
        self._waiting[sender] = deque()
        if sender.edition_id not in self._senders:
            self._senders[sender.edition_id] = deque()
            self._turns.append(sender.edition_id)
        self._senders[sender.edition_id].append(sender)
        self._changed.set()

    def leave(self, sender: Sender) -> None:
        del self._waiting[sender]
        of_edition = self._senders[sender.edition_id]
        of_edition.remove(sender)
        if not of_edition:
            del self._senders[sender.edition_id]
            self._turns.remove(sender.edition_id)

    def put(self, sender: Sender, recipients: tuple[Recipient, ...]) -> None:
        self._waiting[sender].extend(recipients)
        self._changed.set()

    def put_back(self, sender: Sender, recipient: Recipient) -> None:
        """To the head of the queue; a sender that has left already settles the row otherwise."""
        if sender in self._waiting:
            self._waiting[sender].appendleft(recipient)
            self._changed.set()

    def withdraw(self, sender: Sender) -> list[Recipient]:
        """Take back everything of one sender that no connection has yet."""
        waiting = self._waiting.get(sender, deque())
        withdrawn = list(waiting)
        waiting.clear()
        return withdrawn

    def waiting(self, sender: Sender) -> int:
        return len(self._waiting[sender])

    def next(self, in_hand: Counter[str]) -> tuple[Sender, Recipient] | None:
        """The next mail for a connection that has so many mails of each lane `in_hand`; `give_up` each."""
        for _ in range(len(self._turns)):
            of_edition = self._senders[self._turns[0]]
            self._turns.rotate(-1)
            for _ in range(len(of_edition)):
                sender = of_edition[0]
                of_edition.rotate(-1)
                if self._waiting[sender] and (in_hand[sender.lane] or self._has_room(sender.lane)):
                    self._over[sender.lane] += not in_hand[sender.lane]
                    in_hand[sender.lane] += 1
                    return sender, self._waiting[sender].popleft()
        return None

    def give_up(self, in_hand: Counter[str], lane: str) -> None:
        """A mail is answered, and not in this connection's hand any more."""
        in_hand[lane] -= 1
        if not in_hand[lane]:
            self._over[lane] -= 1

    def allow(self, lane: str, connections: int) -> None:
        """Let a lane's mail go over so many connections at a time."""
        self._most[lane] = connections
        self._changed.set()

    def connections_with(self, lane: str) -> int:
        """Over how many connections mail of a lane goes just now."""
        return self._over[lane]

    @property
    def lanes(self) -> set[str]:
        """Lanes of the batches that are being delivered."""
        return {sender.lane for sender in self._waiting}

    def messages_over_one(self, lane: str) -> int:
        """How many mails of a lane go over one connection before it is renewed; 0 is no limit."""
        return self._each.get(lane, 0)

    def _has_room(self, lane: str) -> bool:
        return lane not in self._most or self._over[lane] < self._most[lane]

    @property
    def expected(self) -> int:
        """Mails that will come within seconds."""
        return self._expected

    def expect(self, mails: int) -> None:
        if mails and not self._expected:
            self.stir()
        self._expected = mails

    @property
    def is_wanted(self) -> bool:
        """True while any batch is being delivered, whether or not a mail of it waits just now."""
        return bool(self._turns)

    @property
    def has_mail(self) -> bool:
        """True while a mail waits that another connection could take."""
        return any(waiting and self._has_room(sender.lane) for sender, waiting in self._waiting.items())

    def stir(self) -> None:
        """Let everybody who waits look again."""
        self._changed.set()

    async def changed(self, seconds: float) -> bool:
        """Wait until something was put or somebody entered; False when nothing was within `seconds`."""
        self._changed.clear()
        try:
            async with asyncio.timeout(seconds):
                return await self._changed.wait()
        except TimeoutError:
            return False
