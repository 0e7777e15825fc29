"""One page is one article in all forms of its address; in doubt two pages are two."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command

from newsletter.feeds.clean import canonical, web_address
from newsletter.store.database import Database
from newsletter.store.identity import identity
from newsletter.store.schema import _config, upgrade


def key(address: str) -> str:
    clean = web_address(address)
    assert clean is not None
    return identity(canonical(clean))


@pytest.mark.parametrize(
    "form",
    [
        "http://post.example/a", "https://POST.example:443/a/", "https://www.post.example/a#top",
        "https://post.example/a/index.html", "https://post.example/a/default.aspx",
        "https://post.example/a?utm_source=x&fbclid=1", "https://post.example/%61", "http://post.example:80/a",
    ],
)  # fmt: skip
def test_forms_of_one_address(form: str) -> None:
    assert key(form) == "post.example/a"


def test_the_order_of_parameters_does_not_count() -> None:
    assert key("https://p.example/?b=2&a=1") == key("http://p.example?a=1&b=2") == "p.example?a=1&b=2"


@pytest.mark.parametrize(
    "other",
    [
        "https://post.example/A", "https://post.example/a?id=1", "https://post.example:8443/a",
        "https://news.post.example/a", "https://post.example/a/b", "https://post.example/a.html",
        "https://post.example/a/indexes",
    ],
)  # fmt: skip
def test_other_pages_are_others(other: str) -> None:
    assert key(other) != key("https://post.example/a")


def test_articles_of_an_older_store_get_their_key(tmp_path: Path) -> None:
    """Of two that are one by today's rule the first gets it; the other stays, under its own address."""
    database = Database(f"sqlite:///{tmp_path}/old.db")
    old = ("http://p.example/a", "https://www.p.example/a/", "https://p.example/b?b=2&a=1")
    config = _config()
    with database.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        columns = ("kind", "title", "summary", "byline", "section", "language", "picture_url", "picture_alt",
                   "duration", "html")  # fmt: skip
        row = dict.fromkeys(columns, "") | {"kind": "story", "picture_width": 0, "picture_height": 0}
        moments = dict.fromkeys(("published_at", "first_seen_at", "updated_at"), "2026-02-18 10:00:00.000000")
        names = ", ".join([*row, *moments, "url"])
        values = ", ".join(f":{name}" for name in [*row, *moments, "url"])
        insert = sa.text(f"INSERT INTO article ({names}) VALUES ({values})")  # noqa: S608
        connection.execute(insert, [{**row, **moments, "url": url} for url in old])
        connection.commit()
    upgrade(database)
    with database.reading() as session:
        keys = session.execute(sa.text("SELECT identity FROM article ORDER BY id")).scalars().all()
    database.close()
    assert keys == ["p.example/a", "https://www.p.example/a/", "p.example/b?a=1&b=2"]
