"""What any command shows can be read at eighty columns and without colour.

One newsroom goes through a day by every command that there is; a new command must join in here. Headlines,
addresses and names are longer than a line.
"""

from __future__ import annotations

import io
import shlex
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass

import pytest
import sqlalchemy as sa

from newsletter.cli import run
from newsletter.models import Batch, Delivery, Edition
from tests.cli.commands import COMMANDS, understand
from tests.feeds.server import Server
from tests.newsroom import Done, Newsroom, at
from tests.smtpd import SmtpServer
from tests.stories.test_morning_from_feeds import FEEDS

TODAY, EXTRA = "town/2026-02-18", "town/2026-02-18-extra-1"
LONG = "a day so long that its name alone would fill more than one line of eighty columns"
READER = "a.reader.whose.address.is.rather.long@and.whose.domain.is.even.longer.example"
NEWS = (
    "harbour ferry", "council budget", "school orchestra", "football final", "bakery oven", "museum lantern",
    "winter storm",
)  # fmt: skip
LINK = "https://town.example/a/story/whose/address/does/not/fit/into/one/line/of/eighty/columns/at/all"

DAWN = (
    "init {folder}/fresh", "db upgrade", "db check", "gather", "feeds list", "feeds try {feed}",
    f"articles add {LINK} --title '{LONG}'", "articles import {folder}/more.jsonl", "articles list",
    "articles show 1", f"articles hide {LINK}", "editions draft town", f"articles why 1 --edition {TODAY}",
    "articles merge 1 2", "articles split 2",
    f"subscribers add second.{READER} --newsletter town", "subscribers list",
    "subscribers import {folder}/people.csv --newsletter town --dry-run",
    f"subscribers show {READER}", "subscribers export --all -o {folder}/people.out",
    f"subscribers suppress second.{READER} --why '{LONG}'",
    f"subscribers lift second.{READER} --why '{LONG}'",
    f"subscribers forget second.{READER} --yes",
    "editions draft town --extra", "editions list", f"editions show {TODAY} --why",
    f"editions pin {TODAY} 3 --slot lead", f"editions move {TODAY} 3 --slot headlines",
    f"editions reword {TODAY} 3 --headline '{LONG}, and more'", f"editions drop {TODAY} 3",
    f"editions check {TODAY}", f"editions preview {TODAY} -o {{folder}}/preview",
    f"editions hold {TODAY} --why '{LONG}'", f"editions skip {EXTRA} --why '{LONG}'",
    f"editions unskip {EXTRA}", "status", "send town --dry-run", f"editions approve {TODAY}",
    "theme list", "theme new gazette", "theme check gazette", "theme check default",
    "theme preview default -o {folder}/shown", "relays probe", "relays list", "relays use main",
    "relays use auto", "people list", f"people add admin.{READER} --role admin",
    f"people add editor.{READER} --role editor", "people list", f"people role editor.{READER} publisher",
    f"people login-link editor.{READER}", f"people remove editor.{READER}",
    "embed town --kind module", "dkim new", "dkim new --algorithm ed25519",
)  # fmt: skip
UNDER_WAY = ("status", f"pause {TODAY}", f"resume {TODAY}", "stop-all", "status", "resume --all", "tick")
AFTER = (
    f"editions show {TODAY}", "unknown list", f"unknown count-sent {TODAY} {READER}", "status",
    f"unknown resend {TODAY} --all",
)  # fmt: skip
FRONT = '[gathering]\nallow_hosts = ["127.0.0.1"]\n[[feeds]]\nname = "front"\nurl = "{}"'
BY_THEMSELVES = {
    **dict.fromkeys(("serve", "web", "scheduler", "worker"), "ends when it is told to"),
    "demo": "brings a newsroom of its own",
}


def outside(words: list[str]) -> Done:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run(words)
    return Done(code, out.getvalue(), err.getvalue())


@dataclass
class Day:
    room: Newsroom
    places: dict[str, str]

    def show(self, line: str, clock: str) -> Done:
        """What a command writes where there is no terminal; it may find that a person is needed."""
        words = shlex.split(line.format(**self.places))
        is_first = words[0] == "init"  # it makes the configuration that the others are given
        done = outside(words) if is_first else self.room.run(*words, now=at(clock))
        assert done.code in (0, 4), f"{line}: {done.said}"
        return done

    def put(self, name: str, **states: str) -> None:
        """As a worker leaves it that is at work, or has died."""
        with self.room.opened() as runtime, runtime.database.writing() as session:
            number = session.execute(
                sa.select(Edition.id).where(Edition.slug == name.partition("/")[2])  # type: ignore[arg-type, call-overload]
            ).scalar_one()
            if "edition" in states:
                session.execute(
                    sa.update(Edition).where(Edition.id == number).values(state=states["edition"])
                )  # type: ignore[arg-type]
            if "deliveries" in states:
                session.execute(sa.update(Delivery).values(state=states["deliveries"]))
                taken = {"sent": Batch.sent + Batch.unknown, "unknown": 0}
                doubted = {"unknown": Batch.sent + Batch.unknown, "sent": 0}
                session.execute(sa.update(Batch).values(taken if states["deliveries"] == "sent" else doubted))


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    folder = tmp_path_factory.mktemp("day")
    feed = Server()
    address = feed.on("/front", (FEEDS / "sport.rss").read_bytes(), Content_Type="application/xml")
    with SmtpServer() as relay:
        room = Newsroom(
            folder, f"sqlite:///{folder}/newsletter.db", relay.port,
            feeds=FRONT.format(address),
        )  # fmt: skip
        room.config.write_text('themes = "themes"\n' + room.config.read_text())
        room.run("db", "upgrade")
        for news in NEWS:
            room.import_stories(1, kind=" and the ".join([news] * 6))
        room.import_readers([READER, "ana@readers.example"])
        (folder / "more.jsonl").write_text(f'{{"url": "{LINK}/too", "title": "{LONG}"}}\n')
        (folder / "people.csv").write_text(f"address;name\nx.{READER};{LONG}\nnobody;{LONG}\n")
        yield Day(room, {"folder": str(folder), "feed": address})
    feed.close()


def wide(done: Done) -> list[str]:
    """Lines that no terminal of eighty columns shows as they are. What is to be copied stays whole: a
    command, and a word that fills a line, such as a path or a key's record."""
    lines = [line for line in (done.out + done.err).splitlines() if not line.startswith("  →")]
    return [line for line in lines if "\x1b" in line or (len(line) > 80 and len(line.split()) > 3)]


def test_nothing_that_any_command_shows_is_wider_or_coloured(day: Day) -> None:
    shown: dict[str, Done] = {}
    shown |= {line: day.show(line, "05:00") for line in DAWN}
    day.show("tick", "08:58")
    day.put(TODAY, edition="sending")
    shown |= {line: day.show(line, "08:59") for line in UNDER_WAY}
    day.put(TODAY, edition="sent", deliveries="unknown")
    shown |= {line: day.show(line, "09:10") for line in AFTER}
    day.put(TODAY, edition="sent", deliveries="sent")
    correct = f"editions correct {TODAY} --what '{LONG}' --dry-run"
    shown[correct] = day.show(correct, "09:15")
    day.put(TODAY, edition="paused")
    shown[f"cancel {TODAY}"] = day.show(f"cancel {TODAY}", "09:20")
    assert {understand(f"newsletter {line}") for line in shown} == COMMANDS.keys() - BY_THEMSELVES.keys()
    assert [f"{line}: {found[:90]}" for line, done in shown.items() for found in wide(done)] == []
