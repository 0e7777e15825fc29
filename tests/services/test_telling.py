"""People who are not looking are told: each event once, over every channel, at a decent hour."""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from newsletter.services import telling
from newsletter.services.telling import PAUSES
from newsletter.store import alerts as store
from newsletter.store import articles
from newsletter.store.feeds import record_success, record_trouble
from tests.newsroom import Newsroom, at
from tests.services.hooks import Program, Webhook, alerts, share_secret, with_status
from tests.smtpd import SmtpServer


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with Webhook() as hook:
        yield hook


@pytest.fixture
def relay() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


@pytest.fixture
def room(tmp_path: Path, database_url: str, relay: SmtpServer, hook: Webhook) -> Newsroom:
    folder = tmp_path / "room"
    room = Newsroom(folder, database_url, relay.port, feeds=alerts(webhook=hook.url))
    share_secret(folder)
    return room


def tick(room: Newsroom, *clocks: str) -> None:
    for clock in clocks:
        room.run("tick", now=at(clock))


def history(room: Newsroom) -> list[str]:
    """What telling has noted, in its order."""
    with room.opened() as runtime, runtime.database.reading() as session:
        rows = session.execute(sa.text("SELECT act, why FROM history WHERE who = 'telling' ORDER BY id"))
        return [f"{act} {why}" for act, why in rows]


def findings_of(room: Newsroom, clock: str) -> list[str]:
    """What an editor is told who asks for the checks."""
    checked = room.run("editions", "check", "town/2026-02-18", "--json", now=at(clock)).json
    return [finding["sentence"] for finding in checked["findings"]]


def look(room: Newsroom, now: datetime) -> int:
    with room.opened(now) as runtime:
        return telling.tell(runtime, now)


# ── what is told ────────────────────────────────────────────────────────────────────────────────


def test_a_good_morning_is_told_twice_ready_and_finished(room: Newsroom, hook: Webhook) -> None:
    room.import_stories(5)
    room.import_readers(3)
    tick(room, "08:00", "08:31", "08:32", "09:00", "09:01", "09:05")
    assert hook.kinds == ["ready", "finished"]
    ready, finished = hook.told
    assert ready["subject"] == "The day's story no. 0" and len(ready["headlines"]) == 5
    assert ready["edition"] == "town/2026-02-18" and "?preview=" in ready["links"]["preview"]
    assert finished["counts"] == {"sent": 3} and finished["text"] == "town/2026-02-18 is finished: 3 sent."
    assert all(told["rehearsal"] for told in hook.told), "the clock was turned"
    assert history(room) == ["told ready by webhook", "told finished by webhook"]


def test_what_the_receiver_checks_is_the_signature_over_moment_and_body(
    room: Newsroom, hook: Webhook
) -> None:
    room.import_stories(5)
    tick(room, "08:00", "08:31")
    ((headers, body),) = hook.heard
    moment = headers["Newsletter-Timestamp"]
    assert abs(int(moment) - at("08:31").timestamp()) < 30
    wanted = hmac.new(b"shared", moment.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert headers["Newsletter-Signature"] == f"v1={wanted}"


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("skipped", "town/2026-02-18 is skipped: not enough articles: 1 of at least 3."),
        ("held", "found 240 minutes after its time"),
        ("late", "town/2026-02-18 goes out late."),
    ],
)
def test_a_morning_that_went_otherwise_is_told(room: Newsroom, hook: Webhook, kind: str, says: str) -> None:
    room.import_stories(1 if kind == "skipped" else 5)
    room.import_readers(2)
    clocks = {"skipped": ["08:00", "08:31"], "held": ["08:00", "13:00"], "late": ["08:00", "09:30"]}
    tick(room, *clocks[kind], clocks[kind][-1])
    (told,) = [told for told in hook.told if told["event"] == kind]
    assert says in told["text"] and told["next_step"].startswith("newsletter ")


def test_a_blocked_draft_is_told_at_its_cutoff(room: Newsroom, hook: Webhook) -> None:
    """A theme that fails its gate stands for every blocker."""
    room.configure(newsletter='theme = "none-such"')
    room.import_stories(5)
    tick(room, "08:00", "08:31", "08:32")
    (told,) = hook.told
    assert told["event"] == "blocked" and "none-such" in told["why"]
    assert told["findings"] == findings_of(room, "08:32") and "none-such" in told["findings"][0]


