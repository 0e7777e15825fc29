"""Editors rule: what a hand touched stays so, what was approved is what is sent, and the clock obeys both."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
import sqlalchemy as sa

from newsletter.models import Rendition
from newsletter.services import dispatching, sending
from newsletter.store import deliveries, subscribers
from tests.newsroom import NINE, Done, Newsroom, at
from tests.smtpd import SmtpServer

TODAY = "town/2026-02-18"
DAWN = at("05:00")


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


@pytest.fixture
def room(tmp_path: Path, database_url: str, server: SmtpServer) -> Newsroom:
    """It has drafted today's edition of six of its eight stories."""
    room = Newsroom(tmp_path, database_url, server.port)
    room.import_readers(3)
    room.run("tick", now=at("12:00", days=-1))
    room.import_stories(8)
    room.run("tick", now=DAWN)
    return room


def do(room: Newsroom, *words: str, now: object = DAWN) -> Done:
    done = room.run("editions", words[0], TODAY, *words[1:], now=now)  # type: ignore[arg-type]
    assert done.code == 0, done.said
    return done


def order(room: Newsroom, slug: str = "2026-02-18") -> list[int]:
    """The articles in the order of the page."""
    return [entry["article"] for entry in room.edition(slug)["entries"]]


def acts(room: Newsroom, slug: str = "2026-02-18") -> list[str]:
    return [line["act"] for line in room.edition(slug)["history"]]


def bodies(server: SmtpServer) -> set[str]:
    """What was read in each mail, without the links that are each reader's own."""
    own = re.compile(r"https?://127\S+|reader\d+@\S+")
    return {own.sub("OWN", text_of(mail.message)) for mail in server.mails}


