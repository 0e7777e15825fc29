"""Whether time gives away who is known: the same forms with addresses of readers and of nobody.

python -m bench.knowing

One form after the other over one connection to the real `newsletter web`, known and unknown addresses in an
order drawn by lot, and both distributions side by side. What counts is the difference between their medians
against how far times scatter anyhow.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from statistics import median, quantiles

import httpx

from bench.leaving import STORES, running
from bench.meter import RESULTS, Figure, Row, report
from bench.room import newsroom
from newsletter.clock import machine_now
from newsletter.demo.catchall import free_port
from tests.newsroom import Newsroom, at

NO_LIMITS = "links = false\n[sign_up]\n" + "".join(
    f"{name} = 1_000_000\n" for name in ("per_domain", "per_network", "overall")
)


def main() -> None:
    given = _arguments()
    report(_measurements(given), given, machine_now())


def _measurements(given: argparse.Namespace) -> Iterator[Row]:
    for store in given.stores:
        with newsroom(store) as room:
            port = free_port()
            room.configure(web_port=port, preflight=NO_LIMITS)
            # Each is asked for once a form, for a second letter to one mailbox is none
            known = [f"reader{number}@readers.example" for number in range(given.forms)]
            room.import_readers(
                [*known, *(f"more{number}@readers.example" for number in range(given.readers))]
            )
            for path in ("/", "/preferences"):
                with running(room, port, "web", "08:00"):
                    yield from _asked(room, port, path, store, known)


def _asked(room: Newsroom, port: int, path: str, store: str, known: list[str]) -> Iterator[Row]:
    with room.opened() as runtime:
        form = runtime.links.form(at("08:00") - timedelta(minutes=1))
    readers = set(known)
    asked = [*known, *(f"nobody{number}@readers.example" for number in range(len(known)))]
    random.Random(7).shuffle(asked)
    seconds: dict[bool, list[float]] = {True: [], False: []}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        for address in asked:
            started = time.perf_counter()
            answer = client.post(
                path, data={"address": address, "form": form, "get-town": "yes", "website": ""}
            )
            seconds[address in readers].append(time.perf_counter() - started)
            assert answer.status_code == 200, answer.text
    for is_known, taken in seconds.items():
        yield Row(f"POST {path}, {store}, {'known' if is_known else 'unknown'}", _spread(taken))
    gap = abs(median(seconds[True]) - median(seconds[False]))
    ordered = quantiles([*seconds[True], *seconds[False]], n=4)
    yield Row(f"POST {path}, {store}, known against unknown", {
        "medians differ by ms": round(1e3 * gap, 3),
        "of what half of all times scatter by, %": round(100 * gap / (ordered[2] - ordered[0]), 1),
    })  # fmt: skip


def _spread(seconds: list[float]) -> dict[str, Figure]:
    marks = quantiles(seconds, n=100)
    return {f"{share} % ms": round(1e3 * marks[share - 1], 2) for share in (5, 25, 50, 75, 95, 99)}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure what time gives away; it takes some two minutes.")
    parser.add_argument("--stores", nargs="+", choices=STORES, default=STORES)
    parser.add_argument("--readers", type=int, default=20_000, help="beside those who are asked for")
    parser.add_argument("--forms", type=int, default=600, help="of each kind, at each of two places")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the raw figures")
    return parser.parse_args()


if __name__ == "__main__":
    main()