def test_a_draft_that_is_ready_is_told_with_all_that_its_check_finds(room: Newsroom, hook: Webhook) -> None:
    room.import_stories(
        5, kind="day so long that no inbox shows the whole of its story's headline to anybody,"
    )
    tick(room, "08:00", "08:31")
    (told,) = hook.told
    assert told["event"] == "ready" and any("characters" in finding for finding in told["findings"])
    assert told["findings"] == findings_of(room, "08:31")


def test_a_draft_that_nobody_approves_is_told_before_and_when_it_is_held(
    room: Newsroom, hook: Webhook
) -> None:
    room.configure(newsletter='approval = "required"')
    room.import_stories(5)
    room.import_readers(2)
    tick(room, "08:00", "08:31", "08:44", "08:46", "08:50", "09:00", "09:01")
    assert hook.kinds == ["ready", "unapproved", "held"]


def test_a_run_that_stops_is_told_each_time_it_does(room: Newsroom, hook: Webhook) -> None:
    room.configure(sending="breaker_in_a_row = 3")
    room.import_stories(5)
    room.import_readers([f"permfail{number}@x.example" for number in range(20)])
    tick(room, "08:00", "08:31", "09:00", "09:01")
    assert hook.kinds == ["ready", "breaker"]
    assert hook.told[-1]["counts"]["failed"] >= 3 and "3 refusals in a row" in hook.told[-1]["why"]
    assert room.run("resume", "town/2026-02-18", "--retry", now=at("09:02")).code == 0
    tick(room, "09:03")
    assert hook.kinds == ["ready", "breaker", "breaker"]
    assert len({told["id"] for told in hook.told}) == 3


def test_deliveries_in_doubt_are_told_once(room: Newsroom, hook: Webhook) -> None:
    room.import_stories(5)
    room.import_readers(3)
    tick(room, "08:00", "08:31", "09:00")
    with room.opened() as runtime, runtime.database.writing() as session:
        session.execute(sa.text("UPDATE delivery SET state = 'unknown' WHERE pos = 0"))
        session.execute(sa.text("UPDATE batch SET unknown = 1, sent = sent - 1"))
    tick(room, "09:10", "09:11")
    assert hook.kinds == ["ready", "finished", "doubt"]
    assert hook.told[-1]["text"] == "town/2026-02-18 has 1 deliveries in doubt."


def test_a_feed_that_is_silent_for_two_hours_is_told_and_again_after_it_came_back(
    room: Newsroom, hook: Webhook
) -> None:
    feed = '[[feeds]]\nname = "front"\nurl = "https://feeds.invalid/x.xml"'
    room.configure(feeds=f"{alerts(webhook=hook.url)}\n{feed}")
    assert room.run("gather", now=at("05:00")).code == 5

    def fails(clock: str) -> None:
        with room.opened() as runtime, runtime.database.writing() as session:
            (feed,) = articles.feeds(session)
            record_trouble(session, feed, at(clock), "It is gone.", at(clock))

    fails("06:00")
    assert look(room, at("06:59")) == 0
    assert look(room, at("07:01")) == 1
    fails("07:05")
    assert look(room, at("07:06")) == 0
    with room.opened() as runtime, runtime.database.writing() as session:
        (feed_row,) = articles.feeds(session)
        record_success(session, feed_row, at("07:10"), etag="", last_modified="")
    fails("07:20")
    assert look(room, at("09:19")) == 0
    assert look(room, at("09:21")) == 1
    assert hook.kinds == ["feed_silent", "feed_silent"]
    assert "Feed front has brought nothing since 12:20 UTC" in hook.told[-1]["text"]


def test_an_old_store_tells_no_tales(room: Newsroom, hook: Webhook) -> None:
    room.configure(feeds="")
    room.import_stories(5)
    room.import_readers(2)
    tick(room, "08:00", "09:00")
    room.configure(feeds=alerts(webhook=hook.url))
    assert look(room, at("09:30", days=2)) == 0
    assert hook.heard == []


# ── once ────────────────────────────────────────────────────────────────────────────────────────


