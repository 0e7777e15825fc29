"""A whole newsroom for a story: its configuration, keys, store, relay, readers and articles.

    room = Newsroom(folder, database_url, server.port)
    room.import_stories(5)
    room.import_readers(60)
    room.run("tick", now="2026-02-18T14:00:00Z")

`run` gives a command to this very process, for that is quick; `start` and `call` give it to a process
of its own, for stories about processes.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any, cast

from newsletter.cli import run as run_command
from newsletter.clock import Clock, monotonic
from newsletter.config import load_settings
from newsletter.mail.links import AddressKey, Keys
from newsletter.runtime import Runtime, open_runtime
from tests.people import NINE

__all__ = ["NINE", "Done", "Newsroom", "at", "reader", "until"]

CONFIG = """
[database]
url = "{database}"
{database_keys}

[web]
public_url = "http://127.0.0.1:{web_port}"
bind = "127.0.0.1:{web_port}"

[sending]
{sending}

[dkim]
{dkim}

[[relays]]
name = "main"
host = "127.0.0.1"
port = {relay_port}
{relay}
connections = {connections}

{relays}

[preflight]
{preflight}

{feeds}

[[newsletters]]
slug = "town"
name = "Town Today"
from_address = "news@town.example"
postal_address = "1 Square, Town"
timezone = "America/New_York"
{newsletter}
"""
THE_DAY_BEFORE = NINE - timedelta(hours=24)
COMMAND = (sys.executable, "-m", "newsletter")


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object that it printed. Fails when there is anything beside it."""
        found = json.loads(self.out)
        assert isinstance(found, dict), self.out
        return found

    @property
    def said(self) -> str:
        """What a person read, on one line: terminals are narrow."""
        return " ".join((self.out + self.err).split())


def at(clock: str, *, days: int = 0) -> datetime:
    """The moment that New York's clocks show, on the story's date or so many days after."""
    hour, minute, *second = map(int, clock.split(":"))
    nine = NINE + timedelta(days=days)
    return nine + timedelta(hours=hour - 9, minutes=minute, seconds=second[0] if second else 0)


def reader(number: int) -> str:
    return f"reader{number}@readers.example"


def until(is_so: Callable[[], object], seconds: float = 60) -> None:
    """Wait for the world to come round; fails when it does not."""
    patience, pause = monotonic() + seconds, Event()
    while not is_so():
        assert monotonic() < patience, f"not within {seconds} seconds"
        pause.wait(0.02)


class Newsroom:
    """`town`, a daily at nine in New York. The keyword texts are added to its configuration's parts;
    keys that lie in the folder already are its keys. Its stories lie nowhere, so their links are not
    looked at unless a story is about that."""

    def __init__(
        self, folder: Path, database_url: str, relay_port: int, *, newsletter: str = "", sending: str = "",
        relay: str = 'tls = "none"', relays: str = "", feeds: str = "", database: str = "", dkim: str = "",
        connections: int = 4, web_port: int = 8000, preflight: str = "links = false",
    ) -> None:  # fmt: skip
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.config = folder / "config.toml"
        self.is_sqlite = database_url.startswith("sqlite")
        self.readers: list[str] = []
        self._texts: dict[str, object] = {
            "database": database_url, "database_keys": database, "relay_port": relay_port,
            "newsletter": newsletter, "sending": sending, "relay": relay, "relays": relays, "feeds": feeds,
            "connections": connections, "web_port": web_port, "dkim": dkim, "preflight": preflight,
        }  # fmt: skip
        self.configure()
        for name, kind in (("secret.key", Keys), ("suppression.key", AddressKey)):
            if not (folder / name).exists():
                kind.create(folder / name)

    def configure(self, **texts: object) -> None:
        """Write the configuration anew, with these texts in place of the old ones."""
        self._texts |= texts
        self.config.write_text(CONFIG.format(**self._texts))

    # ── who and what ──

    def import_stories(self, count: int = 5, *, published: datetime | None = None, kind: str = "day") -> None:
        """So many articles, which the newsroom has from the moment they were published."""
        moment = published or at("04:00")
        rows = (
            {"url": f"https://town.example/{kind}/{number}", "title": f"The {kind}'s story no. {number}",
             "section": "Town", "published_at": moment.isoformat()}
            for number in range(count)
        )  # fmt: skip
        self._import("articles", f"{kind}.jsonl", "".join(json.dumps(row) + "\n" for row in rows), moment)

    def import_readers(self, people: int | Iterable[str], *, now: datetime = THE_DAY_BEFORE) -> None:
        """So many readers, or these addresses."""
        addresses = list(map(reader, range(people))) if isinstance(people, int) else list(people)
        self.readers += addresses
        self._import("subscribers", "readers.csv", "\n".join(["address", *addresses, ""]), now)

    def _import(self, noun: str, name: str, text: str, now: datetime) -> None:
        (self.folder / name).write_text(text)
        words = ["--newsletter", "town"] if noun == "subscribers" else []
        done = self.run(noun, "import", str(self.folder / name), *words, now=now)
        assert done.code == 0, done.said

    # ── commands ──

    def run(self, *words: str, now: datetime | None = None) -> Done:
        """A command in this process."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err), _no_other_loop():
            code = run_command(self.words(*words, now=now))
        return Done(code, out.getvalue(), err.getvalue())

    def start(self, *words: str, now: datetime | None = None, **options: Any) -> subprocess.Popen[str]:
        """A command in a process of its own, which runs from here on."""
        return subprocess.Popen(
            [*COMMAND, *self.words(*words, now=now)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env=os.environ | {"NO_COLOR": "1"}, **options,
        )  # fmt: skip

    def call(self, *words: str, now: datetime | None = None, **options: Any) -> Done:
        """A command in a process of its own, to its end."""
        return ended(self.start(*words, now=now, **options))

    def words(self, *words: str, now: datetime | None = None) -> list[str]:
        """A command line of this newsroom."""
        return [*words, "--config", str(self.config), *(["--now", now.isoformat()] if now else [])]

    # ── questions ──

    @contextmanager
    def opened(self, now: datetime = NINE) -> Iterator[Runtime]:
        runtime = open_runtime(load_settings(self.config, {}, self.folder), Clock(now))
        try:
            yield runtime
        finally:
            runtime.database.close()

    def editions(self, now: datetime = NINE) -> dict[str, dict[str, Any]]:
        """Every edition's line, by its slug."""
        listed = self.run("editions", "list", "--json", now=now).json["editions"]
        return {line["slug"]: line for line in listed}

    def edition(self, slug: str = "2026-02-18", *, now: datetime = NINE) -> dict[str, Any]:
        """Everything that `editions show` has to say."""
        return self.run("editions", "show", f"town/{slug}", "--json", now=now).json

    def counts(self, slug: str = "2026-02-18") -> dict[str, int]:
        """How the edition's deliveries stand, without the zeros."""
        sums = cast(dict[str, int], self.edition(slug)["sums"])
        return {state: count for state, count in sums.items() if count}


@contextmanager
def _no_other_loop() -> Iterator[None]:
    """While a test has a browser, a loop of its driver's runs in this thread: none for a command to see."""
    other = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    try:
        yield
    finally:
        asyncio._set_running_loop(other)


def ended(process: subprocess.Popen[str], seconds: float = 120) -> Done:
    """Wait for a process to end, and say how it did."""
    out, err = process.communicate(timeout=seconds)
    return Done(process.returncode, out, err)
