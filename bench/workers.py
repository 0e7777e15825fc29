"""One worker process and two on one PostgreSQL, each mail signed by RSA-2048, over our sink.

The real command in processes of its own. The time is the ledger's, from the first settled delivery to the
last, so that starting up does not count; the rounds of one and of two alternate. Beside the figures stand
the cores that all of it kept busy: two workers cannot be quicker than one where there are no cores for them.
"""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator, Sequence
from statistics import median

from bench.meter import Figure, Row, Stopwatch
from bench.room import frozen_edition, import_readers, newsroom
from bench.sending import Sink
from newsletter.models import EditionState
from newsletter.services.sending import progress
from newsletter.store import deliveries, hints
from newsletter.values import Rendition
from tests.newsroom import NINE, Newsroom, until
from tests.signers import signers

PATIENCE = 1800.0  # seconds


def workers(
    readers: int, counts: Sequence[int], rounds: int, connections: int, rendition: Rendition
) -> Iterator[Row]:
    rates: dict[int, list[float]] = {count: [] for count in counts}
    for number in range(1, rounds + 1):
        for count in counts:
            figures = _round(readers, count, connections, rendition)
            rates[count].append(float(figures["mails/s"]))
            yield Row(f"{count} worker processes, round {number}", figures)
    first = median(rates[counts[0]])
    for count in counts[1:]:
        yield Row(f"{count} ÷ {counts[0]}", {"speed ×": round(median(rates[count]) / first, 2)})


def _round(readers: int, count: int, connections: int, rendition: Rendition) -> dict[str, Figure]:
    # What a relay allows is shared by all workers: each is to have as many as one alone would
    with newsroom("postgresql", connections=connections * count) as room:
        signers(room.folder, "town.example")
        room.configure(sending='engine = "procrastinate"', dkim='keys = { rsa = "dkim-rsa.pem" }')
        with room.opened() as runtime:
            hints.set_up(runtime.database)
            import_readers(runtime, room.folder, readers)
            edition, _, _ = frozen_edition(runtime, rendition)
            with Sink() as sink:
                room.configure(relay_port=sink.port)
                watch, before = Stopwatch(), _cpu_of_children()
                _deliver(room, count, edition)
                cost, cpu = watch.read(), _cpu_of_children() - before
            with runtime.database.reading() as session:
                begun, ended = deliveries.span(session, edition)
    assert begun and ended and sink.taken["mails"] == readers, "somebody was lost, or mailed twice"
    return {
        "mails/s": round(readers / (ended - begun).total_seconds(), 1),
        "CPU ms a mail": round(1e3 * (cpu - sink.taken["cpu"]) / readers, 3),
        "sink CPU ms a mail": round(1e3 * sink.taken["cpu"] / readers, 3),
        "busy cores": round(cost.busy / cost.wall, 2),
    }


def _deliver(room: Newsroom, count: int, edition: int) -> None:
    fleet = room.start("worker", "--quiet", "--processes", str(count), now=NINE)
    with room.opened() as runtime:
        until(lambda: progress(runtime, edition)[0] is EditionState.SENT, PATIENCE)
    fleet.send_signal(signal.SIGTERM)
    fleet.communicate()


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
