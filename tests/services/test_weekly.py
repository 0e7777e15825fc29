"""What a weekly is made of, moment by moment: `keep` beside editions that went out, or did not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from newsletter.errors import Misuse
from newsletter.models import (
    Article,
    Batch,
    Correction,
    Edition,
    EditionKind,
    EditionState,
    Slot,
    SubscriptionState,
)
from newsletter.runtime import Runtime
from newsletter.schedule import next_due
from newsletter.services import checking, choosing, deciding, editing, sending, shaping
from newsletter.services.drafting import ran_before
from newsletter.services.shaping import Hand
from newsletter.services.timing import need_calendar, usual_due
from newsletter.store import articles, editions
from newsletter.store.newsletters import newsletter_ids
from newsletter.values import Choice, Placement
from tests.newsroom import Newsroom, at
from tests.people import make_reader

# 18 February 2026 is a Wednesday, and so is the weekly's day here
TODAY = "2026-02-18-weekly"
NEXT = "2026-02-25-weekly"
WEEKLY = 'weekly = "wed"\nmin_articles = 1'
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def room(tmp_path: Path, database_url: str) -> Newsroom:
    return Newsroom(tmp_path, database_url, relay_port=2525, newsletter=WEEKLY)


@pytest.fixture
def runtime(room: Newsroom) -> Iterator[Runtime]:
    with room.opened() as runtime:
        editing.keep(runtime, at("12:00", days=-6))
        yield runtime


def number(runtime: Runtime) -> int:
    with runtime.database.reading() as session:
        return newsletter_ids(session)["town"]


def found(runtime: Runtime, slug: str = TODAY) -> Edition:
    with runtime.database.reading() as session:
        edition = editions.find(session, number(runtime), slug)
    assert edition is not None, f"there is no edition {slug}"
    return edition


def told(runtime: Runtime, slug: str = TODAY) -> list[str]:
    """The headlines of an edition, as readers find them."""
    with runtime.database.reading() as session:
        placed = editions.placements(session, found(runtime, slug).id or 0)
        titles = {each.id: each.title for each in articles.by_ids(session, [p.article_id for p in placed])}
    return [each.headline or titles[each.article_id] for each in placed]


def publish(
    runtime: Runtime, began_at: datetime, *titles: str, slug: str = "", kind: EditionKind = EditionKind.DAILY,
    sent: int = 1,
) -> list[int]:  # fmt: skip
    """An edition that began then and reached so many; gives its articles' numbers."""
    slug = slug or f"{began_at:%Y-%m-%d}"
    with runtime.database.writing() as session:
        rows = [
            Article(
                url=f"https://town.example/{slug}/{n}", identity=f"{slug}/{n}", title=title, section="Town",
                published_at=began_at, first_seen_at=began_at, updated_at=began_at,
            )
            for n, title in enumerate(titles)
        ]  # fmt: skip
        session.add_all(rows)
        session.flush()
        numbers = [row.id or 0 for row in rows]
        known = editions.find(session, number(runtime), slug)
        edition = known or editions.create(
            session, number(runtime), slug, kind, began_at.date(), began_at, began_at
        )
        assert edition is not None
        page = tuple(
            Placement(each, Slot.HEADLINES if n else Slot.LEAD, why="", section="Town")
            for n, each in enumerate(numbers)
        )
        assert editions.save_choice(session, edition, Choice(page, {}), titles[0])
        editions.amend(
            session, edition.id or 0, state=EditionState.SENT, began_at=began_at, closed_at=began_at
        )
        session.add(
            Batch(
                edition_id=edition.id or 0, no=1, lane="rest", due_at=began_at, not_before=began_at,
                deadline=began_at, size=1, begun=1, sent=sent,
            )
        )  # fmt: skip
    return numbers


def reach(runtime: Runtime, slug: str) -> None:
    """A reader gets what had reached nobody so far."""
    with runtime.database.writing() as session:
        batch = session.get(Batch, (found(runtime, slug).id, 1))
        assert batch is not None
        batch.sent = 1


def test_it_grows_with_every_daily_and_closes_at_its_cutoff(runtime: Runtime) -> None:
    publish(runtime, at("09:00", days=-5), "Ferry runs aground")
    editing.keep(runtime, at("10:00", days=-5))
    assert told(runtime) == ["Ferry runs aground"]
    assert found(runtime).subject == "The week in Town Today: Ferry runs aground"
    publish(
        runtime,
        at("15:00", days=-2),
        "Flood closes a bridge",
        slug="2026-02-16-extra-1",
        kind=EditionKind.EXTRA,
    )
    editing.keep(runtime, at("16:00", days=-2))
    assert told(runtime) == ["Flood closes a bridge", "Ferry runs aground"]
    editing.keep(runtime, at("08:31"))
    publish(runtime, at("08:32"), "Mayor resigns", slug="2026-02-18-extra-1", kind=EditionKind.EXTRA)
    editing.keep(runtime, at("08:40"))
    closed = found(runtime)
    assert (closed.closed_at, closed.rendition_id is not None) == (at("08:30"), True)
    assert told(runtime) == ["Flood closes a bridge", "Ferry runs aground"]
    publish(
        runtime, at("09:00"), *[], "Storm takes a roof", slug="2026-02-18-extra-2", kind=EditionKind.EXTRA
    )


