"""Those who leave at the same moment: one statement for all, and nobody waits for somebody else's trouble."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import event, func, select, text, update

from newsletter.models import History, Subscription, SubscriptionState
from newsletter.store.subscribers import Newcomer, admit
from newsletter.web.public.leavers import AT_ONCE, Leavers, Place
from tests.newsroom import until
from tests.web.conftest import NOON, Paper
from tests.web.test_joining import HERE

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def crowd(paper: Paper) -> list[Place]:
    """The places of more readers than one round takes."""
    key, number = paper.runtime.address_key, paper.ids["post"]
    addresses = [f"reader{reader}@readers.example" for reader in range(AT_ONCE + 20)]
    people = [Newcomer(address, key.of(address), "rest", "") for address in addresses]
    with paper.runtime.database.writing() as session:
        new = admit(session, number, people, NOON - timedelta(days=1)).new
    return [(subscriber, number) for subscriber in new.values()]


@pytest.fixture
def updates(paper: Paper) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.startswith("UPDATE subscription"):
            seen.append(statement)

    event.listen(paper.runtime.database.engine, "before_cursor_execute", note)
    yield seen
    event.remove(paper.runtime.database.engine, "before_cursor_execute", note)


def leave(paper: Paper, *places: Place) -> list[bool | BaseException]:
    """All of them at the same moment."""

    async def at_once() -> list[bool | BaseException]:
        leavers = Leavers(paper.runtime)
        return await asyncio.gather(*map(leavers.leave, places), return_exceptions=True)

    return asyncio.run(at_once())


def ended(paper: Paper) -> int:
    with paper.runtime.database.reading() as session:
        is_ended = Subscription.state == SubscriptionState.ENDED
        return session.execute(select(func.count()).select_from(Subscription).where(is_ended)).scalar_one()


def noted(paper: Paper) -> int:
    with paper.runtime.database.reading() as session:
        return session.execute(select(func.count()).where(History.act == "leave")).scalar_one()


def test_a_crowd_leaves_by_two_statements_and_each_is_noted(
    paper: Paper, crowd: list[Place], updates: list[str]
) -> None:
    assert leave(paper, *crowd) == [True] * len(crowd)
    assert len(updates) == 2 and ended(paper) == noted(paper) == len(crowd)


def test_who_clicks_twice_leaves_once_and_who_is_nobody_not_at_all(paper: Paper, crowd: list[Place]) -> None:
    nobody = (10_000_000, paper.ids["post"])
    assert leave(paper, crowd[0], crowd[0], nobody, crowd[1]) == [True, True, False, True]
    assert leave(paper, crowd[0], crowd[2]) == [False, True]
    assert ended(paper) == noted(paper) == 3


def test_what_the_store_cannot_do_everybody_is_told_and_the_next_click_is_a_new_one(
    paper: Paper, crowd: list[Place]
) -> None:
    async def clicks() -> None:
        leavers = Leavers(paper.runtime)
        _rename(paper, "history", "elsewhere")
        failed = await asyncio.gather(*map(leavers.leave, crowd[:3]), return_exceptions=True)
        assert all(isinstance(answer, Exception) for answer in failed) and ended(paper) == 0
        _rename(paper, "elsewhere", "history")
        assert await leavers.leave(crowd[0])

    asyncio.run(clicks())
    assert ended(paper) == 1


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_row_that_somebody_holds_keeps_its_own_reader_waiting_and_no_other(
    site: httpx.Client, paper: Paper, crowd: list[Place]
) -> None:
    held, free = (paper.runtime.links.leave(*place).removeprefix(HERE) for place in crowd[:2])
    with ThreadPoolExecutor() as pool:
        with paper.runtime.database.writing() as session:
            theirs = Subscription.subscriber_id == crowd[0][0]
            session.execute(update(Subscription).where(theirs).values(zone="Europe/Kyiv"))
            waiting = pool.submit(site.post, held, data=ONE_CLICK)
            until(lambda: _waits_for_a_row(paper), seconds=4)
            assert "You have left" in site.post(free, data=ONE_CLICK).text
            assert not waiting.done() and ended(paper) == 1
        assert "You have left" in waiting.result().text
    assert ended(paper) == noted(paper) == 2


def _waits_for_a_row(paper: Paper) -> bool:
    with paper.runtime.database.reading() as session:
        return bool(session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))


def _rename(paper: Paper, old: str, new: str) -> None:
    with paper.runtime.database.writing() as session:
        session.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))
