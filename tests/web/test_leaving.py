"""One click leaves, at once and for good; opening the link, however often, does not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select

from newsletter.models import (
    Cadence,
    History,
    Subscription,
    SubscriptionState,
    Suppression,
    SuppressionReason,
)
from tests.web.conftest import NOON, Paper, served

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def leave(paper: Paper) -> str:
    return paper.runtime.links.leave(paper.alice, paper.ids["post"]).removeprefix("https://news.example.org")


@pytest.fixture
def choose(paper: Paper) -> str:
    return paper.runtime.links.preferences(paper.alice).removeprefix("https://news.example.org")


def states(paper: Paper) -> dict[str, str]:
    with paper.runtime.database.reading() as session:
        rows = dict(session.execute(select(Subscription.newsletter_id, Subscription.state)).all())
    return {slug: rows[number] for slug, number in paper.ids.items()}


def acts(paper: Paper) -> list[str]:
    with paper.runtime.database.reading() as session:
        return [
            act for (act,) in session.execute(select(History.act).order_by(History.id)) if act != "drafted"
        ]


@pytest.mark.parametrize("form", ["urlencoded", "multipart"])
def test_one_click_by_a_mail_client(site: httpx.Client, paper: Paper, leave: str, form: str) -> None:
    if form == "urlencoded":
        answer = site.post(leave, data=ONE_CLICK)
    else:
        answer = site.post(leave, files={name: (None, value) for name, value in ONE_CLICK.items()})
        assert answer.request.headers["content-type"].startswith("multipart/form-data")
    assert answer.status_code == 200 and not answer.history
    assert "set-cookie" not in answer.headers and "location" not in answer.headers
    assert states(paper) == {"post": SubscriptionState.ENDED, "weekend": SubscriptionState.ACTIVE}


def test_leaving_again_says_the_same_and_changes_nothing(
    site: httpx.Client, paper: Paper, leave: str
) -> None:
    first = site.post(leave, data=ONE_CLICK)
    after = paper.dump()
    again = site.post(leave, data=ONE_CLICK)
    assert (again.status_code, again.content) == (200, first.content)
    assert paper.dump() == after and acts(paper) == ["leave"]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (None, b""),
        ("text/plain", b"List-Unsubscribe=One-Click"),
        ("application/json", b'{"undo": 1}'),
        ("application/x-www-form-urlencoded; charset=klingon", b"List-Unsubscribe=One-Click"),
        ("multipart/form-data", b"no boundary was given"),
    ],
)
def test_a_clumsy_client_leaves_or_is_told(
    site: httpx.Client, paper: Paper, leave: str, kind: str | None, body: bytes
) -> None:
    answer = site.post(leave, content=body, headers={"Content-Type": kind} if kind else {})
    left = states(paper)["post"] == SubscriptionState.ENDED
    assert (answer.status_code, left) in [(200, True), (400, False)]
    assert left or "multipart" in str(kind)


def test_the_page_asks_with_one_button_and_the_button_leaves(
    site: httpx.Client, paper: Paper, leave: str
) -> None:
    page = site.get(leave)
    assert page.status_code == 200 and page.text.count("<button") == 1
    assert 'name="List-Unsubscribe" value="One-Click"' in page.text
    assert page.headers["cache-control"] == "no-store" and page.headers["x-robots-tag"] == "noindex"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert leave.rpartition("/")[2] not in page.text
    assert states(paper)["post"] == SubscriptionState.ACTIVE


def test_asking_never_touches_the_store(site: httpx.Client, leave: str, statements: list[str]) -> None:
    for path in (leave, leave[:-1]):
        site.get(path)
        site.head(path)
    assert statements == []
    site.post(leave, data=ONE_CLICK)
    assert statements, "the listener would not have noticed"


def test_undo_brings_back_and_may_be_pressed_twice(site: httpx.Client, paper: Paper, leave: str) -> None:
    assert 'name="undo"' in site.post(leave, data=ONE_CLICK).text
    for _ in range(2):
        assert "Welcome back" in site.post(leave, data={"undo": "1"}).text
    assert states(paper)["post"] == SubscriptionState.ACTIVE
    assert acts(paper) == ["leave", "return"]


def test_undo_lifts_no_suppression(site: httpx.Client, paper: Paper, leave: str) -> None:
    site.post(leave, data=ONE_CLICK)
    with paper.runtime.database.writing() as session:
        key = paper.runtime.address_key.of("alice@readers.example")
        session.add(Suppression(address_key=key, reason=SuppressionReason.COMPLAINT, since=NOON))
    answer = site.post(leave, data={"undo": "1"})
    assert answer.status_code == 200 and "did not work" in answer.text
    assert states(paper)["post"] == SubscriptionState.ENDED


def test_undo_confirms_nobody_who_never_confirmed(site: httpx.Client, paper: Paper, leave: str) -> None:
    with paper.runtime.database.writing() as session:
        subscription = session.get(Subscription, (paper.alice, paper.ids["post"]))
        assert subscription
        subscription.state, subscription.active_since = SubscriptionState.PENDING, None
        session.add(subscription)
    site.post(leave, data=ONE_CLICK)
    assert "did not work" in site.post(leave, data={"undo": "1"}).text
    assert states(paper)["post"] == SubscriptionState.ENDED


def test_every_altered_token_gets_the_kind_page_and_changes_nothing(
    site: httpx.Client, paper: Paper, leave: str
) -> None:
    before = paper.dump()
    kind_page = site.post("/unsubscribe/unknown", data=ONE_CLICK)
    assert kind_page.status_code == 200 and "incomplete" in kind_page.text
    for token in altered(leave.rpartition("/")[2]):
        asked, answered = (
            site.get(f"/unsubscribe/{token}"),
            site.post(f"/unsubscribe/{token}", data=ONE_CLICK),
        )
        assert asked.content == answered.content == kind_page.content, token
    assert paper.dump() == before


def test_each_purpose_has_tokens_of_its_own(
    site: httpx.Client, paper: Paper, leave: str, choose: str
) -> None:
    preview = paper.runtime.links.preview_token(1, 1, NOON + timedelta(days=1))
    before = paper.dump()
    tokens = {"leave": leave.rpartition("/")[2], "choose": choose.rpartition("/")[2], "preview": preview}
    for purpose, token in tokens.items():
        if purpose != "leave":
            assert "incomplete" in site.post(f"/unsubscribe/{token}", data=ONE_CLICK).text
        if purpose != "choose":
            assert site.post(f"/preferences/{token}", data={"leave": "post"}).status_code == 404
    assert paper.dump() == before


def test_preferences_show_the_newsletters_and_only_a_hint_of_the_address(
    site: httpx.Client, paper: Paper, choose: str
) -> None:
    page = site.get(choose)
    assert page.status_code == 200
    assert "a•••@readers.example" in page.text and "alice" not in page.text.lower()
    assert "The Harbour Post" in page.text and "Weekend" in page.text
    assert page.headers["cache-control"] == "no-store" and page.headers["x-robots-tag"] == "noindex"


def test_preferences_leave_and_return_one_newsletter_at_a_time(
    site: httpx.Client, paper: Paper, choose: str
) -> None:
    page = site.post(choose, data={"leave": "weekend"})
    assert states(paper) == {"post": SubscriptionState.ACTIVE, "weekend": SubscriptionState.ENDED}
    assert 'name="return" value="weekend"' in page.text and 'name="leave" value="post"' in page.text
    site.post(choose, data={"return": "weekend"})
    assert set(states(paper).values()) == {SubscriptionState.ACTIVE}
    before = paper.dump()
    for odd in ({"leave": "nothing"}, {"leave": "' or 1=1"}, {"leave": str(paper.ids["post"])}, {}):
        assert site.post(choose, data=odd).status_code == 200
    assert paper.dump() == before


def altered(token: str) -> Iterator[str]:
    """Each single-character change, truncations and endings; quoted for a path."""
    for place, letter in enumerate(token):
        yield token[:place] + ("A" if letter != "A" else "B") + token[place + 1 :]
        if letter.swapcase() != letter:
            yield token[:place] + letter.swapcase() + token[place + 1 :]
    yield token[:-1]
    for ending in ("!", "=", "==", "%0a", "%00", "A", "%20", "!!"):
        yield token + ending
    if token.upper() != token:
        yield token.upper()


def weekly(paper: Paper) -> Cadence:
    with paper.runtime.database.reading() as session:
        place = session.get(Subscription, (paper.alice, paper.ids["post"]))
    assert place is not None
    return Cadence(place.cadence)


def test_who_leaves_may_have_it_once_a_week_instead(paper: Paper, leave: str) -> None:
    with served(paper, weekly="sun") as site:
        left = site.post(leave, data=ONE_CLICK)
        assert "Get it once a week instead" in left.text
        back = site.post(leave, data={"weekly": "1"})
        assert back.status_code == 200 and "once a week from now on" in back.text
    assert states(paper)["post"] == SubscriptionState.ACTIVE and weekly(paper) == Cadence.WEEKLY
    assert acts(paper) == ["leave", "return", "prefer"]


def test_where_there_is_no_weekly_none_is_offered_and_nobody_is_brought_back_to_the_daily(
    site: httpx.Client, paper: Paper, leave: str
) -> None:
    assert "once a week" not in site.post(leave, data=ONE_CLICK).text
    assert "Nothing was changed" in site.post(leave, data={"weekly": "1"}).text
    assert states(paper)["post"] == SubscriptionState.ENDED and weekly(paper) == Cadence.DAILY
