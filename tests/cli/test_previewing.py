"""`editions preview` and `editions check`: what is seen before anybody is mailed, and where it is written."""

from __future__ import annotations

import email
import email.policy
import os
import re
import stat
from email.message import EmailMessage
from pathlib import Path

import pytest

from newsletter.models import Table
from tests.newsroom import NINE, Done, Newsroom, at
from tests.smtpd import SmtpServer

TODAY = "town/2026-02-18"
FILES = [f"town-2026-02-18.{kind}" for kind in ("eml", "html", "txt")]


@pytest.fixture
def drafted(room: Newsroom) -> Newsroom:
    """Today's edition is a draft of five stories for two readers."""
    room.import_stories(5)
    room.import_readers(2)
    assert room.run("tick", now=at("05:00")).code == 0
    return room


def preview(room: Newsroom, folder: Path, *words: str, now: str = "06:00") -> Done:
    return room.run("editions", "preview", TODAY, "-o", str(folder), *words, now=at(now))


def everything(room: Newsroom) -> dict[str, list[str]]:
    with room.opened() as runtime, runtime.database.reading() as session:
        return {
            table.name: sorted(map(repr, session.execute(table.select()).all()))
            for table in Table.metadata.sorted_tables
        }


def test_three_files_that_only_their_owner_can_read(drafted: Newsroom, tmp_path: Path) -> None:
    before = everything(drafted)
    for _ in range(2):
        assert preview(drafted, tmp_path / "out", "--as", drafted.readers[0]).code == 0
    assert everything(drafted) == before, "looking changes nothing"
    files = sorted((tmp_path / "out").iterdir())
    assert [file.name for file in files] == FILES
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    message = email.message_from_bytes(files[0].read_bytes(), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert message["To"] == drafted.readers[0]
    text = message.get_body(("plain",))
    assert text is not None and text.get_content().splitlines() == files[2].read_text().splitlines()
    assert "The day's story no. 0" in files[1].read_text()


def test_a_previews_links_change_nothing(drafted: Newsroom, tmp_path: Path) -> None:
    preview(drafted, tmp_path / "out", "--as", drafted.readers[0])
    assert drafted.run("tick", now=NINE).code == 0
    shown = (tmp_path / "out" / FILES[0]).read_text()
    with drafted.opened() as runtime:
        own = runtime.links.leave(1, 1)
    tokens = re.findall(r"/unsubscribe/(\S+?)[>\s\"]", shown.replace("=\n", "").replace("=\r\n", ""))
    assert tokens and own.rpartition("/")[2] not in tokens


def test_without_a_folder_it_makes_a_private_one(drafted: Newsroom) -> None:
    done = drafted.run("editions", "preview", TODAY, "--json", now=at("06:00"))
    folder = Path(done.json["files"][0]).parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert sorted(file.name for file in folder.iterdir()) == FILES


def test_no_link_is_followed(drafted: Newsroom, tmp_path: Path) -> None:
    """Security row 58."""
    victim, out = tmp_path / "victim", tmp_path / "out"
    victim.mkdir()
    (victim / "passwd").write_text("root")
    out.symlink_to(victim)
    refused = preview(drafted, out)
    assert (refused.code, "is no folder to write into" in refused.said) == (2, True)
    assert [file.name for file in victim.iterdir()] == ["passwd"]
    out.unlink()
    out.mkdir()
    for name in FILES:
        (out / name).symlink_to(victim / "passwd")
        refused = preview(drafted, out)
        assert (refused.code, "is a link; nothing was written" in refused.said) == (2, True)
        assert (victim / "passwd").read_text() == "root"
        assert [file.name for file in out.iterdir()] == [name], "neither a part of it nor a draft"
        (out / name).unlink()


def test_the_page_opens_in_the_browser(
    drafted: Newsroom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, seen = tmp_path / "browser", tmp_path / "seen"
    browser.write_text(f'#!/bin/sh\necho "$1" > {seen}\n')
    browser.chmod(0o700)
    monkeypatch.setattr("webbrowser._tryorder", None)
    monkeypatch.setattr("webbrowser._browsers", {})
    monkeypatch.setitem(os.environ, "BROWSER", f"{browser} %s")
    assert preview(drafted, tmp_path / "out", "--open").code == 0
    assert seen.read_text().strip() == (tmp_path / "out" / FILES[1]).as_uri()


def test_a_preview_tells_what_reads_otherwise(drafted: Newsroom, tmp_path: Path, relay: SmtpServer) -> None:
    assert drafted.run("editions", "approve", TODAY, now=at("06:00")).code == 0
    assert "It reads the same" in preview(drafted, tmp_path / "out", "--diff", "approved").said
    drafted.run("editions", "reword", TODAY, "2", "--headline", "Corrected", now=at("06:01"))
    told = drafted.run(
        "editions", "preview", TODAY, "--diff", "approved", "-o", str(tmp_path / "out"), "--json",
        now=at("06:02"),
    ).json["diff"]  # fmt: skip
    changed = [line for line in told if not line.startswith(("---", "+++"))]
    assert changed == ["-The day's story no. 1", "+Corrected"]
    assert drafted.run("tick", now=NINE).code == 0
    drafted.import_stories(4, published=at("20:00"), kind="evening")
    drafted.run("tick", now=at("21:00"))
    told = drafted.run(
        "editions", "preview", "town/2026-02-19", "--diff", "yesterday", "-o", str(tmp_path / "out"),
        "--json", now=at("21:01"),
    ).json["diff"]  # fmt: skip
    assert "+Subject: The evening's story no. 0" in told and "-Corrected" in told


# ── preflight ───────────────────────────────────────────────────────────────────────────────────


def check(room: Newsroom, now: str = "06:00") -> tuple[int, dict[str, str]]:
    """The exit code, and the level of each rule that found something."""
    done = room.run("editions", "check", TODAY, "--json", now=at(now))
    assert all(finding["mend"].strip() and finding["sentence"].strip() for finding in done.json["findings"])
    return done.code, {finding["code"]: finding["severity"] for finding in done.json["findings"]}


def test_a_clean_edition_has_only_its_lead_without_a_picture(drafted: Newsroom) -> None:
    assert check(drafted) == (0, {"lead-picture": "warning"})
    assert drafted.run("editions", "approve", TODAY, now=at("06:01")).code == 0
    assert check(drafted, "06:02") == (0, {"lead-picture": "warning"}), "also as it is stored"


def test_warnings_name_their_entry_and_the_mend(drafted: Newsroom) -> None:
    drafted.run("editions", "reword", TODAY, "2", "--headline", "word " * 30, now=at("05:30"))
    drafted.run("editions", "reword", TODAY, "--subject", "subject " * 12, now=at("05:30"))
    done = drafted.run("editions", "check", TODAY, "--json", now=at("06:00"))
    found = {finding["code"]: finding for finding in done.json["findings"]}
    assert done.code == 0 and not done.json["blocked"]
    assert found["long-headline"]["article_id"] == 2
    assert found["long-headline"]["mend"] == f"newsletter editions reword {TODAY} 2 --headline TEXT"
    assert found["long-subject"]["article_id"] is None


def test_a_story_that_ran_or_was_hidden_is_told_of(drafted: Newsroom, relay: SmtpServer) -> None:
    assert drafted.run("tick", now=NINE).code == 0
    drafted.import_stories(4, published=at("20:00"), kind="evening")
    drafted.run("tick", now=at("20:30"))
    drafted.run("editions", "pin", "town/2026-02-19", "1", now=at("20:31"))
    done = drafted.run("editions", "check", "town/2026-02-19", "--json", now=at("20:32"))
    assert ("ran-before", 1) in [(f["code"], f["article_id"]) for f in done.json["findings"]]


def test_a_blocker_ends_with_three_and_holds_under_every_policy(drafted: Newsroom) -> None:
    theme = drafted.folder / "themes" / "default"
    theme.mkdir(parents=True)
    (theme / "digest.txt.j2").write_text("No way to leave, and no address.\n")
    drafted.config.write_text('themes = "themes"\n' + drafted.config.read_text())
    blockers = dict.fromkeys(("no-unsubscribe", "no-postal-address"), "blocker")
    assert check(drafted) == (3, {**blockers, "lead-picture": "warning"})
    said = drafted.run("editions", "check", TODAY, now=at("06:00")).said
    assert "unsubscribe_url" in said and "postal address" in said and "may not go out" in said
    refused = drafted.run("editions", "approve", TODAY, now=at("06:01"))
    assert (refused.code, "cannot go out as it is" in refused.said) == (3, True)
    for policy in ("none", "optional", "required"):
        drafted.configure(newsletter=f'approval = "{policy}"')
        drafted.config.write_text('themes = "themes"\n' + drafted.config.read_text())
        slug = f"town/2026-02-18-extra-{('none', 'optional', 'required').index(policy) + 1}"
        drafted.run("editions", "draft", "town", "--extra", "--at", "09:00", now=at("06:02"))
        drafted.run("tick", now=at("08:31"))
        assert drafted.edition(slug.partition("/")[2])["state"] == "held", policy


def test_too_few_articles_block_a_draft(room: Newsroom) -> None:
    room.import_stories(2)
    room.run("tick", now=at("05:00"))
    assert check(room) == (3, {"too-few": "blocker", "lead-picture": "warning"})


def test_an_address_that_changed_since_blocks_what_is_stored(drafted: Newsroom) -> None:
    drafted.run("editions", "approve", TODAY, now=at("06:00"))
    text = drafted.config.read_text()
    drafted.config.write_text(text.replace("1 Square, Town", "2 Circle, Town"))
    code, found = check(drafted, "06:01")
    assert (code, found["no-postal-address"]) == (3, "blocker")


@pytest.mark.parametrize(("stories", "found"), [(236, "warning"), (270, "blocker")])
def test_a_mail_that_grows_too_large_is_told_before_gmail_cuts_it(
    room: Newsroom, stories: int, found: str
) -> None:
    room.configure(newsletter="[newsletters.selection]\nmax_stories = 300\nper_section = 300")
    room.import_stories(stories)
    room.run("tick", now=at("05:00"))
    done = room.run("editions", "check", TODAY, "--json", now=at("06:00"))
    told = {each["sentence"]: each for each in done.json["findings"] if "bytes encoded" in each["sentence"]}
    assert [finding["severity"] for finding in told.values()] == [found]
    assert done.code == (3 if found == "blocker" else 0)
    assert [finding["mend"] for finding in told.values()] == [f"newsletter editions drop {TODAY} ARTICLE"]
