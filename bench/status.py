"""What a glance costs when there is much to look at: `newsletter status` over a large store.

python -m bench.status
python -m bench.status --readers 100000 --stores sqlite

The store is filled by statements of its own, for only the looking is measured: readers, an edition a
day with its batches' sums, and one edition that is being sent, all its rows in the ledger.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from bench.meter import Figure, Row, machine
from bench.room import newsroom
from newsletter.runtime import Runtime
from newsletter.services.counting import keep_counts
from newsletter.services.status import status
from newsletter.store.newsletters import sync_newsletters
from tests.newsroom import COMMAND, NINE, THE_DAY_BEFORE, Newsroom

STORES = ("sqlite", "postgresql")
BATCH = 500
LANE = "CASE n / 500 % 10 WHEN 0 THEN 'gmail' WHEN 1 THEN 'microsoft' WHEN 2 THEN 'yahoo' ELSE 'rest' END"
NUMBERS = {
    "sqlite": "WITH RECURSIVE g(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM g WHERE n + 1 < :count)",
    "postgresql": "WITH g AS (SELECT generate_series(0, :count - 1) AS n)",
}


def main() -> None:
    given = _arguments()
    print(*(f"{name}: {value}" for name, value in machine().items()), sep=" · ")
    for store in given.stores:
        with newsroom(store) as room:
            with room.opened() as runtime:
                fill_all(runtime, store, given.readers, given.editions)
                _kept(runtime)
            for row in _looks(room, store, given.looks):
                figures = (f"{name} {value:,}" for name, value in row.figures.items())
                print(f"{row.what:<56}", " · ".join(figures), flush=True)


def _looks(room: Newsroom, store: str, looks: int) -> Iterator[Row]:
    now = NINE + timedelta(minutes=10)
    with room.opened(now) as runtime:
        found = status(runtime, now)  # once to warm up, and to see that there is something to see
        assert found.newsletters[0].people and found.running[0].words, found
        yield Row(f"status, the answer, {store}", _seconds(lambda: status(runtime, now), looks))
    words = [*COMMAND, "status", "--config", str(room.config), "--now", now.isoformat()]
    yield Row(
        f"newsletter status, the whole command, {store}",
        _seconds(lambda: subprocess.run(words, check=False, capture_output=True), looks),
    )
    bare = [sys.executable, "-c", "import newsletter.cli"]
    yield Row("of which python and imports", _seconds(lambda: subprocess.run(bare, check=True), looks))


def _seconds(look: Callable[[], object], times: int) -> dict[str, Figure]:
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        look()
        taken.append(time.perf_counter() - started)
    return {"median s": round(statistics.median(taken), 3), "slowest s": round(max(taken), 3)}


def _kept(runtime: Runtime) -> None:
    started = time.perf_counter()
    keep_counts(runtime, NINE)
    print(f"{'counting everybody, beside the clock':<56} s {time.perf_counter() - started:.2f}", flush=True)


def fill_all(runtime: Runtime, store: str, readers: int, editions: int) -> None:
    numbers = NUMBERS[store]
    statements = [_deliveries(numbers, editions)]
    for number in range(editions, 0, -1):
        at = moment(store, NINE - timedelta(days=editions - number))
        statements[:0] = [_edition(number, editions, at), _batches(numbers, number, editions, at)]
    fill(runtime, readers, [*people(store), *statements])


def fill(runtime: Runtime, readers: int, statements: Sequence[str]) -> None:
    """Give these statements to a store that knows its newsletters; `:count` in them is `readers`."""
    with runtime.database.writing() as session:
        sync_newsletters(session, runtime.settings.newsletters, NINE)
    with runtime.database.writing() as session:
        for statement in statements:
            session.execute(sa.text(statement), {"count": readers} if ":count" in statement else {})
    with runtime.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")


def moment(store: str, instant: datetime) -> str:
    written = f"'{instant:%Y-%m-%d %H:%M:%S.%f}"
    return f"TIMESTAMPTZ {written}+00'" if store == "postgresql" else f"{written}'"


def people(store: str) -> list[str]:
    """Readers of the first newsletter; one of twenty has left."""
    numbers, at = NUMBERS[store], moment(store, THE_DAY_BEFORE)
    return [
        f"INSERT INTO subscriber (id, address, address_key, lane, name, created_at) {numbers}"
        " SELECT n + 1, 'reader' || n || '@d' || (n % 997) || '.example', 'key' || n,"
        f" {LANE}, '', {at} FROM g",
        "INSERT INTO subscription (subscriber_id, newsletter_id, state, cadence, active_since, consent_text,"
        f" consent_source) {numbers} SELECT n + 1, 1,"
        f" CASE n % 20 WHEN 0 THEN 'ended' ELSE 'active' END, 'daily', {at}, '', '' FROM g",
    ]


def _deliveries(numbers: str, edition: int) -> str:
    """Half of them settled; in every tenth batch some refused."""
    return (
        "INSERT INTO delivery (edition_id, batch_no, pos, subscriber_id, attempt, state, fate, relay, reply)"
        f" {numbers} SELECT {edition}, n / {BATCH}, n % {BATCH}, n + 1, 1,"
        f" CASE WHEN n >= :count / 2 THEN 'queued' WHEN n / {BATCH} % 10 = 3 AND n % 50 = 7 THEN 'failed'"
        f" ELSE 'sent' END, '', 'main', CASE WHEN n / {BATCH} % 10 = 3 AND n % 50 = 7"
        " THEN '550 5.1.1 <reader' || n || '@d.example>: no such user' ELSE '' END FROM g"
    )


def _edition(number: int, editions: int, at: str) -> str:
    day = f"{NINE - timedelta(days=editions - number):%Y-%m-%d}"
    state = "sending" if number == editions else "sent"
    return (
        "INSERT INTO edition (id, newsletter_id, slug, kind, local_date, due_at, state, version, late, why,"
        " resume_to, subject, frozen_at, began_at, reasons, created_at) VALUES"
        f" ({number}, 1, '{day}', 'daily', '{day}', {at}, '{state}', 1, false, '', '', 'S', {at}, {at},"
        f" '{{}}', {at})"
    )


def _batches(numbers: str, number: int, editions: int, at: str) -> str:
    is_open = f"n >= :count / 2 AND {number} = {editions}"
    failed = f"CASE WHEN {is_open} THEN 0 WHEN n / {BATCH} % 10 = 3 THEN {BATCH // 50} ELSE 0 END"
    return (
        "INSERT INTO batch (edition_id, no, lane, due_at, not_before, deadline, state, size, begun, token,"
        f" sent, deferred, failed, unknown, expired, cancelled, moved) {numbers}"
        f" SELECT {number}, n / {BATCH}, {LANE}, {at}, {at}, {at},"
        f" CASE WHEN {is_open} THEN 'ready' ELSE 'done' END, {BATCH}, 0, 1,"
        f" CASE WHEN {is_open} THEN 0 ELSE {BATCH} - {failed} END, 0, {failed}, 0, 0, 0, 0"
        f" FROM g WHERE n % {BATCH} = 0"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure a glance; the defaults take some four minutes.")
    parser.add_argument("--stores", nargs="+", choices=STORES, default=STORES)
    parser.add_argument("--readers", type=int, default=1_000_000)
    parser.add_argument("--editions", type=int, default=90)
    parser.add_argument("--looks", type=int, default=5)
    return parser.parse_args()


if __name__ == "__main__":
    main()