def test_what_reached_its_first_reader_after_the_cutoff_is_in_the_next(runtime: Runtime) -> None:
    publish(runtime, at("09:00", days=-2), "Ferry runs aground")
    publish(runtime, at("09:00", days=-1), "Flood closes a bridge", sent=0)
    editing.keep(runtime, at("08:31"))
    assert told(runtime) == ["Ferry runs aground"]
    publish_weekly(runtime)
    reach(runtime, "2026-02-17")
    editing.keep(runtime, at("12:00"))
    assert told(runtime, NEXT) == ["Flood closes a bridge"]


def publish_weekly(runtime: Runtime) -> None:
    """Today's goes out, to one reader."""
    with runtime.database.writing() as session:
        edition = found(runtime)
        editions.amend(session, edition.id or 0, state=EditionState.SENT, began_at=at("09:00"))
        session.add(
            Batch(
                edition_id=edition.id or 0, no=1, lane="rest", due_at=at("09:00"), not_before=at("09:00"),
                deadline=at("13:00"), size=1, begun=1, sent=1,
            )
        )  # fmt: skip


def test_a_week_without_editions_is_skipped_and_says_so(runtime: Runtime) -> None:
    editing.keep(runtime, at("08:31"))
    skipped = found(runtime)
    assert (skipped.state, skipped.why) == (
        "skipped",
        "nothing to tell, for no edition went out since the last weekly",
    )
    editing.keep(runtime, at("08:32"))
    assert found(runtime, NEXT).state == "draft"


def test_a_week_that_was_taken_out_leaves_its_stories_to_the_next(room: Newsroom, runtime: Runtime) -> None:
    publish(runtime, at("09:00", days=-2), "Ferry runs aground")
    editing.keep(runtime, at("08:31"))
    publish_weekly(runtime)
    room.configure(newsletter=f"{WEEKLY}\nskip_dates = [2026-02-25]")
    with room.opened() as changed:
        editing.keep(changed, at("12:00"))
        publish(changed, at("09:00", days=1), "Flood closes a bridge")
        publish(changed, at("09:00", days=9), "Mayor resigns")
        editing.keep(changed, at("12:00", days=9))
        assert found(changed, NEXT).state == "skipped"
        assert set(told(changed, "2026-03-04-weekly")) == {"Flood closes a bridge", "Mayor resigns"}


def test_one_that_is_held_lapses_at_the_cutoff_of_the_next_weekly(runtime: Runtime) -> None:
    publish(runtime, at("09:00", days=-2), "Ferry runs aground")
    editing.keep(runtime, at("10:00", days=-2))
    deciding.hold(runtime, runtime.newsletter("town"), TODAY, at("08:20"), who="ada", why="on holiday")
    for days, state in ((1, "held"), (6, "held"), (7, "skipped")):
        editing.keep(runtime, at("08:35", days=days))
        assert found(runtime).state == state


def test_without_a_reader_of_it_it_is_skipped(room: Newsroom, runtime: Runtime) -> None:
    publish(runtime, at("09:00", days=-2), "Ferry runs aground")
    with runtime.database.writing() as session:
        make_reader(session, number(runtime), "daily@readers.example", state=SubscriptionState.ACTIVE)
    editing.keep(runtime, at("08:31"))
    sending.open_due(runtime, at("08:59"))
    skipped = found(runtime)
    assert (skipped.state, skipped.why) == ("skipped", "it has no reader")


def test_dailies_take_no_notice_of_it(runtime: Runtime) -> None:
    (number_of,) = publish(runtime, at("09:00", days=-2), "Ferry runs aground")
    editing.keep(runtime, at("08:31"))
    publish_weekly(runtime)
    with runtime.database.reading() as session:
        daily = ran_before(session, found(runtime, "2026-02-18"))
        weekly = ran_before(session, found(runtime))
    assert {article: ran.slug for article, ran in daily.items()} == {number_of: "2026-02-16"}
    assert weekly == {}, "its own entries are no repetition"
    editing.keep(runtime, at("12:00"))
    assert told(runtime, NEXT) == []
    checked = checking.check(runtime, runtime.newsletter("town"), TODAY, at("12:00"))
    assert not [finding for finding in checked.findings if finding.code == "ran before"]


