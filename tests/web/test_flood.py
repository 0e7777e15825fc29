"""Thousands sign up strangers: no more letters than the limits allow, and a reader gets theirs after."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from newsletter.runtime import Runtime
from newsletter.services import joining
from newsletter.services.asking import Browser
from newsletter.services.joining import Wish
from tests.web.conftest import NOON, Paper
from tests.web.test_joining import letters

Flood = Callable[[int], tuple[str, str]]

FLOODS: dict[str, tuple[Flood, str]] = {
    "many of everything": (lambda n: (f"r{n}@d{n}.example", f"10.{n // 256}.{n % 256}.0/24"), "overall"),
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
    runtime, count = paper.runtime, 5_000 if soak else 160
    if not soak:
        small = runtime.settings.sign_up.model_copy(update={"overall": 100, "per_domain": 30})
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
