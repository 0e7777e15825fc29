"""What was seen is what is agreed to, and what a hand made can be had back: on both stores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from newsletter.config import NewsletterSettings
from newsletter.errors import Misuse, Refused, Stale, Uncounted
from newsletter.models import Edition, Slot
from newsletter.runtime import Runtime
from newsletter.services import deciding, dispatching, editing, foreseeing, shaping, showing
from newsletter.services.dispatching import Seen
from newsletter.services.shaping import Hand
from tests.newsroom import Newsroom, at
from tests.services.conftest import DAWN, SLUG
from tests.smtpd import SmtpServer


@pytest.fixture
def room(tmp_path: Path, database_url: str) -> Iterator[Newsroom]:
    with SmtpServer() as server:
        room = Newsroom(tmp_path, database_url, server.port)
        room.import_readers(3)
        room.run("tick", now=at("12:00", days=-1))
        room.import_stories(6)
        room.run("tick", now=DAWN)
        yield room


def edition(runtime: Runtime, town: NewsletterSettings) -> Edition:
    return showing.lay_open(runtime, town, SLUG, DAWN).edition


def page(runtime: Runtime, town: NewsletterSettings) -> list[tuple[int, str]]:
    groups = showing.lay_open(runtime, town, SLUG, DAWN).groups
    return [(row.article.id, row.headline) for group in groups for row in group.rows]


def seen(runtime: Runtime, town: NewsletterSettings) -> Seen:
    return Seen(edition(runtime, town).version, foreseeing.hash_of(runtime, town, SLUG))


def test_each_version_that_a_hand_made_can_be_had_back(runtime: Runtime, town: NewsletterSettings) -> None:
    hand = Hand("Ana")
    drafted = page(runtime, town)
    first = shaping.reword(runtime, town, SLUG, 3, DAWN, hand, headline="Mine").edition.version
    worded = page(runtime, town)
    shaping.pin(runtime, town, SLUG, 5, DAWN, hand, slot=Slot.LEAD)
    shaping.drop(runtime, town, SLUG, 2, DAWN, hand)
    shaping.set_preheader(runtime, town, SLUG, "Beside the subject", DAWN, hand)
    last = edition(runtime, town).version
    shaped = page(runtime, town)

    pasts = {act.past for act in showing.story(runtime, town, SLUG).acts if act.past}
    assert {first, last - 1} <= pasts and last not in pasts, "the last is what it is"
    shaping.restore(runtime, town, SLUG, first, DAWN, hand)
    assert page(runtime, town) == worded
    assert edition(runtime, town).own_preheader == ""
    editing.keep(runtime, DAWN)
    assert page(runtime, town) == worded, "the machine goes on around what was had back"
    shaping.restore(runtime, town, SLUG, last, DAWN, hand)
    assert page(runtime, town) == shaped
    assert edition(runtime, town).own_preheader == "Beside the subject"
    shaping.restore(runtime, town, SLUG, first - 1, DAWN, hand)
    assert page(runtime, town) == drafted, "as it was before any hand"
    with pytest.raises(Refused, match="No hand made version 999"):
        shaping.restore(runtime, town, SLUG, 999, DAWN, hand)
    with pytest.raises(Stale):
        shaping.restore(runtime, town, SLUG, last, DAWN, Hand("Bob", last))


def test_of_a_closed_edition_the_page_itself_comes_back(runtime: Runtime, town: NewsletterSettings) -> None:
    hand = Hand("Ana")
    deciding.approve(runtime, town, SLUG, DAWN, who="Ana")
    approved, was = edition(runtime, town).version, page(runtime, town)
    shaping.drop(runtime, town, SLUG, 1, DAWN, hand)
    assert page(runtime, town) != was
    shaping.restore(runtime, town, SLUG, approved, DAWN, hand)
    assert page(runtime, town) == was
    found = edition(runtime, town)
    assert found.state == "draft" and found.closed_at is not None, "and it must be approved again"


def test_what_came_in_since_somebody_looked_is_not_approved_unseen(
    room: Newsroom, runtime: Runtime, town: NewsletterSettings
) -> None:
    shaping.drop(runtime, town, SLUG, 6, DAWN, Hand("Ana"))  # there is room for one
    looked = seen(runtime, town)
    room.import_stories(1, published=DAWN, kind="late")
    later = at("05:10")
    with pytest.raises(Stale, match="reads otherwise by now"):
        deciding.approve(runtime, town, SLUG, later, who="Ana", version=looked.version, seen=looked.mail)
    again = seen(runtime, town)
    assert again.version > looked.version and again.mail != looked.mail
    assert "The late's story no. 0" in dict(page(runtime, town)).values()
    found = deciding.approve(runtime, town, SLUG, later, who="Ana", version=again.version, seen=again.mail)
    assert found.state == "approved"
    assert deciding.withdraw(runtime, town, SLUG, later, who="Ana").state == "draft"
    with pytest.raises(Refused):
        deciding.withdraw(runtime, town, SLUG, later, who="Ana")


def test_a_send_by_hand_wants_their_number_and_what_was_seen(
    runtime: Runtime, town: NewsletterSettings
) -> None:
    looked = seen(runtime, town)
    with pytest.raises(Uncounted, match="would go to 3 now"):
        dispatching.send_seen(runtime, town, SLUG, DAWN, looked, people=4, who="Ana")
    other = Seen(looked.version, "0" * 64)
    with pytest.raises(Stale):
        dispatching.send_seen(runtime, town, SLUG, DAWN, other, people=3, who="Ana")
    assert edition(runtime, town).state == "draft"
    looked = seen(runtime, town)
    assert dispatching.send_seen(runtime, town, SLUG, DAWN, looked, people=3, who="Ana").people == 3
    found = showing.lay_open(runtime, town, SLUG, DAWN)
    assert found.edition.state == "frozen" and found.can_undo
    with pytest.raises(Refused, match="is frozen already"):
        dispatching.send_seen(runtime, town, SLUG, DAWN, looked, people=3, who="Bob")


def test_tests_are_for_one_to_ten(runtime: Runtime, town: NewsletterSettings) -> None:
    for addresses in ([], [f"a{number}@town.example" for number in range(11)]):
        with pytest.raises(Misuse, match="one to 10"):
            dispatching.send_tests(runtime, town, SLUG, addresses, DAWN, who="Ana")
