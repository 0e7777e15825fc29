"""The clerk: writes into the ledger what batches have to say, as much as waits, in one transaction.

A commit costs about the same whatever it carries, and only one can be written at a time. So before one is
written the clerk waits a moment for whoever would speak up soon, and what is said meanwhile goes into the
next. No batch begins a row before its own watermark is durable.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from newsletter.delivery.patience import patiently
from newsletter.errors import StoreFailed
from newsletter.store.database import Database
from newsletter.store.ledger import Begun, Entry, commit

GATHER = 0.002  # seconds

Answer = asyncio.Future[Begun | None]


class Clerk:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[tuple[Entry, Answer]] = []
        self._writing: asyncio.Task[None] | None = None
        self.is_gathering = False

    async def commit(self, entry: Entry) -> Begun | None:
        """As the ledger's `commit`. Raises StoreFailed when the store has not answered for long."""
        answer: Answer = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, answer))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())
        return await answer

    async def _write_all(self) -> None:
        while self._waiting:
            self.is_gathering = True
            await asyncio.sleep(GATHER)
            self.is_gathering = False
            together, self._waiting = self._waiting, []
            # In one order everywhere: workers that lost a batch to each other must not wait for each other
            together.sort(key=lambda waiting: waiting[0].taken.key)
            if not await self._written(together):
                for alone in together:  # so that what is wrong with one of them is not wrong with all
                    await self._written([alone])

    async def _written(self, together: Sequence[tuple[Entry, Answer]]) -> bool:
        """Whether each has its answer. A store that fails fails everybody; what else is wrong is the fault of
        one of them, and its answer once it is alone."""
        try:
            begun = await patiently(self._commit, [entry for entry, _ in together])
        except Exception as error:
            if len(together) > 1 and not isinstance(error, StoreFailed):
                return False
            for _, answer in together:
                if not answer.done():
                    answer.set_exception(error)
            return True
        for (_, answer), moved in zip(together, begun, strict=True):
            if not answer.done():  # whoever asked may have been interrupted meanwhile
                answer.set_result(moved)
        return True

    def _commit(self, entries: Sequence[Entry]) -> list[Begun | None]:
        with self._database.writing() as session:
            return [commit(session, entry) for entry in entries]