def test_many_who_tell_at_once_tell_once(room: Newsroom, hook: Webhook) -> None:
    room.import_stories(5)
    room.configure(feeds="")
    tick(room, "08:00", "08:31")
    room.configure(feeds=alerts(webhook=hook.url))
    with room.opened(at("08:32")) as runtime:
        threads = [threading.Thread(target=telling.tell, args=(runtime, at("08:32"))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert hook.kinds == ["ready"]


def test_who_died_between_claim_and_settling_leaves_it_to_the_next_try(room: Newsroom, hook: Webhook) -> None:
    room.import_stories(5)
    hook.answer = with_status(500)
    tick(room, "08:00", "08:31")
    with room.opened(at("08:33")) as runtime:
        with runtime.database.writing() as session:
            (alert,) = store.due(session, at("08:33"), 9)
            assert store.claim(session, alert, at("08:38"))
            assert not store.claim(session, alert, at("08:38")), "nobody else may"
        hook.answer = with_status(204)
        assert telling.tell(runtime, at("08:34")) == 0
        assert telling.tell(runtime, at("08:39")) == 1
    assert len(hook.heard) == 2 and len({told["id"] for told in hook.told}) == 1


def test_a_channel_that_fails_is_tried_again_ever_later_and_then_given_up(
    room: Newsroom, hook: Webhook
) -> None:
    room.import_stories(5)
    hook.answer = with_status(503)
    tick(room, "08:00", "08:31")
    now = at("08:31")
    for tried, pause in enumerate(PAUSES, 1):
        seen = room.run("status", "--json", now=now)
        is_red = tried >= 3
        assert (seen.code, seen.json["untold"]) == ((4, 1) if is_red else (0, 0)), (
            "twice may happen to anybody"
        )
        assert look(room, now + pause - timedelta(seconds=5)) == 0
        heard = len(hook.heard)
        now += pause + timedelta(seconds=4)  # the tick's own clock ran on while it worked
        look(room, now)
        assert len(hook.heard) == heard + 1
    look(room, now + timedelta(hours=5))
    assert len(hook.heard) == len(PAUSES) + 1, "given up"
    assert history(room) == ["untold ready by webhook: it answered 503"], "one line, not one for each try"
    status = room.run("status", "--json", now=now)
    assert status.code == 4 and status.json["untold"] == 1


def test_one_channel_that_fails_does_not_silence_the_other(room: Newsroom, hook: Webhook) -> None:
    program = Program(room.folder)
    room.configure(feeds=alerts(webhook=hook.url, command=[str(program.file), "--team", "news desk"]))
    hook.answer = with_status(500)
    room.import_stories(5)
    tick(room, "08:00", "08:31", "08:35")
    assert program.kinds == ["ready"] and hook.kinds == ["ready", "ready"]
    assert program.runs[0]["argv"] == ["--team", "news desk"]
    assert program.runs[0]["told"]["id"] == hook.told[0]["id"]


# ── quiet hours ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("zone", ["", "UTC"])
def test_quiet_hours_hold_back_what_can_wait(room: Newsroom, hook: Webhook, zone: str) -> None:
    """In the newsletter's zone until 08:45; in UTC they are over (New York is five hours behind)."""
    quiet = f'quiet_hours = "22:00-08:45"\ntimezone = "{zone}"'
    room.configure(feeds=alerts(webhook=hook.url, more=quiet))
    room.import_stories(5)
    tick(room, "08:00", "08:31", "08:44")
    assert hook.kinds == (["ready"] if zone else [])
    tick(room, "08:46")
    assert hook.kinds == ["ready"]


def test_quiet_hours_do_not_exist_for_what_is_held(room: Newsroom, hook: Webhook) -> None:
    room.configure(
        feeds=alerts(webhook=hook.url, more='quiet_hours = "00:00-23:59"'), newsletter='theme = "none-such"'
    )
    room.import_stories(5)
    tick(room, "08:00", "08:31")
    assert hook.kinds == ["blocked"]


# ── beside the clock ────────────────────────────────────────────────────────────────────────────


def test_a_rehearsal_posts_to_this_machine_only(room: Newsroom, hook: Webhook) -> None:
    room.configure(feeds=alerts(webhook="https://pager.example/hook"))
    room.import_stories(5)
    tick(room, "08:00", "08:31")
    assert history(room) == []
