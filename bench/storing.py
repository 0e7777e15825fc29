"""What the store costs: taking readers in, freezing an edition for them, keeping its ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from bench.meter import Cost, Figure, Row, Stopwatch
from bench.room import frozen_edition, import_readers, newsroom
from newsletter.config import Sending
from newsletter.delivery.clerk import Clerk
from newsletter.models import BatchState, DeliveryState
from newsletter.store.database import Database
from newsletter.store.deliveries import due_batches, sums
from newsletter.store.watermarks import Entry
from newsletter.values import BatchKey, Fate, Outcome, Phase, Rendition, Settled
from tests.newsroom import NINE

TOGETHER = Sending().batches_at_once
ACCEPTED = Outcome(Fate.ACCEPTED, Phase.CONTENT, 250, "2.0.0", "ok", "main")


def storing(
    store: str, readers: int, deliveries: int, windows: Sequence[int], rendition: Rendition
) -> Iterator[Row]:
    """One store's whole story; of the frozen edition only `deliveries` rows go through the ledger."""
    with newsroom(store) as room, room.opened() as runtime:
        cost = import_readers(runtime, room.folder, readers)
        yield Row(
            f"import of {readers:,} readers, {store}", _with({"rows/s": round(readers / cost.wall)}, cost)
        )
        edition, frozen, cost = frozen_edition(runtime, rendition)
        yield Row(f"freeze of {frozen:,} readers, {store}", _with({"seconds": round(cost.wall, 2)}, cost))
        yield from _ledgers(runtime.database, store, edition, deliveries, windows)


def _ledgers(
    database: Database, store: str, edition: int, deliveries: int, windows: Sequence[int]
) -> Iterator[Row]:
    with database.reading() as session:
        keys = due_batches(session, NINE, without=(), limit=10**6)
    walked = asyncio.run(_walk_all(database, keys, deliveries, windows))
    with database.reading() as session:
        assert sums(session, edition).sent == sum(rows for rows, _, _ in walked.values())
    for window, (rows, wall, cpu) in walked.items():
        figures: dict[str, Figure] = {
            "µs a delivery": round(1e6 * wall / rows, 1),
            "our CPU µs a delivery": round(1e6 * cpu / rows, 1),
            "deliveries": rows,
        }
        yield Row(f"ledger at window {window}, {store}", figures)


async def _walk_all(
    database: Database, keys: Sequence[BatchKey], deliveries: int, windows: Sequence[int]
) -> dict[int, tuple[int, float, float]]:
    """Deliveries of each window, and their seconds by the clock and of our CPU: a few batches at a time, the
    windows in turn, so that what disturbs the one disturbs the other."""
    walked = dict.fromkeys(windows, (0, 0.0, 0.0))
    for turn, at in enumerate(range(0, len(keys), TOGETHER)):
        window = windows[turn % len(windows)]
        watch = Stopwatch()
        done = await _walk_together(database, keys[at : at + TOGETHER], window)
        cost, (rows, wall, cpu) = watch.read(), walked[window]
        walked[window] = rows + done, wall + cost.wall, cpu + cost.cpu
        if min(rows for rows, _, _ in walked.values()) >= deliveries:
            break
    return walked


async def _walk_together(database: Database, keys: Sequence[BatchKey], window: int) -> int:
    """Batches beside each other, as the engine walks them, over one clerk."""
    clerk = Clerk(database)
    return sum(await asyncio.gather(*(_walk(clerk, key, window) for key in keys)))


async def _walk(clerk: Clerk, key: BatchKey, window: int) -> int:
    """A whole batch, as the engine does it, but everything that is begun is accepted at once."""
    taken = await clerk.take(key, NINE)
    assert taken is not None
    known: list[Settled] = []
    for begun in range(0, taken.size, window):
        moved = await clerk.commit(Entry(taken, known, begun, min(begun + window, taken.size)))
        assert moved is not None
        known = [Settled(recipient, DeliveryState.SENT, ACCEPTED, NINE) for recipient in moved.recipients]
    await clerk.commit(Entry(taken, known, taken.size, taken.size, BatchState.DONE))
    return taken.size


def _with(figures: dict[str, Figure], cost: Cost) -> dict[str, Figure]:
    return figures | {"our CPU s": round(cost.cpu, 2), "other cores": round(cost.others(), 2)}
