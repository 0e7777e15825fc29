"""What the desk's pages cost when there is much behind them, asked over HTTP from `newsletter web`.

.venv/bin/python -m bench.desk
.venv/bin/python -m bench.desk --readers 100000 --articles 5000

PostgreSQL is filled by statements of its own, as `bench.status` does it: readers, ninety editions with what
stood in them, the last of which is being sent, and a pool of many days. The next morning's edition is drafted
by the clock's own code, and an editor looks. The first look has its preflight made, which is then made anew
when the edition changes, or every twenty seconds.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import httpx
import sqlalchemy as sa

from bench.meter import Figure, Row, Stopwatch, machine, program
from bench.room import newsroom
from bench.status import NUMBERS, fill_all, moment
from newsletter.clock import machine_now
from newsletter.demo.catchall import free_port
from newsletter.errors import Refused
from newsletter.models import Role
from newsletter.runtime import Runtime
from newsletter.scheduler import keep_time
from newsletter.services import signing_in, staffing
from newsletter.services.counting import keep_counts
from newsletter.services.signing_in import Caller
from tests.newsroom import Newsroom, at, until

RESULTS = Path(__file__).parent / "results"
ANA = "ana@town.example"
MORNING = at("07:05", days=1)
APART = timedelta(minutes=2)  # so that nobody is slowed down
LAST, NEXT = "/desk/editions/town/2026-02-18", "/desk/editions/town/2026-02-19"
PAGES = {
    "Today": "/desk",
    "Edition": NEXT,
    "Edition, why out": f"{NEXT}/out",
    "Edition, approve": f"{NEXT}/decide/approve",
    "Sending": f"{LAST}/sending",
}
NOBODY, BOB = "eve@town.example", "bob@town.example"
NUMBERED = NUMBERS["postgresql"]
SECTION = "(ARRAY['World', 'Town', 'Culture', 'Sport', 'Money'])[n % 5 + 1]"
# No headline tells the story of another: a word of each stands in few others
HEADLINE = (
    "concat_ws(' ', 'Item', n, 'of a long day with many headlines:', 'of', n * 7919 % 9973, 'meets',"
    " n * 15485 % 8887, n * 31 % 7907)"
)
LATEST = MORNING - timedelta(minutes=5)


def main() -> None:
    given = _arguments()
    started, about, rows = machine_now(), machine(), []
    print(*(f"{name}: {value}" for name, value in about.items()), sep=" · ")
    for row in _measurements(given):
        figures = (f"{name} {value:,}" for name, value in row.figures.items())
        print(f"{row.what:<40}", " · ".join(figures), flush=True)
        rows.append(row)
    given.out.mkdir(exist_ok=True, parents=True)
    file = given.out / f"{started:%Y-%m-%dT%H%M%S}.json"
    result = {
        "at": started.isoformat(timespec="seconds"),
        "program": program(),
        "machine": about,
        "settings": {name: value for name, value in vars(given).items() if name != "out"},
        "rows": [asdict(row) for row in rows],
    }
    file.write_text(json.dumps(result, indent=1) + "\n")
    print(f"→ {file}")


def _measurements(given: argparse.Namespace) -> Iterator[Row]:
    with newsroom("postgresql") as room:
        room.configure(web_port=free_port())
        with room.opened(MORNING) as runtime:
            fill_all(runtime, "postgresql", given.readers, given.editions)
            _articles(runtime, given.articles, given.a_day)
            keep_counts(runtime, MORNING)
            watch = Stopwatch()
            keep_time(runtime, MORNING)
            yield Row("drafting, beside the clock", {"s": round(watch.read().wall, 2)})
            staffing.add(runtime, ANA, machine_now(), name="Ana", role=Role.PUBLISHER, who="bench")
            staffing.add(runtime, BOB, machine_now(), name="Bob", role=Role.EDITOR, who="bench")
            yield from _guesses(runtime, given.guesses)
            link = staffing.login_link(runtime, ANA, machine_now(), who="bench").url
        with _editor(room, link) as client:
            for name, path in PAGES.items():
                yield Row(name, _looks(client, path, given.looks))
            subjects = _subjects(client)
            yield Row("Edition, changed before each look", _looks(client, NEXT, given.looks, subjects))


def _guesses(runtime: Runtime, times: int) -> Iterator[Row]:
    """In vain for somebody with a password, somebody without one, and nobody, in turns: what a guesser could
    tell apart. The p is of Mann and Whitney's test against the first, by the normal distribution."""
    _give_password(runtime, ANA)
    taken: dict[str, list[float]] = {ANA: [], BOB: [], NOBODY: []}
    now = machine_now()
    for number in range(times):
        for address, seconds in taken.items():
            started = time.perf_counter()
            try:
                caller = Caller(f"{address} {number}", "bench")
                signing_in.by_password(runtime, address, "guess", now + number * APART, caller)
            except Refused:
                seconds.append(time.perf_counter() - started)
    for what, address in (("has a password", ANA), ("has none", BOB), ("is not here", NOBODY)):
        figures = {"median ms": round(1e3 * statistics.median(taken[address]), 2),
                   "p": round(_alike(taken[ANA], taken[address]), 3)}  # fmt: skip
        yield Row(f"a wrong password for one who {what}", figures)


