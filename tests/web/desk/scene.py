"""A morning at the desk with something of everything: what looks at pages looks at this one."""

from __future__ import annotations

from newsletter.services import steering
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


def stop(desk: Desk) -> None:
    steering.stop_all(desk.runtime, desk.clock.now(), letters=False, who="Ida")