def test_it_speaks_in_the_last_words_of_its_week_and_an_editors_stay(runtime: Runtime) -> None:
    ferry, bridge, coins = publish(
        runtime, at("09:00", days=-2), "Ferry sails on Thursday", "Flood closes a bridge", "Coins are shown"
    )
    with runtime.database.writing() as session:
        edition = found(runtime, "2026-02-16")
        session.add(
            Correction(
                edition_id=edition.id or 0, at=at("10:00", days=-2), who="ops", what="It is Friday.",
                article_id=ferry, headline="Ferry sails on Friday",
            )
        )  # fmt: skip
    town = runtime.newsletter("town")
    editing.keep(runtime, at("12:00", days=-2))
    shaping.pin(runtime, town, TODAY, bridge, at("12:01", days=-2), Hand("ada"), slot=Slot.LEAD)
    shaping.reword(runtime, town, TODAY, bridge, at("12:02", days=-2), Hand("ada"), headline="The bridge")
    shaping.drop(runtime, town, TODAY, coins, at("12:03", days=-2), Hand("ada"))
    publish(runtime, at("09:00", days=-1), "Mayor resigns")
    editing.keep(runtime, at("12:00", days=-1))
    assert told(runtime) == ["The bridge", "Mayor resigns", "Ferry sails on Friday"]
    answer = choosing.why(runtime, town, TODAY, _article(runtime, coins), at("12:00", days=-1))
    assert (answer.is_in, answer.reason) == (False, "dropped by an editor — put back, it could run")


def _article(runtime: Runtime, number: int) -> Article:
    with runtime.database.reading() as session:
        article = articles.find(session, number)
    assert article is not None
    return article


def test_an_article_of_no_edition_is_told_why_it_is_out(runtime: Runtime) -> None:
    (unsent,) = publish(runtime, at("09:00", days=-2), "Ferry runs aground", sent=0)
    answer = choosing.why(runtime, runtime.newsletter("town"), TODAY, _article(runtime, unsent), at("12:00"))
    assert (answer.is_in, answer.reason.startswith("was in no edition that went out")) == (False, True)


def test_a_weekly_that_is_given_up_and_a_date_that_is_taken_out(room: Newsroom, runtime: Runtime) -> None:
    room.configure(newsletter=f"{WEEKLY}\nskip_dates = [2026-02-18]")
    with room.opened() as changed:
        editing.keep(changed, at("12:00", days=-2))
        taken_out = found(changed)
        assert (taken_out.state, taken_out.why) == ("skipped", "the editors took this date out")
        assert found(changed, NEXT).due_at == at("09:00", days=7)
    room.configure(newsletter="")
    with room.opened() as without:
        editing.keep(without, at("12:00", days=-1))
        given_up = found(without, NEXT)
        assert (given_up.state, given_up.why) == ("skipped", "the newsletter has no weekly any more")
        with pytest.raises(Misuse, match="town has no weekly"):
            editing.draft_ahead(
                without, without.newsletter("town"), at("12:00"), who="ops", kind=EditionKind.WEEKLY
            )


def test_it_keeps_its_minute_when_the_clocks_change(room: Newsroom) -> None:
    room.configure(newsletter='weekly = "sun"\ndays = ["mon"]\nsend_at = "02:30"')
    week = timedelta(days=7)
    with room.opened() as runtime:
        town = runtime.newsletter("town")
        before = next_due(need_calendar(town, EditionKind.WEEKLY), at("12:00", days=4))
        spring = next_due(need_calendar(town, EditionKind.WEEKLY), before.at)
        after = next_due(need_calendar(town, EditionKind.WEEKLY), spring.at)
        assert [due.day.isoformat() for due in (before, spring, after)] == [
            "2026-03-01", "2026-03-08", "2026-03-15",
        ]  # fmt: skip
        # 02:30 does not exist on 8 March in New York: the first minute after the gap is 03:00
        assert (spring.at - before.at, after.at - spring.at) == (
            week - timedelta(minutes=30), week - timedelta(minutes=30),
        )  # fmt: skip
        edition = Edition(
            newsletter_id=1, slug="2026-03-08-weekly", kind=EditionKind.WEEKLY, local_date=spring.day,
            due_at=spring.at, created_at=before.at,
        )  # fmt: skip
        assert usual_due(town, edition) == spring.at
        assert usual_due(town, edition.model_copy(update={"kind": EditionKind.DAILY})) is None


def test_in_ukrainian(room: Newsroom, runtime: Runtime) -> None:
    publish(runtime, at("09:00", days=-2), "Паром сів на мілину")
    room.configure(newsletter=f'{WEEKLY}\nlanguage = "uk"')
    with room.opened() as ukrainian:
        editing.keep(ukrainian, at("12:00", days=-2))
        assert found(ukrainian).subject == "Тиждень із «Town Today»: Паром сів на мілину"