def text_of(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


# ── an open draft ───────────────────────────────────────────────────────────────────────────────


def test_what_a_hand_touched_stays_while_the_machine_goes_on(room: Newsroom) -> None:
    assert order(room) == [1, 2, 3, 4, 5, 6]
    do(room, "pin", "8", "--slot", "lead")
    do(room, "move", "4", "--to", "1")
    do(room, "drop", "2")
    do(room, "reword", "3", "--headline", "In our words")
    before = order(room)
    assert before[:2] == [8, 4] and 2 not in before
    room.import_stories(3, published=at("07:00"), kind="dawn")
    room.run("tick", now=at("07:01"))
    after = order(room)
    assert after[:2] == [8, 4] and 2 not in after and {9, 10, 11} & set(after), "news came in around it"
    assert after.index(3) == before.index(3)
    edition = room.edition()
    headlines = {entry["article"]: entry["headline"] for entry in edition["entries"]}
    assert headlines[3] == "In our words"
    assert edition["reasons"]["2"] == "out: dropped by an editor — put back, it could run"
    assert edition["reasons"]["8"] == "in: pinned by an editor"


def test_each_act_can_be_taken_back(room: Newsroom) -> None:
    untouched = room.edition()["entries"]
    do(room, "drop", "1")
    do(room, "drop", "1", "--undo")
    do(room, "pin", "5", "--slot", "lead")
    do(room, "pin", "5", "--undo")
    do(room, "reword", "2", "--headline", "H", "--summary", "S")
    do(room, "reword", "2", "--undo")
    do(room, "reword", "--subject", "Ours")
    assert room.edition()["subject"] == "Ours"
    do(room, "reword", "--undo")
    assert room.edition()["entries"] == untouched
    assert room.edition()["subject"] == untouched[0]["headline"]
    assert acts(room)[1:] == [
        "dropped", "put back", "pinned", "unpinned", "reworded", "reworded", "reworded", "reworded",
    ]  # fmt: skip


def test_a_lead_that_is_put_back_leads_alone(room: Newsroom) -> None:
    do(room, "pin", "5", "--slot", "lead")
    do(room, "drop", "5")
    do(room, "pin", "6", "--slot", "lead")
    do(room, "drop", "5", "--undo")
    room.run("tick", now=at("06:00"))
    slots = [(entry["article"], entry["slot"]) for entry in room.edition()["entries"]]
    assert slots[0] == (5, "lead") and [slot for _, slot in slots].count("lead") == 1


def test_the_source_does_not_overwrite_an_editors_words(room: Newsroom) -> None:
    do(room, "reword", "2", "--headline", "Ours")
    room.run("articles", "add", "https://town.example/day/1", "--title", "Theirs, changed", now=at("06:00"))
    room.run("tick", now=at("06:01"))
    headlines = {entry["article"]: entry["headline"] for entry in room.edition()["entries"]}
    assert headlines[2] == "Ours"


# ── approved ────────────────────────────────────────────────────────────────────────────────────


def test_what_was_approved_is_sent_byte_for_byte(
    room: Newsroom, server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    do(room, "approve")
    stored, approved = rendition(room), mails_of(room)
    assert stored.program and stored.theme == "default"
    theme = room.folder / "themes" / "default"
    theme.mkdir(parents=True)
    (theme / "digest.txt.j2").write_text("Nothing of it\n")
    room.config.write_text('themes = "themes"\n' + room.config.read_text())
    room.run("articles", "add", "https://town.example/day/0", "--title", "Another title", now=at("06:00"))
    monkeypatch.setattr("newsletter.store.renditions.PROGRAM", "99.0")
    room.import_stories(3, published=at("07:00"), kind="dawn")
    assert room.run("tick", now=NINE).code == 0
    assert {mail.recipient: mail.content for mail in server.mails} == approved
    assert rendition(room) == stored, "nothing was rendered again"
    assert acts(room) == ["drafted", "approved", "frozen", "sent"]


def mails_of(room: Newsroom) -> dict[str, bytes]:
    """Every reader's mail of today's edition, as it is stored now."""
    with room.opened() as runtime:
        compiled = sending.compose(runtime, 1)
        with runtime.database.reading() as session:
            readers = [subscribers.reader(session, number, 1) for number in range(1, 4)]
    return {reader.address: compiled.fill(reader) for reader in readers if reader}


def rendition(room: Newsroom) -> Rendition:
    """The only one that there is."""
    with room.opened() as runtime, runtime.database.reading() as session:
        return session.execute(sa.select(Rendition)).scalars().one()


def test_an_edit_after_approval_withdraws_it_and_policy_decides(room: Newsroom, server: SmtpServer) -> None:
    do(room, "approve", now=at("08:40"))
    edited = do(room, "reword", "1", "--headline", "Corrected", now=at("08:50"))
    assert "Its approval is withdrawn" in edited.said
    assert room.edition()["state"] == "draft"
    assert room.edition()["history"][-1]["why"].endswith("; the approval is withdrawn")
    room.configure(newsletter='approval = "required"')
    assert room.run("tick", now=NINE).code == 4
    assert (room.edition()["state"], room.edition()["why"]) == ("held", "nobody approved it in time")
    assert server.mails == []
    said = do(room, "approve", now=at("09:05")).said
    assert "goes out at once" in said
    assert room.run("tick", now=at("09:05:10")).code == 0
    (body,) = bodies(server)
    assert "Corrected" in body and room.edition()["state"] == "sent"


def test_without_need_of_approval_an_edited_edition_goes_at_its_time(
    room: Newsroom, server: SmtpServer
) -> None:
    do(room, "approve", now=at("08:40"))
    do(room, "drop", "1", now=at("08:50"))
    assert room.run("tick", now=NINE).code == 0
    (body,) = bodies(server)
    assert "story no. 0" not in body and order(room)[0] == 2


def test_frozen_held_edited_approved_it_goes_once_and_edited(room: Newsroom, server: SmtpServer) -> None:
    room.run("tick", now=at("08:58:30"))
    assert room.counts() == {"queued": 3}
    late = room.run("editions", "reword", TODAY, "1", "--headline", "No", now=at("08:59"))
    assert (late.code, "is frozen" in late.said, "hold it first" in late.said) == (3, True, True)
    do(room, "hold", "--why", "a name is wrong", now=at("08:59:30"))
    assert (room.counts(), batches(room)) == ({}, 0)
    do(room, "reword", "1", "--headline", "The right name", now=at("08:59:40"))
    do(room, "approve", now=at("08:59:50"))
    assert room.run("tick", now=NINE).code == 0
    assert room.run("tick", now=at("09:01")).code == 0
    assert server.recipients() == dict.fromkeys(room.readers, 1)
    (body,) = bodies(server)
    assert "The right name" in body
    assert acts(room)[1:] == ["closed", "frozen", "held", "reworded", "approved", "frozen", "sent"]


def test_sent_now_and_undone_at_59_seconds_there_is_no_mail_and_no_row(
    room: Newsroom, server: SmtpServer
) -> None:
    with room.opened(DAWN) as runtime:
        town = runtime.newsletter("town")
        dispatch = dispatching.send_now(runtime, town, "", DAWN, wait=timedelta(seconds=60), who="ops")
        assert dispatch.people == 3
        assert sending.unfreeze(runtime, town, dispatch.edition_id, DAWN + timedelta(seconds=59), who="ops")
    room.run("tick", now=DAWN + timedelta(seconds=61))
    assert (server.mails, room.counts(), batches(room)) == ([], {}, 0)
    assert room.edition()["state"] == "draft"
    do(room, "drop", "1", now=at("06:00"))
    assert room.run("tick", now=NINE).code == 0
    assert server.recipients() == dict.fromkeys(room.readers, 1), "at its own time, as if nothing had been"


def batches(room: Newsroom) -> int:
    with room.opened() as runtime, runtime.database.reading() as session:
        return deliveries.sums(session, 1).total


def test_approved_past_the_late_limit_it_waits_for_send(room: Newsroom, server: SmtpServer) -> None:
    do(room, "hold", "--why", "a doubt", now=at("08:00"))
    said = do(room, "approve", now=at("11:30")).said
    assert "waits for you: newsletter send town --edition 2026-02-18" in said
    assert room.run("tick", now=at("11:31")).code == 4
    status = room.run("status", now=at("11:31"))
    assert "waits to be sent by hand" in status.said and not server.mails
    assert room.run("send", "town", "--no-wait", now=at("11:32")).code == 0
    assert server.recipients() == dict.fromkeys(room.readers, 1)


# ── skipped ─────────────────────────────────────────────────────────────────────────────────────


def test_a_skip_gives_the_stories_to_the_next_and_can_be_taken_back(
    room: Newsroom, server: SmtpServer
) -> None:
    do(room, "skip", "--why", "the press is on strike")
    assert room.run("tick", now=NINE).code == 0
    assert (room.edition()["state"], room.edition()["why"]) == ("skipped", "the press is on strike")
    assert not server.mails
    assert len(order(room, "2026-02-19")) == 6
    do(room, "unskip", now=at("09:10"))
    assert (room.edition()["state"], room.edition()["why"]) == (
        "held", "taken back from skipped after its time",
    )  # fmt: skip
    do(room, "approve", now=at("09:11"))
    assert room.run("tick", now=at("09:12")).code == 0
    assert server.recipients() == dict.fromkeys(room.readers, 1)
    assert room.edition()["late"] is True
    over = room.run("editions", "unskip", TODAY, now=at("09:13"))
    assert (over.code, "has been sent" in over.said) == (3, True)


def test_unskipped_before_its_time_it_is_a_draft_again(room: Newsroom, server: SmtpServer) -> None:
    do(room, "skip", "--why", "a mistake")
    do(room, "unskip", now=at("06:00"))
    assert room.edition()["state"] == "draft"
    assert room.run("tick", now=NINE).code == 0
    assert len(server.mails) == 3


def test_what_the_next_has_overtaken_is_not_taken_back(room: Newsroom) -> None:
    do(room, "skip", "--why", "a mistake")
    late = room.run("editions", "unskip", TODAY, now=at("08:31", days=1))
    assert (late.code, "the next of its kind has had its cut-off" in late.said) == (3, True)


def test_a_holiday_is_on_the_record_and_a_hand_may_lift_it(
    tmp_path: Path, database_url: str, server: SmtpServer
) -> None:
    room = Newsroom(tmp_path, database_url, server.port, newsletter='holidays = ["US"]')
    room.import_readers(1, now=at("12:00", days=-4))
    room.run("tick", now=at("12:00", days=-4))  # Saturday; Monday is Presidents' Day
    room.import_stories(4, published=at("13:00", days=-4), kind="saturday")
    room.run("tick", now=at("09:00", days=-3))
    room.run("tick", now=at("09:01", days=-3))
    found = room.editions(now=at("09:01", days=-3))
    monday = found["2026-02-16"]
    assert (monday["state"], monday["why"]) == ("skipped", "it is a holiday: Washington's Birthday (US)")
    assert found["2026-02-17"]["state"] == "draft"
    room.import_stories(4, published=at("20:00", days=-3), kind="sunday")
    lifted = room.run("editions", "unskip", "town/2026-02-16", now=at("21:00", days=-3))
    assert lifted.code == 0, lifted.said
    for clock in ("05:00", "09:00"):
        room.run("tick", now=at(clock, days=-2))
    assert room.editions()["2026-02-16"]["state"] == "sent"
    assert len(server.mails) == 2


def test_a_date_taken_out_after_its_draft_was_made_is_skipped(room: Newsroom) -> None:
    room.configure(newsletter='skip_dates = ["2026-02-18"]')
    room.run("tick", now=at("06:00"))
    assert (room.edition()["state"], room.edition()["why"]) == ("skipped", "the editors took this date out")
    assert room.editions()["2026-02-19"]["state"] == "draft"


# ── extras ──────────────────────────────────────────────────────────────────────────────────────


def test_an_extra_takes_what_has_not_gone_out_and_goes_at_its_own_time(
    room: Newsroom, server: SmtpServer
) -> None:
    room.run("tick", now=NINE)
    room.import_stories(1, published=at("10:00"), kind="breaking")
    made = room.run("editions", "draft", "town", "--extra", "--at", "10:30", "--json", now=at("10:10"))
    assert made.json["slug"] == "2026-02-18-extra-1"
    assert not set(order(room)) & set(order(room, "2026-02-18-extra-1"))
    room.run("editions", "pin", "town/2026-02-18-extra-1", "9", "--slot", "lead", now=at("10:15"))
    assert room.run("tick", now=at("10:20")).code == 0
    assert room.edition("2026-02-18-extra-1")["state"] == "draft", "its editor has all the time there is"
    assert room.run("tick", now=at("10:30")).code == 0
    assert room.edition("2026-02-18-extra-1")["state"] == "sent"
    assert server.recipients() == dict.fromkeys(room.readers, 2)
    again = room.run("editions", "draft", "town", "--extra", "--json", now=at("11:00"))
    assert again.json["slug"] == "2026-02-18-extra-2"


def test_an_extra_without_a_time_waits_for_send_and_lapses_with_its_day(
    room: Newsroom, server: SmtpServer
) -> None:
    for _ in range(2):
        room.run("editions", "draft", "town", "--extra", now=DAWN)
    room.run("editions", "approve", "town/2026-02-18-extra-1", now=at("06:00"))
    room.run("tick", now=at("07:00"))
    assert not server.mails
    sent = room.run("send", "town", "--edition", "2026-02-18-extra-1", "--no-wait", now=at("07:01"))
    assert (sent.code, len(server.mails)) == (0, 3), sent.said
    room.run("tick", now=at("00:01", days=1))
    unsent = room.edition("2026-02-18-extra-2")
    assert (unsent["state"], unsent["why"]) == ("skipped", "it waited to be sent by hand, and nobody did")


# ── hidden ──────────────────────────────────────────────────────────────────────────────────────


def test_hiding_an_article_of_a_closed_edition_is_an_edit(room: Newsroom, server: SmtpServer) -> None:
    do(room, "approve")
    hidden = room.run("articles", "hide", "1", "--why", "withdrawn", now=at("08:50"))
    assert (hidden.code, "its approval is withdrawn" in hidden.said) == (0, True)
    assert order(room)[0] == 2, "the next leads"
    assert (acts(room)[-1], room.edition()["state"]) == ("hid", "draft")
    room.run("tick", now=NINE)
    (body,) = bodies(server)
    assert "story no. 0" not in body


def test_hiding_an_article_of_a_frozen_edition_leaves_it_there_and_says_so(
    room: Newsroom, server: SmtpServer
) -> None:
    room.run("tick", now=at("08:58:30"))
    hidden = room.run("articles", "hide", "1", now=at("08:59"))
    assert hidden.code == 0 and "is frozen and carries it still" in hidden.said
    assert f"newsletter editions hold {TODAY}" in hidden.said
    room.run("tick", now=NINE)
    (body,) = bodies(server)
    assert "story no. 0" in body


def test_an_edition_whose_only_story_is_hidden_is_held(room: Newsroom) -> None:
    room.run("editions", "draft", "town", "--extra", now=DAWN)
    extra = "town/2026-02-18-extra-1"
    for number in range(2, 9):
        room.run("editions", "drop", extra, str(number), now=DAWN)
    assert order(room, "2026-02-18-extra-1") == [1]
    room.run("editions", "approve", extra, now=DAWN)
    only = room.run("editions", "drop", extra, "1", now=DAWN)
    assert (only.code, "cannot do without its only story" in only.said) == (3, True)
    hidden = room.run("articles", "hide", "1", now=at("06:00"))
    assert f"{extra} is held: article 1 was hidden" in hidden.said
    assert room.edition("2026-02-18-extra-1")["state"] == "held"
