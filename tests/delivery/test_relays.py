"""Which relay carries the mail: the better one proves itself before it does again, and longer each time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from newsletter.clock import monotonic
from newsletter.config import Relay
from newsletter.delivery.post import Post
from newsletter.delivery.relays import MOST_RELAPSES, Relays, Standing
from newsletter.demo.catchall import free_port
from newsletter.mail.content import Content, content_of
from newsletter.mail.smtp import Timeouts
from newsletter.values import Outcome, Recipient
from tests.smtpd import SmtpServer

FAIL_OVER, FAIL_BACK = 0.1, 0.3
QUICK = Timeouts(connect=1, greeting=1, command=1, data=1, block=1, dot=1, quit=0.1)


class Batch:
    """A batch that always has one more mail, so that a connection that has died is found out at once."""

    edition_id = 1
    lane = "rest"

    def message(self, recipient: Recipient) -> tuple[str, Content]:
        return "news@town.example", content_of(b"Subject: News\r\n\r\nThe ferry is late.\r\n")

    def answer(self, recipient: Recipient, outcome: Outcome) -> None: ...


def relay(name: str, port: int, priority: int) -> Relay:
    return Relay.model_validate(
        {"name": name, "host": "127.0.0.1", "port": port, "tls": "none", "priority": priority}
    )


async def until_news(relays: Relays, keep_busy: Callable[[], None], name: str, *, carries: bool) -> float:
    """When it was heard that this relay carries, or that it is up again."""
    patience = monotonic() + 30
    while monotonic() < patience:
        keep_busy()
        relays.look("", is_wanted=True)
        for news in relays.news():
            if news.relay == name and not news.trouble and bool(news.carries_because) == carries:
                return monotonic()
        await asyncio.sleep(0.01)
    raise AssertionError(f"{name} never {'carried' if carries else 'came back'}")


async def falls(main: int, second: int, times: int) -> list[float]:
    """`main` goes and comes back so often; how long it was well each time before it carried again."""
    post, batch = Post(), Batch()
    relays = Relays(
        [relay("main", main, 1), relay("second", second, 2)], post, QUICK, fail_over=FAIL_OVER,
        fail_back=FAIL_BACK, down={},
    )  # fmt: skip

    def keep_busy() -> None:
        if not post.waiting(batch):
            post.put(batch, (Recipient(1, "ana@readers.example", "", 1, 0),))

    heard = partial(until_news, relays, keep_busy)
    post.enter(batch)
    relays.start()
    proofs = []
    with SmtpServer(port=second):
        with SmtpServer(port=main):
            await heard("main", carries=True)
        for _ in range(times):
            await heard("second", carries=True)
            with SmtpServer(port=main):
                up = await heard("main", carries=False)
                proofs.append(await heard("main", carries=True) - up)
        await relays.close()
    return proofs


def test_each_relapse_doubles_the_time_in_which_a_relay_proves_itself() -> None:
    first, second, third = asyncio.run(falls(free_port(), free_port(), 3))
    assert FAIL_BACK - 0.05 <= first < second < third
    assert second >= 2 * FAIL_BACK - 0.05 and third >= 4 * FAIL_BACK - 0.05


def test_a_first_fall_is_no_relapse_and_the_doubling_has_an_end() -> None:
    standing = Standing.__new__(Standing)
    proofs = []
    for standing.falls in range(9):
        proofs.append(standing.proof(60))
    assert proofs[:4] == [60, 60, 120, 240] and proofs[-1] == 60 * 2**MOST_RELAPSES
