"""A morning at the desk with something of everything: what looks at pages looks at this one."""

from __future__ import annotations

from newsletter.models import Slot
from newsletter.services import gathering, shaping, steering, waiving
from newsletter.services.shaping import Hand
from tests.newsroom import at
from tests.web.desk.conftest import Desk

SPARE = '[[relays]]\nname = "spare"\nhost = "127.0.0.1"\nport = 9\ntls = "none"\npriority = 2\n'
HARBOUR = """
[[newsletters]]
slug = "harbour"
name = "Harbour Letter"
from_address = "news@town.example"
postal_address = "1 Square, Town"
timezone = "Europe/Kyiv"
"""
READERS = [
    *(f"reader{number}@{house}.example" for house in ("readers", "hills", "valley") for number in range(30)),
    *(f"tempfail{number}@yahoo.com" for number in range(9)),
    *(f"permfail{number}@gmail.com" for number in range(2)),
    "policy1@acme.example",
    "drops1@lakes.example",
    "drops2@lakes.example",
]


def set_scene(desk: Desk) -> None:
    """The edition of the day has been sent to most: some retry, some failed, two are in doubt."""
    desk.room.import_readers(READERS)
    desk.relay.mood.tempfails = 9
    for clock in ("07:00", "08:35", "08:59", "09:00"):
        desk.turn(at(clock))


NEWS = (
    ("World", "Grain deal holds for another month, say both ports", "Ships leave Odesa again."),
    ("World", "US-Russia talks about Ukraine tensions end on an uncertain note",
     "Eight hours in Geneva, and an agreement only to meet again."),
    ("World", "Geneva: what was said, and what was not", ""),
    ("Town", "Ferry resumes after a week of storms", "The first boat leaves at six."),
    ("Town", "Council votes to keep the old market hall", "Eleven to nine, past midnight."),
    ("Town", "School roof: repairs begin on Monday", ""),
    ("Culture", "A night at the opera house that was a garage", "Forty seats, and no heating."),
    ("Culture", "The last projectionist switches off", ""),
)  # fmt: skip


def set_tomorrow(desk: Desk) -> None:
    """The next morning: news has come, Ana has shaped some of it, and nobody has approved it yet."""
    published = at("05:30", days=1)
    rows = (
        {"url": f"https://town.example/next/{number}", "title": title, "section": section, "summary": summary,
         "published_at": published.isoformat()}
        for number, (section, title, summary) in enumerate(NEWS)
    )  # fmt: skip
    desk.room.import_articles(rows, published)
    now = at("07:05", days=1)
    desk.turn(now)
    town, slug, hand = desk.runtime.newsletter("town"), "2026-02-19", Hand("Ana")
    numbers = {
        article.title: article.id or 0 for article in gathering.list_articles(desk.runtime, limit=len(NEWS))
    }
    talks, garage, roof = (numbers[NEWS[place][1]] for place in (1, 6, 5))
    shaping.pin(desk.runtime, town, slug, talks, now, hand, slot=Slot.LEAD)
    shaping.reword(desk.runtime, town, slug, garage, now, hand, headline="Carmen in a garage")
    shaping.drop(desk.runtime, town, slug, roof, now, hand)
    waiving.waive(
        desk.runtime, town, slug, "lead-picture", talks, now, who="Ana", why="the agency has none yet"
    )


def stop(desk: Desk) -> None:
    steering.stop_all(desk.runtime, desk.clock.now(), letters=False, who="Ida")
