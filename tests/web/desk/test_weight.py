"""What the page of a full edition weighs when much was done to it, in letters of two bytes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from newsletter.models import LinkVerdict
from newsletter.store import looks
from newsletter.values import Look
from tests.newsroom import at
from tests.web.desk.conftest import ANA, Desk
from tests.web.desk.test_edition import EDITION, at_seven, order, story

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

MOST_BYTES = 60_000
SECTIONS = ("Світ", "Місто", "Культура", "Спорт", "Гроші")
HEADLINE = "Переговори щодо кордону завершилися на непевній ноті, кажуть обидві сторони"
SUMMARY = "Вісім годин у Женеві, і домовленість лише про те, щоб зустрітися знову; далі буде видно. " * 3
STORIES = 16  # the lead, and as many as a newsletter carries by default


def test_a_full_edition_that_was_changed_all_over_is_a_light_page(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk(stories=0)
    rows = [{"url": f"https://town.example/{n}", "title": f"{n}: {HEADLINE}", "summary": SUMMARY,
             "section": SECTIONS[n % len(SECTIONS)], "picture_url": f"https://town.example/{n}.jpg",
             "published_at": (at("06:00") - timedelta(minutes=n)).isoformat()}
            for n in range(60)]  # fmt: skip
    desk.room.import_articles(rows, at("06:00"))
    at_seven(desk)
    ana = desk.client(ANA)
    token = ana.token()

    def do(act: str, **fields: str) -> None:
        assert ana.post(f"{EDITION}/{act}", token=token, **fields).status_code == 303, (act, fields)

    with desk.runtime.database.writing() as session:
        away = [Look(row["url"], at("06:30"), LinkVerdict.OK, status=200, final_url=f"{row['url']}?from=mail")
                for row in rows]  # fmt: skip
        looks.record(session, away)
    for number in order(desk)[:6]:
        do("drop", article=str(number))
    assert len(order(desk)) == STORIES
    for number in order(desk):
        do("reword", article=str(number), headline=f"{number} {HEADLINE.lower()}", summary=SUMMARY.upper())
    for number in range(8):
        do("subject", subject=f"{number} {HEADLINE}")
    page = ana.get(EDITION)
    assert story(desk).line.version > STORIES + 6 + 8
    assert page.text.count("leads on to") >= STORIES, "each of them warns of its link"
    assert len(page.content) <= MOST_BYTES, f"{len(page.content):,} bytes"
