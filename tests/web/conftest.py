"""A paper with readers and past editions, and its real web server on a free port."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import event, select

from newsletter.clock import Clock
from newsletter.config import Database as DatabaseSettings
from newsletter.config import NewsletterSettings, Settings, Web
from newsletter.mail.links import AddressKey, Keys
from newsletter.models import Batch, EditionKind, EditionState, Table
from newsletter.render.compile import compile_edition
from newsletter.render.theme import load_theme
from newsletter.runtime import Runtime
from newsletter.store import editions, renditions
from newsletter.store.database import Database
from newsletter.store.newsletters import newsletter_ids, sync_newsletters
from newsletter.store.subscribers import Newcomer, admit
from newsletter.values import Body, Rendition
from newsletter.web.border import Limits
from newsletter.web.server import WebServer
from tests.render.sample import SHORTEST

NOON = datetime(2026, 2, 18, 12, 0, tzinfo=UTC)
PAPER = NewsletterSettings(
    slug="post",
    name="The Harbour Post",
    description="Every morning what moved the town, in five minutes.",
    from_address="post@harbour.example",
    postal_address="1 Quay Street, Harbour",
)
# A rendition that nothing is in the way of
SOUND = compile_edition(replace(SHORTEST, postal_address=PAPER.postal_address), load_theme("default"))
WEEKEND = PAPER.model_copy(update={"slug": "weekend", "name": "Weekend", "noindex": True})
HOSTILE = (
    '<p id="seen">Bridge opens</p><img src="https://pictures.example/a.png" alt="">'
    "<script>document.title='ran'; fetch('https://evil.example/')</script>"
    '<img src="data:," onerror="document.title=\'ran\'" alt="">'
)


@dataclass
class Paper:
    """A store with two newsletters and one reader, Alice, who gets both."""

    runtime: Runtime
    ids: dict[str, int]
    alice: int

    def edition(
        self,
        slug: str,
        *,
        state: EditionState = EditionState.SENT,
        begun: int = 3,
        sent: int = 3,
        unknown: int = 0,
        newsletter: str = "post",
        html: str = HOSTILE,
        version: int = 1,
    ) -> int:
        """An edition with one batch that stands as told; returns its id."""
        day = date.fromisoformat(slug[:10])
        due = datetime(day.year, day.month, day.day, 14, 0, tzinfo=UTC)
        with self.runtime.database.writing() as session:
            edition = editions.create(
                session, self.ids[newsletter], slug, EditionKind.DAILY, day, due, due - timedelta(hours=3)
            )
            assert edition is not None and edition.id is not None
            edition.state, edition.subject, edition.version = state, f"News of {slug}", version
            edition.began_at = due if begun else None
            page = rendition(html, edition.subject)
            edition.rendition_id = renditions.save(session, edition, page, due)
            session.add(edition)
            session.flush()
            session.add(
                Batch(
                    edition_id=edition.id,
                    no=1,
                    lane="rest",
                    due_at=due,
                    not_before=due,
                    deadline=due,
                    size=3,
                    begun=begun,
                    sent=sent,
                    unknown=unknown,
                )
            )
            return edition.id

    def dump(self) -> dict[str, list[str]]:
        """Every row of every table."""
        with self.runtime.database.reading() as session:
            return {
                table.name: sorted(map(repr, session.execute(select(table)).all()))
                for table in Table.metadata.sorted_tables
            }


def rendition(html: str, subject: str = "News") -> Rendition:
    head = "<!doctype html><html><head><title>News</title></head><body>"
    body = Body(
        literals=(f'{head}{html}<a href=3D"'.encode(), b'">leave</a></body></html>\r\n'),
        holes=("unsubscribe_url",),
    )
    text = Body((f"{subject}\n\nThe bridge opens: https://news.example/bridge\n".encode(),), ())
    return Rendition(subject, "", "default", body, text, "0" * 64, words=(subject, "The bridge opens"))


def open_runtime(folder: Path, database: Database, url: str, public_url: str) -> Runtime:
    Keys.create(folder / "secret.key")
    AddressKey.create(folder / "suppression.key")
    settings = Settings(
        database=DatabaseSettings(url=url),
        web=Web(public_url=public_url, bind="127.0.0.1:0"),
        newsletters=(PAPER, WEEKEND),
    )
    return Runtime(settings=settings, home=folder, clock=Clock(NOON), database=database)


@pytest.fixture
def runtime(tmp_path: Path, database: Database, database_url: str) -> Runtime:
    return open_runtime(tmp_path, database, database_url, "https://news.example.org")


@pytest.fixture
def paper(runtime: Runtime) -> Paper:
    with runtime.database.writing() as session:
        sync_newsletters(session, runtime.settings.newsletters, NOON)
        ids = newsletter_ids(session)
        alice = Newcomer(
            address="alice@readers.example",
            address_key=runtime.address_key.of("alice@readers.example"),
            lane="rest",
            name="Alice",
        )
        for number in ids.values():
            alice_id = admit(session, number, [alice], NOON - timedelta(days=30)).new[alice.address_key]
    return Paper(runtime, ids, alice_id)


@pytest.fixture
def site(paper: Paper) -> Iterator[httpx.Client]:
    """A client of the paper's real server. Limits are the real ones but for a shorter patience."""
    server = WebServer(paper.runtime, limits=Limits(seconds=0.5))
    server.start()
    with httpx.Client(base_url=server.url, timeout=5) as client:
        yield client
    server.stop()


@pytest.fixture
def statements(paper: Paper) -> Iterator[list[str]]:
    """What is said to the store."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    event.listen(paper.runtime.database.engine, "before_cursor_execute", note)
    yield seen
    event.remove(paper.runtime.database.engine, "before_cursor_execute", note)


def without_token(page: str) -> str:
    """A page without what each copy has of its own, the token of its sign-up box."""
    return re.sub(r'name="form" value="[^"]+"', 'name="form"', page)


@contextmanager
def served(paper: Paper, **changes: object) -> Iterator[httpx.Client]:
    """A client of the paper's pages with other settings for `post`, and that newsletter alone."""
    only = (PAPER.model_copy(update=changes),)
    settings_of = paper.runtime.settings.model_copy(update={"newsletters": only})
    server = WebServer(replace(paper.runtime, settings=settings_of))
    server.start()
    with httpx.Client(base_url=server.url, timeout=5) as client:
        yield client
    server.stop()
