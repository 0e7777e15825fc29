"""A draft of the morning, for tests of what hands do to it; each brings the `room` that drafted it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from newsletter.config import NewsletterSettings
from newsletter.runtime import Runtime
from tests.newsroom import Newsroom, at

SLUG = "2026-02-18"
DAWN = at("05:00")


@pytest.fixture
def runtime(room: Newsroom) -> Iterator[Runtime]:
    with room.opened(DAWN) as runtime:
        yield runtime


@pytest.fixture
def town(runtime: Runtime) -> NewsletterSettings:
    return runtime.newsletter("town")
