"""Which relay carries the mail: the first in their order that can be opened, or the one a person chose.

One relay carries at a time. When it cannot be opened for `fail_over` seconds the next one takes over;
the better one comes back once it has been well for `fail_back` seconds on end, and twice as long after
each relapse, so that nothing flaps. While mail is due the others are probed, without a message, so that
at nine it is known who is well. A relay that turns us away at MAIL is another matter: that is about us,
every relay would hear the same, and the run is paused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from newsletter.clock import monotonic
from newsletter.config import Relay
from newsletter.delivery.pool import Pool
from newsletter.delivery.post import Post
from newsletter.delivery.probing import probe
from newsletter.mail.smtp import NotOpened, Timeouts
from newsletter.store.relays import News
from newsletter.values import Fate, Outcome

BETWEEN_PROBES = 60.0  # seconds, at most
MOST_RELAPSES = 4  # that still double the time in which a relay has to prove itself
HOPELESS = 3  # tries in a row that failed


class Standing:
    """A relay, its connections, and how it stands: up until the contrary is known."""

    def __init__(self, pool: Pool, trouble: str) -> None:
        self.pool = pool
        self.name = pool.relay.name
        self.trouble = trouble
        self.refusal: Outcome | None = None
        self.since = monotonic()
        self.looked = 0.0
        self.failures = 0
        self.falls = 0  # how often it lost the mail that it carried
        self.probe: asyncio.Task[NotOpened | None] | None = None

    @property
    def is_up(self) -> bool:
        return not self.trouble

    def proof(self, fail_back: float) -> float:
        """Seconds that it has to be well on end before the mail goes back to it: a first fall may
        happen to the best, each later one is a relapse."""
        return fail_back * 2.0 ** min(max(0, self.falls - 1), MOST_RELAPSES)

    def found(self, trouble: NotOpened | None, sentence: str = "") -> None:
        """What a try to open it has shown; `sentence` where no error tells it."""
        self.looked = monotonic()
        now_up = trouble is None and not sentence
        if now_up != self.is_up:
            self.since = self.looked
        self.failures = 0 if now_up else self.failures + 1
        self.trouble = "" if now_up else sentence or str(trouble)
        is_refusal = trouble is not None and trouble.outcome.fate is Fate.STOP
        self.refusal = trouble.outcome if trouble is not None and is_refusal else None


class Relays:
    """`down` names relays that somebody found down a moment ago, and why."""

    def __init__(
        self, relays: Sequence[Relay], post: Post, timeouts: Timeouts, *, fail_over: float, fail_back: float,
        down: Mapping[str, str],
    ) -> None:  # fmt: skip
        in_order = sorted(relays, key=lambda relay: relay.priority)
        self._all = [Standing(Pool(relay, post, timeouts), down.get(relay.name, "")) for relay in in_order]
        self._post = post
        self._fail_over = fail_over
        self._fail_back = fail_back
        self._order = ""
        self._waiting_since: float | None = None
        self._news: list[News] = []
        self._why, self._told = "first in order", ""
        self._carrier = self._all[0]
        self._carrier = self._choice()

    def start(self) -> None:
        for standing in self._all:
            standing.pool.start()
        self._carrier.pool.call()

    async def close(self) -> None:
        """End every connection; call it when no mail is on the wire."""
        self._hear_carrier()
        probes = [standing.probe for standing in self._all if standing.probe is not None]
        for task in probes:
            task.cancel()
        await asyncio.gather(*probes, return_exceptions=True)
        await asyncio.gather(*(standing.pool.close() for standing in self._all))

    # ── what batches ask ──

    @property
    def carrier(self) -> str:
        """The name of the one that carries."""
        return self._carrier.name

    @property
    def connections(self) -> int:
        """How many of the carrier's are ours."""
        return self._carrier.pool.allowed

    @property
    def pools(self) -> list[Pool]:
        return [standing.pool for standing in self._all]

    @property
    def is_open(self) -> bool:
        return self._carrier.pool.is_open

    async def until_open(self, seconds: float) -> None:
        """Wait until the carrier has a connection, `seconds` at most."""
        await self._carrier.pool.until_open(seconds)

    # ── what the engine asks ──

    @property
    def trouble(self) -> str:
        """Why nothing can be sent; empty while the carrier may yet be opened, or another stands by."""
        trouble = self._carrier.pool.trouble
        if trouble is None or self._carrier.pool.failures < HOPELESS or self._stands_by:
            return ""
        return trouble.sentence

    @property
    def refusal(self) -> Outcome | None:
        """What the carrier said when it turned us away at the door, and no other stands by."""
        return None if self._stands_by else self._carrier.refusal

    @property
    def _stands_by(self) -> bool:
        others = (standing for standing in self._all if standing is not self._carrier)
        return not self._order and any(standing.is_up for standing in others)

    def look(self, order: str, *, is_wanted: bool) -> None:
        """See how the relays stand and who is to carry; `order` names the one that a person chose.

        `is_wanted` while mail is due now or within the lead time: then the relays are probed.
        """
        known = {standing.name for standing in self._all}
        self._order = order if order in known else ""
        self._hear_carrier()
        self._hear_probes()
        self._carry(self._choice())
        if is_wanted:
            self._send_probes()
        else:
            for standing in self._all:
                standing.falls = 0

    def news(self) -> list[News]:
        """What has changed since it was last asked for."""
        told, self._news = self._news, []
        return told

    # ── how they stand ──

    def _hear_carrier(self) -> None:
        """Its own connections tell most of the relay that carries."""
        carrier, now = self._carrier, monotonic()
        if carrier.pool.is_open:
            self._waiting_since = None
            if not carrier.is_up or not carrier.looked:
                self._found(carrier, None)
            if self._told != carrier.name:
                self._told = carrier.name
                self._news.append(News(carrier.name, carries_because=self._why))
        elif not (self._post.is_wanted and carrier.pool.allowed):
            self._waiting_since = None
        else:
            self._waiting_since = self._waiting_since or now
            trouble = carrier.pool.trouble
            is_refused = trouble is not None and trouble.outcome.fate is Fate.STOP
            if carrier.is_up and (is_refused or now - self._waiting_since >= self._fail_over):
                self._found(carrier, trouble, "" if trouble else f"no connection in {self._fail_over:g} s")
                carrier.falls += 1

    def _hear_probes(self) -> None:
        for standing in self._all:
            if standing.probe is not None and standing.probe.done():
                self._found(standing, standing.probe.result())
                standing.probe = None

    def _found(self, standing: Standing, trouble: NotOpened | None, sentence: str = "") -> None:
        standing.found(trouble, sentence)
        self._news.append(News(standing.name, standing.trouble))

    def _send_probes(self) -> None:
        now = monotonic()
        for standing in self._all:
            tells_itself = standing is self._carrier and (standing.pool.is_open or self._post.is_wanted)
            if tells_itself or standing.probe is not None:
                continue
            if not standing.looked or now - standing.looked >= self._pause(standing):
                standing.probe = asyncio.create_task(probe(standing.pool.relay))

    def _pause(self, standing: Standing) -> float:
        """Seconds between two probes: a relay on its way back is watched more closely."""
        if not standing.is_up:
            return float(min(BETWEEN_PROBES, self._fail_over * 2 ** min(standing.failures, 6)))
        is_better = self._all.index(standing) < self._all.index(self._carrier)
        return min(BETWEEN_PROBES, self._fail_back / 3) if is_better else BETWEEN_PROBES

    # ── who carries ──

    def _choice(self) -> Standing:
        if self._order:
            return next(standing for standing in self._all if standing.name == self._order)
        best = next((standing for standing in self._all if standing.is_up), self._carrier)
        if not self._carrier.is_up or not self._post.is_wanted:
            return best
        is_proven = best.looked > 0 and monotonic() - best.since >= best.proof(self._fail_back)
        return best if is_proven else self._carrier

    def _carry(self, chosen: Standing) -> None:
        if chosen is self._carrier:
            return
        before = self._carrier
        before.pool.rest()
        self._carrier, self._waiting_since = chosen, None
        chosen.pool.call()
        self._why = "chosen by hand" if self._order else before.trouble or f"{chosen.name} is well again"
