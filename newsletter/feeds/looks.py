"""A look at many addresses at once, each for a moment, all of them for a minute at most.

Links and pictures lie on servers that owe us nothing: one hangs, one drips, one lies about its length,
one leads inside. Each costs its own time and nobody else's. Hosts take turns, so that one of them with
many pages keeps no other waiting, and when the round is over nobody is waited for.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from queue import Empty, SimpleQueue
from urllib.parse import urlsplit

from newsletter import logs
from newsletter.clock import monotonic
from newsletter.config import Gathering, Preflight
from newsletter.errors import FetchFailed
from newsletter.feeds.fetch import Opened, opened, phrase
from newsletter.models import LinkVerdict
from newsletter.values import Look

GONE = frozenset({404, 410})
_PAGE = b"<"  # what a web page begins with, whatever its server calls it, and no picture does
_HEAD = 512

log = logs.get(__name__)

Saw = Callable[[Look], None]


@dataclass(frozen=True, slots=True)
class Manners:
    """How we ask: `gathering` says who we are and whom we may ask, `limits` for how long and how much."""

    gathering: Gathering
    limits: Preflight

    @property
    def of_one(self) -> Gathering:
        return self.gathering.model_copy(update={"timeout": self.limits.timeout})


def look_at_all(
    addresses: Mapping[str, bool], manners: Manners, now: datetime, *, seconds: float, saw: Saw | None = None
) -> Sequence[Look]:
    """What each address answers, True for those that are pictures, as far as `seconds` allow.

    What was asked and has not answered by then is in trouble; what was not even asked is left out. `saw`
    hears of each look as it comes.
    """
    round_ = _Round(addresses, manners, now)
    until = monotonic() + seconds
    for _ in range(min(manners.limits.at_once, len(addresses))):
        # A daemon: a name server that hangs must hold up neither the round nor the end of the process
        threading.Thread(target=round_.work, name="look", daemon=True).start()
    found: dict[str, Look] = {}
    while len(found) < len(addresses) and (left := until - monotonic()) > 0:
        try:
            look = round_.seen.get(timeout=left)
        except Empty:
            break
        found[look.address] = look
        if saw:
            saw(look)
    round_.over.set()
    return [*found.values(), *(_unanswered(url, now, seconds) for url in round_.asked() if url not in found)]


class _Round:
    """The addresses still to be asked, in the lines of their hosts, and what has been seen so far.

    A host has as many turns as it may be asked things at once; whoever takes one gives it back.
    """

    def __init__(self, addresses: Mapping[str, bool], manners: Manners, now: datetime) -> None:
        self._addresses, self._manners, self._now = addresses, manners, now
        self._lines: dict[str, deque[str]] = {}
        self._begun: list[str] = []
        self._turns: SimpleQueue[str] = SimpleQueue()
        self.seen: SimpleQueue[Look] = SimpleQueue()
        self.over = threading.Event()
        for address in addresses:
            self._lines.setdefault(urlsplit(address).hostname or "", deque()).append(address)
        for turn in range(manners.limits.per_host):
            for host in (host for host, line in self._lines.items() if turn < len(line)):
                self._turns.put(host)

    def asked(self) -> Iterable[str]:
        return tuple(self._begun)

    def work(self) -> None:
        while not self.over.is_set():
            try:
                host = self._turns.get_nowait()
                address = self._lines[host].popleft()
            except Empty:
                return
            except IndexError:  # nothing is left on this host
                continue
            self._begun.append(address)
            self.seen.put(look_at(address, self._addresses[address], self._manners, self._now))
            self._turns.put(host)


def look_at(address: str, is_picture: bool, manners: Manners, now: datetime) -> Look:
    """What one address answers. Never raises: whatever a server makes of us is its own trouble."""
    began = monotonic()
    look = Look(address, now, LinkVerdict.FAILING)
    try:
        with opened(
            address, settings=manners.of_one, accept="image/*,*/*;q=0.5" if is_picture else "*/*"
        ) as it:
            look = _judged(replace(look, ms=_ms_since(began)), it)
            if is_picture and look.verdict is LinkVerdict.OK:
                look = _measured(look, it, manners.limits.largest_picture)
    except FetchFailed as error:
        return replace(
            look, verdict=LinkVerdict.FAILING, ms=look.ms or _ms_since(began), trouble=error.sentence
        )
    except Exception as error:
        log.exception("link_unreadable")
        return replace(look, trouble=f"It cannot be read: {type(error).__name__}.")
    return look


def _judged(look: Look, it: Opened) -> Look:
    status = it.response.status_code
    verdict = LinkVerdict.GONE if status in GONE else LinkVerdict.OK if status < 400 else LinkVerdict.FAILING
    return replace(
        look,
        verdict=verdict,
        status=status,
        final_url=it.address,
        content_type=it.response.headers.get("Content-Type", "").partition(";")[0].strip().lower()[:100],
        trouble="" if verdict is LinkVerdict.OK else f"The server answered {status} {phrase(status)}.",
    )


def _measured(look: Look, it: Opened, largest: int) -> Look:
    """The picture's bytes as they come, whatever was promised; no more than tells that they are too many."""
    size, head = 0, b""
    for chunk in it.response.iter_raw():
        head = (head + chunk)[:_HEAD] if len(head) < _HEAD else head
        size += len(chunk)
        if size > largest:
            break
    is_page = head.lstrip().startswith(_PAGE) and not look.content_type.endswith(("svg+xml", "/xml"))
    return replace(look, bytes=size, content_type="text/html" if is_page else look.content_type)


def _unanswered(address: str, now: datetime, seconds: float) -> Look:
    return Look(
        address, now, LinkVerdict.FAILING, ms=int(1000 * seconds),
        trouble="It had not answered when the time for all links was over.",
    )  # fmt: skip


def _ms_since(began: float) -> int:
    return int(1000 * (monotonic() - began))
