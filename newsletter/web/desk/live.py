"""What changes while a page is open: one stream for each tab, one look at the store for all of them.

A channel is what people of one role see of one page. While anybody listens it reads each second, and
whoever listens is sent the parts that changed, and the moment of which they are. A page that hears
nothing for half a minute greys its figures, so when the store does not answer nothing is sent either.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio.to_thread
from fastapi import HTTPException, Request, Response
from fastapi.responses import StreamingResponse

from newsletter import logs
from newsletter.clock import machine_now, monotonic
from newsletter.errors import NewsletterError
from newsletter.models import Role
from newsletter.runtime import Runtime
from newsletter.services import signing_in
from newsletter.services.signing_in import SignedIn
from newsletter.web.desk.guard import desk_doors
from newsletter.web.desk.pages import Desk, OurDesk, Page, Reading
from newsletter.web.headers import DESK
from newsletter.web.rights import Rights

doors = desk_doors()
log = logs.get(__name__)

EVERY = 1.0  # seconds between two looks
LOOK_AGAIN = 4.0  # seconds after which a stream asks whether its session still lives
STREAMS = 8  # of one person at once
HEADERS = DESK | {"X-Accel-Buffering": "no"}
_ABOUT = re.compile(r"(?:[a-z0-9-]{1,64}/[a-z0-9-]{1,64})?")


@dataclass(eq=False)
class Channel:
    """One page, about one thing, as one role sees it."""

    page: Page
    about: str
    role: Role
    listeners: int = 0
    number: int = 0
    latest: Reading | None = None
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def read(self, runtime: Runtime) -> None:
        """Until nobody listens any more."""
        while self.listeners:
            now = runtime.clock.now()
            try:
                self.latest = await anyio.to_thread.run_sync(
                    self.page.read, runtime, self.about, self.role, now
                )
                self.number += 1
                async with self.news:
                    self.news.notify_all()
                if self.page.beside:
                    await anyio.to_thread.run_sync(self.page.beside, runtime, self.latest.values, now)
            except NewsletterError as error:
                log.warning("stream_silent", page=self.page.name, why=error.sentence)
            await asyncio.sleep(EVERY)

    async def later_than(self, number: int) -> None:
        async with self.news:
            await self.news.wait_for(lambda: self.number > number)


class Broadcaster:
    """The channels of a web server, and how many streams each person has open."""

    def __init__(self, runtime: Runtime, pages: Iterable[Page]) -> None:
        self.pages = {page.name: page for page in pages}
        self._runtime = runtime
        self._channels: dict[tuple[str, str, Role], Channel] = {}
        self._readers: set[asyncio.Task[None]] = set()
        self._open: Counter[int] = Counter()

    def is_full(self, person: SignedIn) -> bool:
        return self._open[person.person_id] >= STREAMS

    async def stream(self, desk: Desk, page: Page, about: str) -> AsyncIterator[str]:
        """Server-sent events until the session ends: `part`, `beat`, and `gone` at the end."""
        heard, seen = 0, [""] * len(page.parts)
        looked = monotonic() - LOOK_AGAIN  # whoever sits down is seen at once
        async with self._joined(desk.person, page, about) as channel:
            while True:
                try:
                    async with asyncio.timeout(LOOK_AGAIN):
                        await channel.later_than(heard)
                except TimeoutError:
                    pass  # the store does not answer; that our session has ended may be known all the same
                if monotonic() - looked >= LOOK_AGAIN:
                    looked = monotonic()
                    if not await anyio.to_thread.run_sync(_is_still_there, desk, about):
                        yield "event: gone\ndata:\n\n"
                        return
                if channel.latest is None or channel.number == heard:
                    continue
                heard, reading = channel.number, channel.latest
                for place, part in enumerate(reading.parts):
                    if part != seen[place]:
                        yield _event("part", part, heard)
                seen = list(reading.parts)
                yield _event("beat", reading.moment, heard)

    @asynccontextmanager
    async def _joined(self, person: SignedIn, page: Page, about: str) -> AsyncIterator[Channel]:
        key = (page.name, about, person.role)
        channel = self._channels.get(key)
        if channel is None:
            channel = self._channels[key] = Channel(page, about, person.role)
        channel.listeners += 1
        self._open[person.person_id] += 1
        if channel.listeners == 1:
            reader = asyncio.create_task(channel.read(self._runtime))
            self._readers.add(reader)
            reader.add_done_callback(self._readers.discard)
        try:
            yield channel
        finally:
            self._open[person.person_id] -= 1
            channel.listeners -= 1
            if not channel.listeners:
                self._channels.pop(key, None)


@doors.get("/desk/stream", rights=Rights.EDITOR)
async def stream(request: Request, desk: OurDesk, page: str = "", about: str = "") -> Response:
    broadcaster: Broadcaster = request.app.state.live
    if page not in broadcaster.pages or not _ABOUT.fullmatch(about):
        raise HTTPException(404)
    if broadcaster.is_full(desk.person):
        raise HTTPException(429)
    if request.method == "HEAD":
        return Response(media_type="text/event-stream", headers=HEADERS)
    events = broadcaster.stream(desk, broadcaster.pages[page], about)
    return StreamingResponse(events, media_type="text/event-stream", headers=HEADERS)


def _is_still_there(desk: Desk, about: str) -> bool:
    """The session lives, and its person may do what they might when the stream began."""
    now = machine_now()
    person = signing_in.who_is(desk.runtime, desk.visit.entrance, now)
    if person is None or person.role is not desk.person.role:
        return False
    if about:
        signing_in.be_at(desk.runtime, person, about, now)
    return True


def _event(kind: str, text: str, number: int) -> str:
    lines = "".join(f"data: {line}\n" for line in text.splitlines())
    return f"event: {kind}\nid: {number}\n{lines}\n"