def _give_password(runtime: Runtime, address: str) -> None:
    link = staffing.login_link(runtime, address, machine_now(), who="bench").url
    token = signing_in.by_link(runtime, link.rpartition("/")[2], machine_now(), Caller("bench", "bench"))
    person = signing_in.who_is(runtime, token, machine_now())
    assert person is not None
    signing_in.set_password(runtime, person, "", "four candles on the quay", machine_now())


def _alike(one: Sequence[float], other: Sequence[float]) -> float:
    """How likely ranks so different are if both came from one source."""
    above = sum((a > b) + (a == b) / 2 for a in one for b in other)
    n, m = len(one), len(other)
    spread = (n * m * (n + m + 1) / 12) ** 0.5
    return math.erfc(abs(above - n * m / 2) / spread / 2**0.5)


def _looks(
    client: httpx.Client, path: str, times: int, before: Callable[[], None] = lambda: None
) -> Mapping[str, Figure]:
    watch, taken, answer = Stopwatch(), [], None
    for _ in range(times + 1):
        before()
        started = time.perf_counter()
        answer = client.get(path)
        taken.append(1e3 * (time.perf_counter() - started))
        assert answer.status_code == 200, (path, answer.status_code)
    cost = watch.read()
    assert answer is not None
    return {
        "first ms": round(taken[0], 1), "median ms": round(statistics.median(taken[1:]), 1),
        "slowest ms": round(max(taken[1:]), 1), "page kB": round(len(answer.content) / 1e3, 1),
        "busy cores": round(cost.busy / cost.wall, 2),
    }  # fmt: skip


def _subjects(client: httpx.Client) -> Callable[[], None]:
    """Gives the edition another subject each time, so that nothing of it is known already."""
    token, number = _token(client.get("/desk/account").text), itertools.count()
    headers = {"Origin": str(client.base_url).rstrip("/")}

    def change() -> None:
        said = {"token": token, "subject": f"Subject no. {next(number)}"}
        assert client.post(f"{NEXT}/subject", data=said, headers=headers).status_code == 303

    return change


def _token(page: str) -> str:
    return page.partition('name="token" value="')[2].partition('"')[0]


@contextmanager
def _editor(room: Newsroom, link: str) -> Iterator[httpx.Client]:
    """A browser's cookies, signed in at the real command in a process of its own."""
    served = room.start("web", "--quiet", now=MORNING)
    origin, _, path = link.partition("/desk")
    try:
        with closing(httpx.Client(base_url=origin, timeout=60)) as client:
            until(lambda: _answers(client))
            token = _token(client.get(f"/desk{path}").text)
            entered = client.post(f"/desk{path}", data={"token": token}, headers={"Origin": origin})
            assert entered.status_code == 303, entered.status_code
            yield client
    finally:
        served.terminate()
        served.communicate()


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False


def _articles(runtime: Runtime, count: int, a_day: int) -> None:
    """The pool, `a_day` of them each day back from this morning, and what ran of it in the editions."""
    at = f"{moment('postgresql', LATEST)} - n * INTERVAL '{timedelta(days=1) / a_day}'"
    written = (
        "INSERT INTO article (id, url, identity, kind, title, summary, byline, section, language,"
        " picture_url, picture_width, picture_height, picture_alt, duration, html, published_at,"
        f" first_seen_at, updated_at) {NUMBERED} SELECT n + 1, 'https://town.example/' || n, 'town/' || n,"
        f" 'story', {HEADLINE}, repeat('What became of it, in a sentence or two. ', 4), '', {SECTION}, 'en',"
        f" '', 0, 0, '', '', '', {at}, {at}, {at} FROM g"
    )
    ran = (
        "INSERT INTO entry (edition_id, article_id, slot, section, position, pinned, headline, summary, why)"
        " SELECT edition.id, article.id, 'headlines', article.section, article.id % :a_day, false, '', '', ''"
        " FROM edition JOIN article ON (article.id - 1) / :a_day = (SELECT max(id) FROM edition) - edition.id"
        " WHERE article.id % (:a_day / 12) = 0"
    )
    with runtime.database.writing() as session:
        session.execute(sa.text(written), {"count": count})
        session.execute(sa.text(ran), {"a_day": a_day})
        for table in ("article", "edition"):
            numbers = f"pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table})"
            session.execute(sa.text(f"SELECT setval({numbers})"))
    with runtime.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the desk; the defaults take some three minutes.")
    parser.add_argument("--readers", type=int, default=1_000_000)
    parser.add_argument("--articles", type=int, default=50_000)
    parser.add_argument("--a-day", type=int, default=1_000, help="articles that come in a day")
    parser.add_argument("--editions", type=int, default=90)
    parser.add_argument("--guesses", type=int, default=200)
    parser.add_argument("--looks", type=int, default=40)
    parser.add_argument("--out", type=Path, default=RESULTS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
