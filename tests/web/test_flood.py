"""Thousands sign up strangers: letters stay within the limits, and a reader still gets theirs after."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import httpx
import pytest

from newsletter.clock import Clock
from newsletter.runtime import Runtime
from newsletter.services import joining
from newsletter.services.asking import Browser
from newsletter.services.joining import Wish
from newsletter.web.server import WebServer
from tests.web.conftest import NOON, Paper
from tests.web.test_joining import letters, wish

Flood = Callable[[int], tuple[str, str]]

FLOODS: dict[str, tuple[Flood, str]] = {
    "one receiving domain": (lambda n: (f"r{n}@one.example", f"10.{n // 256}.{n % 256}.0/24"), "per_domain"),
    "one network": (lambda n: (f"r{n}@d{n}.example", "10.1.1.0/24"), "per_network"),
    "one mailbox": (lambda n: (f"reader+{n}@d.example", f"10.{n // 256}.{n % 256}.0/24"), "per_address"),
}


def ask(runtime: Runtime, address: str, network: str, now: datetime) -> None:
    wish = Wish(address, ["post"], form=runtime.links.form(now - timedelta(minutes=1)))
    joining.sign_up(runtime, wish, Browser(network), now)


@pytest.mark.parametrize("flood", FLOODS)
def test_a_flood_sends_what_the_limits_allow_and_a_reader_signs_up_after(
    paper: Paper, soak: bool, flood: str
) -> None:
    runtime, count = paper.runtime, 5_000 if soak else 60
    if not soak:
        small = runtime.settings.sign_up.model_copy(update={"per_domain": 30})
        settings = runtime.settings.model_copy(update={"sign_up": small})
        runtime = Runtime(settings, runtime.home, runtime.clock, runtime.database)
    who, limit = FLOODS[flood]
    for number in range(count):
        ask(runtime, *who(number), NOON + timedelta(seconds=number * 3_000 / count))
    mailed = len(letters(paper))
    assert mailed == getattr(runtime.settings.sign_up, limit)

    after = NOON + timedelta(seconds=3_000) + timedelta(minutes=61)
    ask(runtime, "reader@real.example", "192.0.2.0/24", after)
    assert [letter.address for letter in letters(paper)[mailed:]] == ["reader@real.example"]


def test_thousands_of_posts_from_as_many_networks(paper: Paper, soak: bool) -> None:
    """Over HTTP, and over a proxy of ours that tells of the networks."""
    count, overall = (5_000, 1_000) if soak else (120, 40)
    limits = paper.runtime.settings.sign_up.model_copy(update={"overall": overall})
    web = paper.runtime.settings.web.model_copy(update={"trusted_proxies": ("127.0.0.1",)})
    settings = paper.runtime.settings.model_copy(update={"sign_up": limits, "web": web})
    with posting(replace(paper.runtime, settings=settings)) as site:
        answers = {
            site.post(
                "/",
                data=wish(paper, f"reader{number}@d{number}.example"),
                headers={"X-Forwarded-For": f"10.{number // 256}.{number % 256}.1"},
            ).content
            for number in range(count)
        }
    assert len(answers) == 1, "who floods learns nothing of the limits"
    assert len(letters(paper)) == overall

    later = Clock(NOON + timedelta(hours=2))
    with posting(replace(paper.runtime, settings=settings, clock=later)) as site:
        site.post("/", data=wish(paper, "reader@real.example") | {"form": form_at(paper, later.now())})
    assert [letter.address for letter in letters(paper)[overall:]] == ["reader@real.example"]


def form_at(paper: Paper, now: datetime) -> str:
    return paper.runtime.links.form(now - timedelta(minutes=1))


@contextmanager
def posting(runtime: Runtime) -> Iterator[httpx.Client]:
    server = WebServer(runtime)
    server.start()
    with httpx.Client(base_url=server.url, timeout=10) as client:
        yield client
    server.stop()
