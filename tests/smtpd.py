"""A real SMTP server whose mood is scripted: by the recipient's address, or for everybody.

The letters before the first digit or sign of a local part name the mood (`tempfail17@x.test`):

    tempfail   451 at RCPT the first `tempfails` times, then accepted
    permfail   550 5.1.1: no such mailbox
    policy     550 5.7.1 at RCPT: a refusal that is not about the mailbox
    reject     554 5.7.1 after the final dot
    busy       421 at RCPT, and the connection is closed
    turns      354 to DATA, and closes before it reads on
    leaves     takes the content, says 421 to its dot, and closes
    hangs      takes the content and never answers the final dot
    drops      takes the content and closes without a word
    slow       answers the final dot after `slow` seconds

PIPELINING is offered unless `pipelining` says no; what came at once is answered in order.

A mail counts as accepted from the moment it is in `log`, a JSON line written through to the disk;
its 250 follows after a pause drawn from `delay`. So a log knows the truth that a killed sender cannot.

    with SmtpServer(delay=(5, 50), log=path) as server: ... server.port, server.mails, server.count("MAIL")
    python -m tests.smtpd --log accepted.jsonl --delay 5 50
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import sys
import threading
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.mail.smtpd_connection import Connection, Mail, Mood

__all__ = ["Mail", "Mood", "SmtpServer"]


class SmtpServer:
    """Listens on a free port of 127.0.0.1 in a thread of its own, from `with` to its end."""

    def __init__(
        self,
        mood: Mood | None = None,
        *,
        port: int = 0,
        log: Path | None = None,
        keep: Path | None = None,
        remember: bool = True,
        seed: int = 0,
        **moods: Any,
    ) -> None:
        self.mood = mood or Mood(**moods)
        self.port = port
        self.mails: list[Mail] = []
        self.commands: list[list[str]] = []  # each connection's command lines, as they came
        self.accepted = 0
        self.widest = 0  # so many connections were open at a time
        self.tries: Counter[str] = Counter()
        self.random = random.Random(seed)
        self.remember = remember
        self._log_path, self._log = log, -1
        self._keep = keep
        self._loop = asyncio.new_event_loop()
        self._open: set[Connection] = set()
        self._thread = threading.Thread(target=self._run, name="smtpd", daemon=True)
        self._ready = threading.Event()
        self._trouble: BaseException | None = None

    def __enter__(self) -> SmtpServer:
        self._thread.start()
        self._ready.wait()
        if self._trouble is not None:
            raise self._trouble
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def count(self, verb: str) -> int:
        """How many command lines began with this verb, over all connections."""
        return sum(line.upper().startswith(verb) for lines in self.commands for line in lines)

    def recipients(self) -> Counter[str]:
        return Counter(mail.recipient for mail in self.mails)

    def accept(self, mail: Mail) -> None:
        """From here on the mail is taken, whatever becomes of the connection."""
        self.accepted += 1
        if self._log >= 0:
            line = {
                "recipient": mail.recipient,
                "message_id": mail.message_id,
                "at": datetime.now(UTC).isoformat(),
            }
            os.write(self._log, json.dumps(line).encode() + b"\n")
            os.fsync(self._log)
        if self._keep is not None:
            (self._keep / f"{self.accepted:06}.eml").write_bytes(mail.content)
        if self.remember:
            self.mails.append(mail)

    def enter(self, connection: Connection) -> list[str]:
        self._open.add(connection)
        self.widest = max(self.widest, len(self._open))
        self.commands.append([])
        return self.commands[-1]

    def leave(self, connection: Connection) -> None:
        self._open.discard(connection)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            if self._log_path is not None:
                self._log = os.open(self._log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            tls = self.mood.certificate if self.mood.implicit_tls else None
            server = self._loop.run_until_complete(
                self._loop.create_server(lambda: Connection(self), "127.0.0.1", self.port, ssl=tls)
            )
            self.port = server.sockets[0].getsockname()[1]
        except BaseException as error:
            self._trouble = error
            return
        finally:
            self._ready.set()
        self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(self._end())
        self._loop.close()
        if self._log >= 0:
            os.close(self._log)

    async def _end(self) -> None:
        for connection in list(self._open):
            connection.abort()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)


def main() -> None:
    """Runs until SIGTERM; prints its port as the first line, as JSON."""
    parser = argparse.ArgumentParser(description="A scripted SMTP server for rehearsals.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--delay", type=float, nargs=2, default=(0.0, 0.0), metavar="MS")
    parser.add_argument("--slow", type=float, default=0.2)
    parser.add_argument("--tempfails", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--stop-and-wait", action="store_true", help="do not offer PIPELINING")
    given = parser.parse_args()
    mood = Mood(
        delay=tuple(given.delay), slow=given.slow, tempfails=given.tempfails,
        pipelining=not given.stop_and_wait,
    )  # fmt: skip
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with SmtpServer(
        mood, port=given.port, log=given.log, keep=given.keep, remember=False, seed=given.seed
    ) as server:
        sys.stdout.write(json.dumps({"port": server.port}) + "\n")
        sys.stdout.flush()
        stop.wait()


if __name__ == "__main__":
    main()
