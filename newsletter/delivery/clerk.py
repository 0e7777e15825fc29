"""The clerk: writes into the ledger what batches have to say, as much as waits, in one transaction.

A transaction costs about the same whatever it carries, and only one can be written at a time. So before one
is written the clerk waits a moment for whoever would speak up soon, and what is said meanwhile goes into the
next: that a batch is wanted, how far another has come, that a third is done. No batch begins a row before
its own watermark is durable.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from newsletter.delivery.patience import patiently
from newsletter.errors import StoreFailed
from newsletter.store import closing, ledger
from newsletter.store.database import Database
from newsletter.store.ledger import Begun
from newsletter.store.watermarks import Entry, Taken
from newsletter.values import BatchKey

GATHER = 0.002  # seconds


@dataclass(frozen=True, slots=True)
class Wish:
    """A batch that is wanted in hand."""

    key: BatchKey
    now: datetime


Said = Entry | Wish
Answer = Begun | Taken | None
Waiting = tuple[Said, asyncio.Future[Any]]


class Clerk:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[Waiting] = []
        self._writing: asyncio.Task[None] | None = None
        self._started: set[int] = set()  # editions of which a batch was taken here
        self.is_gathering = False

    async def take(self, key: BatchKey, now: datetime) -> Taken | None:
        """As the ledger's `take`; of a cancelled edition the batch is closed. Raises StoreFailed."""
        taken: Taken | None = await self._answer_to(Wish(key, now))
        return taken

    async def commit(self, entry: Entry) -> Begun | None:
        """As the ledger's `commit`. Raises StoreFailed when the store has not answered for long."""
        begun: Begun | None = await self._answer_to(entry)
        return begun

    async def _answer_to(self, said: Said) -> Any:
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((said, answer))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())
        return await answer

    async def _write_all(self) -> None:
        while self._waiting:
            self.is_gathering = True
            await asyncio.sleep(GATHER)
            self.is_gathering = False
            together, self._waiting = self._waiting, []
            # A first wish locks its edition, which others may hold while they wait for our batches
            starts = [waiting for waiting in together if self._starts(waiting[0])]
            for alone in starts:
                await self._written([alone])
            await self._write_together([waiting for waiting in together if waiting not in starts])

    def _starts(self, said: Said) -> bool:
        return isinstance(said, Wish) and said.key.edition_id not in self._started

    async def _write_together(self, together: Sequence[Waiting]) -> None:
        if together and not await self._written(together):
            for alone in together:  # so that what is wrong with one of them is not wrong with all
                await self._written([alone])

    async def _written(self, together: Sequence[Waiting]) -> bool:
        """Whether each has its answer. A store that fails fails everybody; what else is wrong is the fault of
        one of them, and its answer once it is alone."""
        try:
            answers = await patiently(self._write, [said for said, _ in together])
        except Exception as error:
            if len(together) > 1 and not isinstance(error, StoreFailed):
                return False
            for _, answer in together:
                if not answer.done():
                    answer.set_exception(error)
            return True
        self._started |= {found.key.edition_id for found in answers if isinstance(found, Taken)}
        for (_, answer), found in zip(together, answers, strict=True):
            if not answer.done():  # whoever asked may have been interrupted meanwhile
                answer.set_result(found)
        return True

    def _write(self, said: Sequence[Said]) -> list[Answer]:
        entries = [one for one in said if isinstance(one, Entry)]
        with self._database.writing() as session:
            taken = iter([_take(session, one) for one in said if isinstance(one, Wish)])
            begun = iter(ledger.commit(session, entries) if entries else ())
        return [next(begun) if isinstance(one, Entry) else next(taken) for one in said]


def _take(session: Session, wish: Wish) -> Taken | None:
    taken = ledger.take(session, wish.key, wish.now)
    if taken is None:
        closing.close_cancelled(session, wish.key, wish.now)
    return taken
