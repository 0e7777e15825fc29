"""A list on its way into the store: what cannot be laid down is told without naming anybody."""

from __future__ import annotations

import traceback
from datetime import UTC, datetime

import pytest

from newsletter.errors import StoreFailed
from newsletter.store import arrivals
from newsletter.store.arrivals import Arrival
from newsletter.store.database import Database


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_row_that_the_store_does_not_take_is_not_quoted(database: Database) -> None:
    since = datetime(2026, 2, 18, tzinfo=UTC)
    row = Arrival(
        2,
        "post",
        "rosalind@readers.example",
        "key",
        "rest" * 20,
        "Rosalind",
        "",
        "",
        "active",
        "",
        "",
        since,
        "{}",
        "",
    )
    with pytest.raises(StoreFailed) as caught, database.preparing() as session:
        arrivals.begin(session)
        arrivals.lay_down(session, [row])
    told = "".join(traceback.format_exception(caught.value))
    assert "value too long" in told and "osalind" not in told
