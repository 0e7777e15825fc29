"""A glance at a busy store: exact where it is small, bounded where it is large, worst first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from newsletter.runtime import Runtime
from newsletter.services import counting
from newsletter.services.status import Status, status
from newsletter.services.underway import same
from newsletter.store import articles, standing
from newsletter.store.feeds import record_success, record_trouble, sync_feeds
from tests.newsroom import NINE, Newsroom, at
from tests.smtpd import SmtpServer


@pytest.fixture
def relay() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


@pytest.fixture
def room(tmp_path: Path, database_url: str, relay: SmtpServer) -> Newsroom:
    room = Newsroom(tmp_path / "room", database_url, relay.port)
    room.import_stories(5)
    return room


def look(room: Newsroom, clock: str = "09:01") -> Status:
    with room.opened(at(clock)) as runtime:
        return status(runtime, at(clock))


def write(room: Newsroom, *statements: str) -> None:
    with room.opened() as runtime, runtime.database.writing() as session:
        for statement in statements:
            session.execute(sa.text(statement))


# ── people ──────────────────────────────────────────────────────────────────────────────────────


def test_few_people_are_counted_anew_and_many_are_kept_with_their_moment(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.import_readers(12)
    few = look(room).newsletters[0]
    assert (few.people, few.people_at) == (12, at("09:01"))
    monkeypatch.setattr(standing, "COUNTED_AT_ONCE", 10)
    assert look(room).newsletters[0].people is None, "nobody has counted so many yet"
    assert "many readers, not counted yet" in room.run("status", now=at("09:01")).said
    with room.opened() as runtime:
        counting.keep_counts(runtime, NINE)
    write(room, "UPDATE subscription SET state = 'ended' WHERE subscriber_id = 1")
    many = look(room).newsletters[0]
    assert (many.people, many.people_at) == (12, NINE), "honest about its moment"
    assert "12 readers at 09:00" in room.run("status", now=at("09:05")).said
    with room.opened() as runtime:
        counting.keep_counts(runtime, NINE + timedelta(minutes=9))
        assert status(runtime, at("09:09")).newsletters[0].people == 12, "not counted all the time"
        counting.keep_counts(runtime, NINE + timedelta(minutes=11))
        assert status(runtime, at("09:11")).newsletters[0].people == 11


def test_a_kept_count_knows_who_is_suppressed_and_who_pauses(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.import_readers(5)
    monkeypatch.setattr(standing, "COUNTED_AT_ONCE", 1)
    write(
        room,
        "INSERT INTO suppression SELECT address_key, 'dead', '', created_at FROM subscriber WHERE id = 1",
        "UPDATE subscription SET paused_until = '2031-01-01 00:00:00' WHERE subscriber_id = 2",
    )
    with room.opened() as runtime:
        counting.keep_counts(runtime, NINE)
        assert status(runtime, NINE).newsletters[0].people == 3


# ── a run ───────────────────────────────────────────────────────────────────────────────────────


def test_a_run_is_told_by_lane_and_by_the_words_of_servers(room: Newsroom) -> None:
    room.import_readers(
        [
            *(f"reader{number}@gmail.com" for number in range(6)),
            *(f"permfail{number}@x.example" for number in range(3)),
            "tempfail1@y.example",
        ]
    )
    room.run("tick", now=at("08:31"))
    room.run("tick", now=NINE)
    (run,) = look(room).running
    assert run.edition == "town/2026-02-18" and run.sums.total == 10
    assert {lane: sums.total for lane, sums in run.lanes.items()} == {"gmail": 6, "rest": 4}
    assert [(said.count, said.domain, said.state) for said in run.words] == [
        (3, "x.example", "failed"), (1, "y.example", "deferred"),
    ]  # fmt: skip
    assert run.sampled == run.troubled == 4
    assert run.per_second > 0
    told = room.run("status", now=at("09:01")).said
    assert "3 × x.example failed: 550 5.1.1" in told
    assert "town/2026-02-18 9 of 10 settled" in told


def test_the_look_at_failures_is_bounded_and_says_so(room: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "SAMPLED_ROWS", 4)
    room.configure(sending="breaker_refusals = 99")
    room.import_readers([f"permfail{number}@x.example" for number in range(9)] + ["a@x.example"])
    room.run("tick", now=at("08:31"))
    room.run("tick", now=NINE)
    (run,) = look(room).running
    assert (run.sampled, run.troubled) == (4, 9)
    told = room.run("status", now=at("09:01")).said
    assert "What servers said, of the latest 4 of 9 rows in trouble" in told


@pytest.mark.parametrize(
    ("reply", "shown"),
    [
        ("550 5.1.1 <bob@x.example>: no such user", "550 5.1.1 <address>: no such user"),
        ("451 try later [4f8aK2mQ9zLx]", "451 try later […]"),
        ("421 4.7.0 session 1234567890 too busy", "421 4.7.0 session … too busy"),
        ("550 5.7.1 see https://x.example/e?p=12", "550 5.7.1 see https://x.example/e?p=12"),
    ],
)
def test_words_that_differ_by_reader_alone_are_the_same(reply: str, shown: str) -> None:
    assert same(reply) == shown


# ── what needs a person ─────────────────────────────────────────────────────────────────────────


def test_what_needs_a_person_comes_worst_first_with_one_command_each(room: Newsroom) -> None:
    feed = '[[feeds]]\nname = "front"\nurl = "https://feeds.invalid/x.xml"'
    room.configure(feeds=feed)
    room.import_readers(2)
    for clock in ("08:31", "09:00"):
        room.run("tick", now=at(clock))
    for days in (1, 2, 3):
        room.import_stories(5, kind=f"day{days}", published=at("04:00", days=days))
        room.run("tick", now=at("08:31", days=days))
    write(
        room,
        "UPDATE batch SET unknown = 1, sent = sent - 1",
        "UPDATE edition SET state = 'paused', why = 'breaker: 50 refusals' WHERE slug = '2026-02-19'",
        "UPDATE edition SET state = 'held', why = 'nobody approved it' WHERE slug = '2026-02-20'",
        "UPDATE lease SET beat_at = '2020-01-01 00:00:00+00' WHERE name = 'clock'"
        if not room.is_sqlite
        else "UPDATE lease SET beat_at = '2020-01-01 00:00:00.000000' WHERE name = 'clock'",
    )
    with room.opened() as runtime:
        fail_since(runtime, feed_hours=3)
    found = look_at(room, days=3, clock="09:10")
    assert [(problem.what.split(":")[0], problem.next_step) for problem in found.problems] == [
        ("town/2026-02-21 was due and nobody has opened it", "newsletter tick"),
        ("town/2026-02-19 is paused", "newsletter resume town/2026-02-19 --retry"),
        ("town/2026-02-20 is held", "newsletter editions approve town/2026-02-20"),
        ("town/2026-02-18 has 1 deliveries in doubt", "newsletter unknown list town/2026-02-18"),
        (found.problems[4].what, "newsletter serve"),
        (found.problems[5].what.split(":")[0], "newsletter feeds list"),
    ]
    assert "the clock has not looked for" in found.problems[4].what
    assert "feed front brings nothing since" in found.problems[5].what
    done = room.run("status", now=at("09:10", days=3))
    assert done.code == 4
    assert done.out.startswith("■ town/2026-02-21 was due"), "what is worst is what is read first"


def fail_since(runtime: Runtime, *, feed_hours: int) -> None:
    """The feed has failed for so long by the story's last moment."""
    moment = at("09:10", days=3) - timedelta(hours=feed_hours)
    with runtime.database.writing() as session:
        sync_feeds(session, runtime.settings.feeds)
        (feed,) = articles.feeds(session)
        session.execute(sa.text("UPDATE feed SET failing_since = NULL"))
        record_trouble(session, feed, moment, "It is gone.", moment)


