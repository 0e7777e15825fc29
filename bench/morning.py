"""All measurements of a morning, one after another: a table for people, JSON for later comparison.

python -m bench.morning
python -m bench.morning --only sending --send 5000 --profile loop.prof
python -m bench.morning --only workers
python -m bench.morning --only memory              (twenty minutes)
python -m bench.morning --only wire --pairs 7      (fetches Debian's postfix, and installs nothing)
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.memory import memory
from bench.meter import RESULTS, Row, report
from bench.postfix import fetched
from bench.rendering import compiling, filling, rendition
from bench.room import frozen_edition, import_readers, newsroom
from bench.sending import sending
from bench.signing import signing
from bench.storing import storing
from bench.wire import wire
from bench.workers import workers
from newsletter.clock import machine_now
from newsletter.services.sending import compose

PARTS = ("rendering", "signing", "storing", "sending", "wire", "workers", "memory")
USUAL = PARTS[:4]  # what needs no foreign program, and not every core
STORES = ("sqlite", "postgresql")
POSTFIX = Path(tempfile.gettempdir()) / "newsletter-bench-postfix"


def main() -> None:
    given = _arguments()
    report(_measurements(given), given, machine_now())


def _measurements(given: argparse.Namespace) -> Iterator[Row]:
    edition = rendition(given.stories)
    if "rendering" in given.only:
        yield from (compiling(stories) for stories in given.compile)
        with newsroom("sqlite") as room, room.opened() as runtime:
            import_readers(runtime, room.folder, 1)
            yield filling(compose(runtime, frozen_edition(runtime, edition)[0]), given.fill)
    if "signing" in given.only:
        yield from signing(edition, given.sign)
    if "storing" in given.only:
        for store in given.stores:
            yield from storing(store, given.readers, given.ledger, given.windows, edition)
    if "sending" in given.only:
        for store in given.send_stores:
            yield from sending(store, given.send, given.connections, given.naive, edition, given.profile)
    if "wire" in given.only:
        tools = fetched(given.postfix)
        yield from wire(given.send, given.pairs, given.connections, edition, tools, given.profile)
    if "workers" in given.only:
        yield from workers(given.send, given.workers, given.rounds, given.connections, edition)
    if "memory" in given.only:
        yield from memory(given.stores, given.sizes, given.connections, edition)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure a morning; the defaults take some two minutes.")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=USUAL)
    parser.add_argument("--stories", type=int, default=33, help="in the edition that is sent; 33 make 90 kB")
    parser.add_argument("--compile", type=int, nargs="+", default=(15, 40), metavar="STORIES")
    parser.add_argument("--fill", type=int, default=5_000, help="readers to fill an edition for")
    parser.add_argument("--sign", type=int, default=500, help="readers to sign for, seven times each way")
    parser.add_argument("--stores", nargs="+", choices=STORES, default=STORES)
    parser.add_argument(
        "--readers", type=int, default=100_000, help="to import, and to freeze an edition for"
    )
    parser.add_argument(
        "--ledger", type=int, default=10_000, help="deliveries through the ledger, each window"
    )
    parser.add_argument("--windows", type=int, nargs="+", default=(50, 100), help="rows begun and unanswered")
    parser.add_argument("--send-stores", nargs="+", choices=STORES, default=("sqlite",))
    parser.add_argument("--connections", type=int, default=20, help="of an engine to the sink")
    parser.add_argument("--send", type=int, default=20_000, help="readers to send an edition to")
    parser.add_argument("--naive", type=int, default=300, help="mails of the naive sender, twice")
    parser.add_argument("--pairs", type=int, default=5, help="of the engine and smtp-source, to each sink")
    parser.add_argument("--workers", type=int, nargs="+", default=(1, 2), help="processes that share a send")
    parser.add_argument("--rounds", type=int, default=3, help="of each number of workers")
    parser.add_argument(
        "--sizes",
        type=int,
        nargs="+",
        default=(20_000, 1_000_000),
        help="readers whose sends' memory is compared",
    )
    parser.add_argument("--postfix", type=Path, default=POSTFIX, help="folder for Debian's package")
    parser.add_argument(
        "--profile", type=Path, help="write the engine's profile; its figures are no good then"
    )
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the raw figures")
    return parser.parse_args()


if __name__ == "__main__":
    main()
