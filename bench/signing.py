"""What a signature costs: the same readers' mails filled unsigned, and signed with each kind of key.

Rounds alternate, so that whatever else the machine does falls on all of them alike; the figure is the
median of the rounds. Beside it stands what no program could save: the key's own work on one digest.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from statistics import median

from bench.meter import Cost, Figure, Row, Stopwatch
from newsletter.mail.dkim import Signing
from newsletter.mail.message import Compiled
from newsletter.mail.signing_keys import SigningKey
from newsletter.values import Recipient, Rendition
from tests.mail.test_message import LETTERHEAD, LINKS
from tests.signers import signers

ROUNDS = 7


def signing(rendition: Rendition, readers: int) -> Iterator[Row]:
    """Both parts, all headers and the signatures, for `readers` one after another in each round."""
    people = [
        Recipient(number, f"reader{number}@readers.example", f"Zoë Reader {number}", 1, number)
        for number in range(1, readers + 1)
    ]
    with tempfile.TemporaryDirectory(prefix="newsletter-bench-") as folder:
        both, _ = signers(Path(folder), "harbour.example")
    ways = {"unsigned": Signing(), **{key.algorithm: Signing((key,)) for key in both.keys}, "both": both}
    mails = {way: Compiled(rendition, LETTERHEAD, LINKS, signing) for way, signing in ways.items()}
    body = mails["unsigned"].fill(people[0])
    digest = sha256(body).digest()
    works: dict[str, Callable[[int], object]] = {f"SHA-256 of {len(body):,} bytes": lambda _: sha256(body)}
    works |= {f"{key.algorithm}, the key's own work": partial(_sign, key, digest) for key in both.keys}
    works |= {f"fill, {way}": partial(_fill, compiled, people) for way, compiled in mails.items()}
    costs: dict[str, list[Cost]] = {what: [] for what in works}
    for _ in range(ROUNDS):
        for what, work in works.items():
            costs[what].append(_measured(work, readers))
    yield from (Row(what, _figures(measured, readers)) for what, measured in costs.items())


def _sign(key: SigningKey, digest: bytes, _: int) -> bytes:
    return key.sign(digest)


def _fill(compiled: Compiled, people: Sequence[Recipient], number: int) -> bytes:
    return compiled.fill(people[number])


def _measured(work: Callable[[int], object], times: int) -> Cost:
    watch = Stopwatch()
    for number in range(times):
        work(number)
    return watch.read()


def _figures(costs: list[Cost], readers: int) -> dict[str, Figure]:
    return {
        "CPU µs": round(1e6 * median(cost.cpu for cost in costs) / readers, 1),
        "least CPU µs": round(1e6 * min(cost.cpu for cost in costs) / readers, 1),
        "other cores": round(median(cost.others() for cost in costs), 2),
    }
