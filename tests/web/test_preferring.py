"""A reader's own page: choose, pause, leave; and with a fresh link see, move and erase what is theirs."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import httpx
import pytest
from sqlalchemy import select

from newsletter.config import Selection
from newsletter.models import (
    Cadence,
    EditionKind,
    History,
    LetterKind,
    Subscriber,
    Subscription,
    SubscriptionState,
    Suppression,
    SuppressionReason,
)
from newsletter.services import owning
from newsletter.services.asking import Browser
from newsletter.store.audience import audience, count_audience
from tests.web.conftest import NOON, Paper, served
from tests.web.test_joining import HERE, letters, link

ALICE, NEW = "alice@readers.example", "alice@elsewhere.example"


@pytest.fixture
def own(paper: Paper) -> str:
    """The preferences' path in any mail."""
    return paper.runtime.links.preferences(paper.alice).removeprefix(HERE)


@pytest.fixture
def fresh(site: httpx.Client, paper: Paper) -> str:
    """The path of a link that was mailed just now."""
    site.post("/preferences", data={"address": ALICE})
    return link(paper, LetterKind.PREFERENCES)


def kept(paper: Paper, newsletter: str = "post") -> Subscription:
    with paper.runtime.database.reading() as session:
        found = session.get(Subscription, (paper.alice, paper.ids[newsletter]))
    assert found is not None
    return found


def address(paper: Paper) -> str | None:
    with paper.runtime.database.reading() as session:
        return session.execute(select(Subscriber.address).where(Subscriber.id == paper.alice)).scalar_one()


def reach(paper: Paper, day: date) -> int:
    """How many the daily of this date is for, at its nine o'clock in New York."""
    at = datetime(day.year, day.month, day.day, 14, tzinfo=UTC)
    with paper.runtime.database.reading() as session:
        return count_audience(session, audience(paper.ids["post"], EditionKind.DAILY, day, at, sections=None))


# ── by the link of any mail ─────────────────────────────────────────────────────────────────────


def test_how_often_one_newsletter_at_a_time(site: httpx.Client, paper: Paper, own: str) -> None:
    other = kept(paper, "weekend")
    page = site.post(own, data={"save": "post", "cadence": "weekdays"})
    assert page.status_code == 200 and "Saved" in page.text
    assert kept(paper).cadence == Cadence.WEEKDAYS
    assert kept(paper, "weekend") == other, "what a form does not name stays as it is"
    assert kept(paper).consent_at is not None


def test_the_sections_that_somebody_wants_or_all_of_them(paper: Paper, own: str) -> None:
    sections = Selection(sections=("World", "Sport", "Town"))
    with served(paper, selection=sections) as site:
        assert site.get(own).text.count("section-") == 3
        site.post(own, data={"save": "post", "sections": "shown", "section-1": "World", "section-3": "Town"})
        assert kept(paper).sections == ("World", "Town")
        site.post(own, data={"save": "post", "cadence": "weekdays"})
        assert kept(paper).sections == ("World", "Town"), "what a form does not show stays as it is"
        site.post(own, data={"save": "post", "sections": "shown"})
        assert kept(paper).sections == (), "none are all"


def test_a_pause_ends_by_itself_on_its_day(site: httpx.Client, paper: Paper, own: str) -> None:
    page = site.post(own, data={"save": "post", "pause_until": "2026-02-21"})
    assert "Paused until Saturday" in page.text
    days = [date(2026, 2, 18) + timedelta(days=number) for number in range(5)]
    assert [reach(paper, day) for day in days] == [0, 0, 0, 1, 1]
    assert "You get this" in site.post(own, data={"save": "post", "pause_until": ""}).text
    assert reach(paper, days[0]) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"cadence": "hourly"},
        {"cadence": "' or 1=1"},
        {"zone": "Mars/Olympus"},
        {"pause_until": "soon"},
        {"pause_until": "2026-02-17"},
        {"pause_until": "2031-01-01"},
    ],
)
def test_what_cannot_be_wished_is_said_and_changes_nothing(
    site: httpx.Client, paper: Paper, own: str, fields: dict[str, str]
) -> None:
    before = paper.dump()
    answer = site.post(own, data={"save": "post", "cadence": "weekdays", **fields})
    assert answer.status_code == 422 and 'role="alert"' in answer.text
    assert paper.dump() == before


