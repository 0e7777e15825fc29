"""The feeds and labels of a folder, and a newsroom that has gathered from them as it would any day."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from bench.room import newsroom
from newsletter.config import FeedUse
from newsletter.config.newsletters import Selection
from newsletter.feeds import xmlfeed
from newsletter.feeds.charset import text_of
from newsletter.feeds.clean import canonical, web_address
from newsletter.runtime import Runtime
from newsletter.services.drafting import REACH
from newsletter.services.gathering import gather
from newsletter.store import articles
from newsletter.values import Candidate
from tests.feeds.server import Server
from tests.newsroom import NINE, Newsroom

TAKEN_AT = datetime(2026, 2, 18, 2, 10, tzinfo=UTC)  # the hour of the feeds and of the labels
MOST_ITEMS = 2_000


@dataclass(frozen=True, slots=True)
class Item:
    """An item that has a label. `article` is what it became in the pool; 0 when it is not there."""

    feed: str
    key: str
    story: int
    is_unsure: bool
    article: int
    title: str

    @property
    def name(self) -> str:
        """What can be told of it without telling the news."""
        return f"{self.feed} {self.key}"


class Sample:
    """A folder's feeds, each served under its file's name as long as the sample is open."""

    def __init__(self, folder: Path, room: Newsroom, server: Server) -> None:
        self.room = room
        self._server = server
        self._labels = json.loads((folder / "choosing" / "labels.json").read_text(encoding="utf-8"))
        self._documents = {file.name: file.read_bytes() for file in sorted((folder / "feeds").iterdir())}
        for name, document in self._documents.items():
            server.on(f"/{name}", document, Content_Type="application/xml")

    @property
    def feeds(self) -> Sequence[str]:
        return [name.partition(".")[0] for name in self._documents]

    def configure(self, *, without: str = "", newsletter: str = "") -> None:
        """A newsroom of all feeds but one; `newsletter` are lines for its newsletter."""
        sources = [
            f'[[feeds]]\nname = "{feed}"\nurl = "{self._server.url("/" + name)}"'
            for feed, name in zip(self.feeds, self._documents, strict=True)
            if feed != without
        ]
        allowed = '[gathering]\nallow_hosts = ["127.0.0.1"]'
        self.room.configure(feeds="\n".join([allowed, *sources]), newsletter=newsletter)

    def items(self, runtime: Runtime) -> list[Item]:
        """Those with a label, in the order of the labels."""
        links = {
            (name, _key(link)): link
            for name, document in self._documents.items()
            for link in _links(document)
        }
        return [
            self._item(runtime, label, links.get((label["feed"], label["key"]), "")) for label in self._labels
        ]

    def _item(self, runtime: Runtime, label: dict[str, str], link: str) -> Item:
        address = web_address(link, self._server.url("/" + label["feed"])) if link else None
        with runtime.database.reading() as session:
            article = articles.find(session, canonical(address)) if address else None
        return Item(
            feed=label["feed"].partition(".")[0],
            key=label["key"],
            story=int(label["story"]),
            is_unsure=bool(label.get("unsure")),
            article=(article.id or 0) if article else 0,
            title=article.title if article else "(not in the pool)",
        )


@contextmanager
def opened(folder: Path) -> Iterator[Sample]:
    """The sample of `folder`, gathered. Fails when a feed gives any trouble."""
    server = Server()
    try:
        with newsroom("sqlite") as room:
            sample = Sample(folder, room, server)
            sample.configure()
            with room.opened() as runtime:
                reports = gather(runtime, TAKEN_AT)
            assert not any(report.trouble for report in reports), reports
            yield sample
    finally:
        server.close()


def pool(runtime: Runtime) -> tuple[Candidate, ...]:
    """The articles among which the morning's edition is chosen."""
    everywhere = [FeedUse(use=feed.name) for feed in runtime.settings.feeds]
    oldest = NINE - REACH * timedelta(seconds=Selection().max_age)
    with runtime.database.reading() as session:
        return articles.pool(session, everywhere, published_after=oldest)


def _links(document: bytes) -> Iterator[str]:
    """Each item's link exactly as the feed gives it: the labels know it by that."""
    contents = xmlfeed.read(text_of(document, ""), MOST_ITEMS)
    for item in contents.items if contents else ():
        yield str(item.get("link") or "")


def _key(link: str) -> str:
    return sha256(link.encode()).hexdigest()[:12]
