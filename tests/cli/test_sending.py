"""A send by hand: a minute to think again, a bar or lines, and what a machine reads."""

from __future__ import annotations

import json
import signal
import subprocess
from datetime import timedelta

import pytest
import sqlalchemy as sa

from newsletter.models import Batch, Delivery
from tests.newsroom import Newsroom, at, until
from tests.smtpd import Mood, SmtpServer

SIX = at("06:00")


def rows(room: Newsroom) -> tuple[int, int]:
    """How many deliveries and batches there are."""
    with room.opened() as runtime, runtime.database.reading() as session:
        return tuple(  # type: ignore[return-value]
            session.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for table in (Delivery, Batch)
        )


def hear(process: subprocess.Popen[str], words: str) -> str:
    """Read its standard error until a line with these words."""
    assert process.stderr is not None
    heard = ""
    while words not in heard:
        line = process.stderr.readline()
        assert line, f"it ended before it said {words!r}: {heard}"
        heard += line
    return heard


def ready(room: Newsroom, readers: int = 5) -> None:
    room.import_stories(5)
    room.import_readers(readers)
    assert room.run("tick", now=at("05:00")).code == 0


def test_ctrl_c_within_the_minute_undoes(room: Newsroom, relay: SmtpServer) -> None:
    ready(room)
    before = room.edition(now=SIX)
    process = room.start("send", "town", now=SIX)
    hear(process, "goes to 5 readers in 60 seconds. Ctrl-C undoes.")
    assert rows(room) == (5, 1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    assert "Undone: town/2026-02-18 is as it was, and nobody was mailed." in " ".join(err.split())
    assert rows(room) == (0, 0)
    after = room.edition(now=SIX)
    assert [line["act"] for line in after.pop("history")][-2:] == ["frozen", "undone"]
    assert after.pop("version") > before.pop("version") and before.pop("history")
    assert after == before
    assert relay.mails == []


def test_what_was_undone_goes_out_at_its_time_with_the_news_until_then(
    room: Newsroom, relay: SmtpServer
) -> None:
    ready(room)
    process = room.start("send", "town", "--json", now=SIX)
    until(lambda: rows(room)[0])
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert json.loads(out)["exit_code"] == 130
    room.import_stories(1, published=at("07:00"), kind="dawn")
    assert room.run("tick", now=at("07:01")).code == 0
    assert "The dawn's story no. 0" in {
        entry["headline"] for entry in room.edition(now=at("07:01"))["entries"]
    }
    assert room.run("tick", now=at("08:59")).code == 0
    assert relay.mails == []
    assert room.run("tick", now=at("09:00")).code == 0
    assert len(relay.mails) == 5


def test_a_held_edition_whose_send_was_undone_is_held_again(room: Newsroom, relay: SmtpServer) -> None:
    room.import_stories(5)
    room.import_readers(5)
    room.run("tick", now=at("12:00", days=-3))
    assert room.run("tick", now=at("11:30")).code == 4
    process = room.start("send", "town", now=at("11:31"))
    hear(process, "Ctrl-C undoes.")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert room.run("tick", now=at("11:33")).code == 4
    assert room.edition(now=at("11:33"))["state"] == "held"
    assert relay.mails == []
    assert room.run("send", "town", "--no-wait", now=at("11:40")).code == 0
    assert len(relay.mails) == 5


def test_an_extra_date_whose_send_was_undone_waits_for_a_person(room: Newsroom, relay: SmtpServer) -> None:
    room.configure(newsletter="skip_dates = [2026-02-18]")
    room.import_stories(5)
    room.import_readers(5)
    process = room.start("send", "town", now=SIX)
    hear(process, "Ctrl-C undoes.")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    room.run("tick", now=at("06:02"))
    assert relay.mails == []
    shown = room.edition(now=SIX)
    assert (shown["state"], shown["why"]) == ("held", "its send was undone")


def test_a_send_without_the_minute_reaches_everybody_and_says_so(room: Newsroom, relay: SmtpServer) -> None:
    ready(room)
    done = room.run("send", "town", "--no-wait", now=SIX)
    assert done.code == 0
    assert done.out == "town/2026-02-18 is sent: 5 of 5 accepted.\n"
    assert "5 of 5" in done.err
    assert len(relay.mails) == 5

    again = room.run("send", "town", "--no-wait", now=SIX)
    assert again.code == 3
    assert "town/2026-02-18 has been sent." in again.said
    assert len(relay.mails) == 5


@pytest.mark.parametrize("is_approved", [True, False])
def test_a_send_takes_what_was_approved_and_of_an_open_draft_what_a_hand_touched(
    is_approved: bool, room: Newsroom, relay: SmtpServer
) -> None:
    """News that came in meanwhile goes into an open draft alone."""
    ready(room, readers=1)
    for act in (
        ("drop", "town/2026-02-18", "2"),
        ("reword", "town/2026-02-18", "3", "--headline", "In words of our own"),
        *([("approve", "town/2026-02-18")] if is_approved else []),
    ):
        assert room.run("editions", *act, now=at("05:10")).code == 0
    room.import_stories(1, published=at("05:20"), kind="dawn")
    assert room.run("send", "town", "--no-wait", now=SIX).code == 0
    text = relay.mails[0].message.get_body(("plain",)).get_content()
    assert "In words of our own" in text and "The day's story no. 1" not in text
    assert ("The dawn's story no. 0" in text) is not is_approved


def test_a_machine_gets_one_object_and_progress_beside_it(room: Newsroom) -> None:
    ready(room)
    done = room.run("send", "town", "--no-wait", "--json", now=SIX)
    assert done.json["ok"] and done.json["deliveries"]["sent"] == 5
    lines = [json.loads(line) for line in done.err.splitlines()]
    assert lines[-1]["settled"] == lines[-1]["total"] == 5


def test_the_quiet_hear_only_the_result(room: Newsroom) -> None:
    ready(room)
    done = room.run("send", "town", "--no-wait", "--quiet", now=SIX)
    assert (done.code, done.err) == (0, "")


def test_ctrl_c_while_sending_leaves_nothing_in_doubt(room: Newsroom) -> None:
    with SmtpServer(Mood(delay=(20, 20))) as slow:
        room.configure(relay_port=slow.port, connections=1)
        ready(room, 200)
        process = room.start("send", "town", "--no-wait", now=SIX)
        until(lambda: slow.accepted > 20)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        assert process.returncode == 130, err
        assert "nothing is in doubt" in " ".join(err.split())
        counts = room.counts()
        assert counts.keys() == {"sent", "queued"}
        assert counts["sent"] == slow.accepted < 200
        assert room.run("tick", now=at("06:01")).code == 0
        assert room.counts() == {"sent": 200}
        assert max(slow.recipients().values()) == 1


def test_a_dry_run_writes_and_sends_nothing(room: Newsroom, relay: SmtpServer) -> None:
    ready(room)
    before = room.edition(now=SIX)
    done = room.run("send", "town", "--dry-run", now=SIX)
    assert done.code == 0
    assert "town/2026-02-18, to 5 readers" in done.out
    assert "Nothing was sent, and nothing was written." in done.out
    assert (room.edition(now=SIX), rows(room), relay.mails) == (before, (0, 0), [])


def test_a_dry_run_of_what_was_sent_says_so(room: Newsroom, relay: SmtpServer) -> None:
    ready(room)
    assert room.run("send", "town", "--no-wait", now=SIX).code == 0
    done = room.run("send", "town", "--dry-run", now=at("06:10"))
    assert (done.code, "has been sent" in done.said, len(relay.mails)) == (3, True, 5)


def test_missing_reaches_who_was_added_before_but_not_planned(room: Newsroom, relay: SmtpServer) -> None:
    ready(room)
    assert room.run("send", "town", "--no-wait", now=SIX).code == 0
    room.import_readers(["early@readers.example"], now=at("05:30"))
    counted = room.run("send", "town", "--missing", "--edition", "2026-02-18", "--dry-run", "--json", now=SIX)
    assert counted.json["people"] == 1
    done = room.run("send", "town", "--missing", "--edition", "2026-02-18", now=at("06:10"))
    assert done.code == 0, done.said
    assert relay.recipients()["early@readers.example"] == 1
    assert len(relay.mails) == 6


@pytest.mark.parametrize("moment", ["06:00", "08:45", "09:30", "19:00"])
def test_a_test_mail_shows_the_edition_that_is_next(room: Newsroom, relay: SmtpServer, moment: str) -> None:
    room.configure(newsletter='proof = ["desk@town.example"]')
    room.import_stories(5, published=at("05:00", days=int(moment > "09:00")) - timedelta(hours=24))
    room.import_readers(5)
    if moment < "19:00":  # in the evening of its first day a newsroom has no edition of today
        room.run("tick", now=at("05:00"))
    done = room.run("send", "town", "--test", "desk@town.example", now=at(moment))
    assert done.code == 0, done.said
    (mail,) = relay.mails
    assert mail.recipient == "desk@town.example"
    assert rows(room) == (0, 0), "a test is no delivery"