def look_at(room: Newsroom, *, days: int, clock: str) -> Status:
    with room.opened(at(clock, days=days)) as runtime:
        return status(runtime, at(clock, days=days))


def test_doubts_of_long_ago_are_not_forgotten(room: Newsroom) -> None:
    room.import_readers(2)
    for clock in ("08:31", "09:00"):
        room.run("tick", now=at(clock))
    write(room, "UPDATE batch SET unknown = 1, sent = sent - 1")
    for days in range(1, 6):
        room.run("tick", now=at("08:31", days=days))
    found = look_at(room, days=5, clock="08:40")
    assert [problem.what for problem in found.problems] == ["town/2026-02-18 has 1 deliveries in doubt"]
    assert found.newsletters[0].editions[-1].slug == "2026-02-18"


def test_preflight_is_told_as_far_as_it_is_on_the_record(room: Newsroom) -> None:
    seen = []
    for clock in ("08:00", "08:31"):
        room.run("tick", now=at(clock))
        seen.append(look(room, clock).newsletters[0].editions[0])
    assert [line.preflight for line in seen] == ["open", "ready"]
    assert seen[0].closes_at == at("08:30") and seen[1].closes_at is None
    room.configure(newsletter='theme = "none-such"')
    room.import_stories(5, kind="next", published=at("04:00", days=1))
    room.run("tick", now=at("08:31", days=1))
    lines = look_at(room, days=1, clock="08:32").newsletters[0].editions
    assert (lines[0].state, lines[0].preflight) == ("held", "blocked") or lines[1].preflight == "blocked"


def test_what_a_hand_holds_is_not_called_blocked(room: Newsroom) -> None:
    for days, clock in enumerate(("08:00", "08:31")):
        day = f"2026-02-{18 + days}"
        room.import_stories(5, kind=day, published=at("04:00", days=days))
        room.run("tick", now=at(clock, days=days))
        room.run("editions", "hold", f"town/{day}", "--why", "the mayor calls", now=at(clock, days=days))
        held = next(
            line for line in look_at(room, days=days, clock=clock).newsletters[0].editions if line.slug == day
        )
        assert (held.state, held.preflight) == ("held", ("", "ready")[days])


def test_a_feed_needs_a_person_once_it_has_failed_for_two_hours_and_not_for_having_no_news(
    room: Newsroom,
) -> None:
    room.configure(feeds='[[feeds]]\nname = "front"\nurl = "https://feeds.invalid/x.xml"')
    assert room.run("gather", now=at("05:00")).code == 5
    said = "feed front brings nothing since 18 Feb 10:00 UTC"
    for clock, is_needed in (("06:59", False), ("07:01", True)):
        assert (said in [need.what for need in look(room, clock).problems]) == is_needed
    with room.opened() as runtime, runtime.database.writing() as session:
        (feed,) = articles.feeds(session)
        record_success(session, feed, at("07:02"), etag="", last_modified="")
    assert look(room, "18:00").feeds[0].is_silent is False, "it answers, and nothing is new"


def test_the_house_is_told_too(room: Newsroom) -> None:
    assert look(room).clock is None
    assert "the clock" not in room.run("status", now=at("08:00")).said.partition("clock")[0]
    room.run("tick", now=at("08:00"))
    found = look(room, "08:00")
    assert found.clock is not None and found.clock < 60
    assert found.store.kind == ("sqlite" if room.is_sqlite else "postgresql")
    assert found.store.bytes > 10_000 and found.store.version
    assert [(relay.name, relay.host) for relay in found.relays] == [("main", "127.0.0.1")]