def test_leave_all_and_nobody_elses(site: httpx.Client, paper: Paper, own: str) -> None:
    assert "Leave all" in site.get(own).text
    site.post(own, data={"leave-all": "1"})
    assert {kept(paper, slug).state for slug in paper.ids} == {SubscriptionState.ENDED}
    assert "Leave all" not in site.get(own).text


def test_who_leaves_everything_is_mailed_the_way_back_once_a_day(
    site: httpx.Client, paper: Paper, own: str
) -> None:
    for _ in range(3):
        site.post(own, data={"leave-all": "1"})
        site.post(own, data={"return": "post"})
    (goodbye,) = letters(paper, LetterKind.GOODBYE)
    assert (goodbye.address, goodbye.subscriber_id) == (ALICE, paper.alice)
    site.post(own, data={"leave": "post"})
    assert len(letters(paper, LetterKind.GOODBYE)) == 1, "who leaves one newsletter has Undo on the page"


def test_no_goodbye_to_who_minds_or_has_no_way_back(site: httpx.Client, paper: Paper, own: str) -> None:
    key = paper.runtime.address_key.of(ALICE)
    with paper.runtime.database.writing() as session:
        session.add(Suppression(address_key=key, reason=SuppressionReason.COMPLAINT, since=NOON))
    site.post(own, data={"leave-all": "1"})
    assert {kept(paper, slug).state for slug in paper.ids} == {SubscriptionState.ENDED}
    site.post(own, data={"leave-all": "1"})
    assert letters(paper, LetterKind.GOODBYE) == []


def test_why_is_asked_afterwards_and_kept_without_words_of_theirs(site: httpx.Client, paper: Paper) -> None:
    path = paper.runtime.links.leave(paper.alice, paper.ids["post"]).removeprefix(HERE)
    assert "ask why" not in site.get(path).text
    assert "ask why" in site.post(path, data={"List-Unsubscribe": "One-Click"}).text
    assert "Thank you" in site.post(path, data={"reason": "too often"}).text
    site.post(path, data={"reason": "<script>evil</script>"})
    with paper.runtime.database.reading() as session:
        told = session.execute(select(History.why).where(History.act == "left because")).scalars().all()
    assert told == [f"newsletter {paper.ids['post']}: too often"]
    site.post(path, data={"all": "1"})
    assert kept(paper, "weekend").state == SubscriptionState.ENDED


def test_a_forwarded_mail_shows_moves_and_erases_nobody(site: httpx.Client, paper: Paper, own: str) -> None:
    before = paper.dump()
    for fields in ({"download": "1"}, {"forget": "1", "sure": "yes"}, {"new-address": NEW}):
        answer = site.post(own, data=fields)
        assert "alice" not in answer.text and "Mail me a fresh link" in answer.text
    assert paper.dump() == before
    assert "Look into your mailbox" in site.post(own, data={"mail-me": "1"}).text
    assert [letter.address for letter in letters(paper, LetterKind.PREFERENCES)] == [ALICE]


# ── by a fresh one ──────────────────────────────────────────────────────────────────────────────


def test_a_fresh_link_shows_ones_data_once(site: httpx.Client, paper: Paper, fresh: str) -> None:
    assert "Download" in site.get(fresh).text
    answer = site.post(fresh, data={"download": "1"})
    assert answer.headers["content-type"] == "application/json"
    assert "attachment" in answer.headers["content-disposition"]
    assert answer.headers["cache-control"] == "no-store"
    data = json.loads(answer.text)
    assert data["address"] == ALICE and {place["newsletter"] for place in data["places"]} == set(paper.ids)
    for again in (site.get(fresh), site.post(fresh, data={"forget": "1", "sure": "yes"})):
        assert again.status_code == 404
    assert address(paper) == ALICE


def test_forget_me(site: httpx.Client, paper: Paper, fresh: str) -> None:
    site.post(fresh, data={"forget": "1"})
    assert address(paper) == ALICE, "one slip of the finger erases nobody"
    assert "You are forgotten" in site.post(fresh, data={"forget": "1", "sure": "yes"}).text
    assert address(paper) is None
    assert "alice" not in str(paper.dump()).lower()
    assert site.get(fresh).status_code == 404


