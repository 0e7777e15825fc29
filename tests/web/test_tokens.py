"""Links that were used, copied wrongly, made up, or put behind another door: nothing happens.

And a leave link lives as long as its key stays in the file.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from newsletter.mail.links import Keys
from newsletter.models import LetterKind, SubscriptionState
from newsletter.services import subscribing
from newsletter.web.server import WebServer
from tests.web.conftest import NOON, Paper
from tests.web.test_joining import HERE, letters, link, place, wish

NEW = "alice@elsewhere.example"
DOORS = ("unsubscribe", "preferences", "confirm")
FIELDS = (
    {"List-Unsubscribe": "One-Click"}, {"undo": "1"}, {"all": "1"}, {"save": "post", "cadence": "weekdays"},
    {"leave-all": "1"}, {"forget": "1", "sure": "yes"}, {"download": "1"}, {"new-address": NEW},
)  # fmt: skip


@pytest.fixture
def tokens(site: httpx.Client, paper: Paper) -> dict[str, str]:
    """A live token of each purpose, and the door that it opens."""
    links = paper.runtime.links
    site.post("/", data=wish(paper))
    site.post("/preferences", data={"address": "alice@readers.example"})
    fresh = link(paper, LetterKind.PREFERENCES)
    made = {
        "unsubscribe": links.leave(paper.alice, paper.ids["post"]),
        "preferences": links.preferences(paper.alice),
        "confirm": link(paper),
        "fresh": fresh,
        "form": links.form(NOON),
        "preview": links.preview_token(1, 1, NOON + timedelta(days=1)),
    }
    return {purpose: url.rpartition("/")[2] for purpose, url in made.items()}


def wrongly(token: str) -> list[str]:
    """Cut off, bent, longer, and in another case."""
    middle = len(token) // 2
    bent = token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1 :]
    return [token[:-1], token[:middle], token[1:], bent, token + "A", token + "=", token.swapcase()]


def test_a_token_that_is_not_ours_or_is_anothers_does_nothing(
    site: httpx.Client, paper: Paper, tokens: dict[str, str]
) -> None:
    opens = {"unsubscribe": {"unsubscribe"}, "preferences": {"preferences", "fresh"}, "confirm": {"confirm"}}
    before = paper.dump()
    for door in DOORS:
        foreign = [token for purpose, token in tokens.items() if purpose not in opens[door]]
        forged = [wrong for purpose in opens[door] for wrong in wrongly(tokens[purpose])]
        for number, token in enumerate([*foreign, *forged, "x"]):
            answer = site.post(f"/{door}/{token}", data=FIELDS[number % len(FIELDS)])
            assert answer.status_code in (200, 404) and "alice" not in answer.text, (door, token)
    assert paper.dump() == before


def test_a_confirmation_and_a_change_of_address_happen_once(site: httpx.Client, paper: Paper) -> None:
    site.post("/", data=wish(paper))
    confirm = link(paper)
    site.post("/preferences", data={"address": "alice@readers.example"})
    site.post(link(paper, LetterKind.PREFERENCES), data={"new-address": NEW})
    change = link(paper, LetterKind.ADDRESS_CHANGE)
    for path in (confirm, change):
        assert site.post(path).status_code == 200
    before = paper.dump()
    for path in (confirm, change):
        for fields in ({}, {"again": "1"}):
            site.post(path, data=fields)
    assert paper.dump() == before


def test_an_old_mails_link_leaves_after_the_keys_have_changed(paper: Paper) -> None:
    old = paper.runtime.links.leave(paper.alice, paper.ids["post"]).removeprefix(HERE)
    file = paper.runtime.home / "secret.key"
    Keys.create(paper.runtime.home / "new.key")
    file.write_text((paper.runtime.home / "new.key").read_text() + file.read_text())
    turned = replace(paper.runtime)
    assert turned.links.leave(paper.alice, paper.ids["post"]).removeprefix(HERE) != old
    server = WebServer(turned)
    server.start()
    with httpx.Client(base_url=server.url) as site:
        assert "You have left" in site.post(old, data={"List-Unsubscribe": "One-Click"}).text
    server.stop()
    found = place(paper, "alice@readers.example")
    assert found is not None and found.state == SubscriptionState.ENDED


def test_a_change_to_an_address_that_is_known_is_asked_for_by_the_same_statements(
    site: httpx.Client, paper: Paper, statements: list[str]
) -> None:
    for address in ("bob@readers.example", "carol@readers.example"):
        subscribing.add(paper.runtime, address, "post", "", NOON)
    told = []
    for own, new in (
        ("alice@readers.example", "alice@elsewhere.example"),  # what is done once is done
        ("bob@readers.example", "bob@elsewhere.example"),
        ("carol@readers.example", "alice@readers.example"),
    ):
        site.post("/preferences", data={"address": own})
        path = link(paper, LetterKind.PREFERENCES)
        statements.clear()
        answer = site.post(path, data={"new-address": new})
        told.append((answer.status_code, answer.content, list(statements)))
    assert told[1] == told[2] and told[1][0] == 200
    assert len(letters(paper, LetterKind.ADDRESS_CHANGE)) == 3