def test_a_new_address_is_confirmed_on_both_sides(site: httpx.Client, paper: Paper, fresh: str) -> None:
    assert site.post(fresh, data={"new-address": "no address"}).status_code == 422
    assert "Look into your mailbox" in site.post(fresh, data={"new-address": NEW}).text
    assert address(paper) == ALICE and site.get(fresh).status_code == 404
    path = link(paper, LetterKind.ADDRESS_CHANGE)
    assert "Is this your new address?" in site.get(path).text
    assert address(paper) == ALICE, "opening the link changes nothing"
    assert "Your address is changed" in site.post(path).text
    assert address(paper) == NEW and kept(paper).state == SubscriptionState.ACTIVE
    told = letters(paper, LetterKind.ADDRESS_CHANGE)[-1]
    assert told.address == ALICE and "url" not in told.values
    assert "did not work" in site.post(path).text


def test_nobody_takes_the_address_of_somebody_else(site: httpx.Client, paper: Paper, fresh: str) -> None:
    with paper.runtime.database.writing() as session:
        key = paper.runtime.address_key.of(NEW)
        session.add(Subscriber(address=NEW, address_key=key, lane="rest", created_at=NOON))
    site.post(fresh, data={"new-address": NEW})
    assert "did not work" in site.post(link(paper, LetterKind.ADDRESS_CHANGE)).text
    assert address(paper) == ALICE


def test_a_suppressed_address_is_taken_when_its_owner_says_so_and_never_after_a_complaint_since(
    site: httpx.Client, paper: Paper, fresh: str
) -> None:
    key = paper.runtime.address_key.of(NEW)
    with paper.runtime.database.writing() as session:
        later = paper.runtime.clock.now() + timedelta(minutes=5)
        session.add(Suppression(address_key=key, reason=SuppressionReason.COMPLAINT, since=later))
    site.post(fresh, data={"new-address": NEW})
    assert "did not work" in site.post(link(paper, LetterKind.ADDRESS_CHANGE)).text
    assert address(paper) == ALICE


def test_half_an_hour_and_no_longer(paper: Paper) -> None:
    owning.mail_link(paper.runtime, ALICE, Browser(), NOON)
    token = link(paper, LetterKind.PREFERENCES).rpartition("/")[2]
    assert owning.owner(paper.runtime, token, NOON + timedelta(minutes=29)) == paper.alice
    assert owning.owner(paper.runtime, token, NOON + timedelta(minutes=31)) is None
    assert not owning.use_up(paper.runtime, token, NOON + timedelta(minutes=31))


def test_nobodys_address_gets_no_letter(site: httpx.Client, paper: Paper) -> None:
    site.post("/preferences", data={"address": "nobody@readers.example"})
    (letter,) = letters(paper, LetterKind.PREFERENCES)
    assert letter.deadline <= paper.runtime.clock.now()


@pytest.mark.parametrize(
    ("days", "offered"), [(("sat",), False), (("mon", "fri"), False), (("fri", "sat"), True)]
)
def test_weekdays_are_a_choice_where_they_are_not_all_or_none(
    paper: Paper, own: str, days: tuple[str, ...], offered: bool
) -> None:
    """A weekend paper that is wanted from Monday to Friday would never come."""
    with served(paper, days=days) as site:
        assert (
            ('value="weekdays"' in site.get(own).text) == ('name="cadence"' in site.get(own).text) == offered
        )
        answer = site.post(own, data={"save": "post", "cadence": "weekdays"})
    assert (answer.status_code == 200) == offered
    assert kept(paper).cadence == (Cadence.WEEKDAYS if offered else Cadence.DAILY)


def test_what_cannot_be_chosen_is_said_where_the_choices_stand_open(site: httpx.Client, own: str) -> None:
    answer = site.post(own, data={"save": "post", "pause_until": "2020-01-01"})
    assert answer.text.count("<details") == 2 and answer.text.count('class="wishes" open') == 1


def test_once_a_week_is_a_choice_where_the_newsletter_has_a_weekly(paper: Paper, own: str) -> None:
    with served(paper) as site:
        assert "Once a week" not in site.get(own).text
        refused = site.post(own, data={"save": "post", "cadence": "weekly"})
        assert 'class="trouble"' in refused.text
    assert kept(paper).cadence == Cadence.DAILY
    with served(paper, weekly="sun") as site:
        assert '<option value="weekly">Once a week</option>' in site.get(own).text
        site.post(own, data={"save": "post", "cadence": "weekly"})
        assert '<option value="weekly" selected>' in site.get(own).text
    assert kept(paper).cadence == Cadence.WEEKLY
    assert reach(paper, date(2026, 2, 18)) == 0, "and no daily"
