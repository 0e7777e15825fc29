"""Each command's way to fail: its sentence, its exit code, and with --json one object and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from newsletter.cli import run
from newsletter.store import leases
from newsletter.store.database import Database
from tests.cli.commands import COMMANDS
from tests.newsroom import Done, Newsroom, at

Arrange = Callable[[Newsroom], None]
DAWN = at("05:00").isoformat()
TODAY = "town/2026-02-18"


def nothing(_: Newsroom) -> None: ...


def foreign_relay(room: Newsroom) -> None:
    """A relay in the world; only --now forbids it."""
    text = room.config.read_text()
    text = text.replace('host = "127.0.0.1"\n', 'host = "smtp.town.example"\n').replace(
        'tls = "none"', 'tls = "implicit"'
    )
    text = re.sub(r'public_url = ".*"', 'public_url = "https://news.town.example"', text)
    room.config.write_text(text)


def no_relay(room: Newsroom) -> None:
    text = room.config.read_text()
    room.config.write_text(re.sub(r"\[\[relays\]\].*?(?=\[\[newsletters\]\])", "", text, flags=re.DOTALL))


def dead_feed(room: Newsroom) -> None:
    room.configure(feeds='[[feeds]]\nname = "dead"\nurl = "https://feeds.invalid/x.xml"')


def store(room: Newsroom) -> Database:
    return Database(f"sqlite:///{room.folder}/newsletter.db")


def set_version(room: Newsroom, version: str) -> None:
    database = store(room)
    with database.writing() as session:
        session.execute(sa.text("UPDATE alembic_version SET version_num = :v"), {"v": version})
    database.close()


def behind(room: Newsroom) -> None:
    database = store(room)
    with database.writing() as session:
        session.execute(sa.text("DELETE FROM alembic_version"))
    database.close()


def ahead(room: Newsroom) -> None:
    set_version(room, "v9999")


def gone(room: Newsroom) -> None:
    (room.folder / "newsletter.db").unlink()


def served_elsewhere(room: Newsroom) -> None:
    """This very process holds the lease: it lives."""
    database = store(room)
    with database.writing() as session:
        assert leases.acquire(session, "serve", leases.this_process()) is None
    database.close()


def misspelt(room: Newsroom) -> None:
    room.config.write_text(room.config.read_text().replace('timezone = "', 'timezone = "Mars/'))


def unsigned(room: Newsroom) -> None:
    room.configure(dkim='keys = { news = "gone.pem" }')


def drafted(room: Newsroom) -> None:
    room.import_stories(5)
    room.import_readers(2)
    assert room.run("tick", now=at("05:00")).code == 0


def moved(room: Newsroom) -> None:
    drafted(room)
    assert room.run("editions", "move", TODAY, "1", "--slot", "headlines", now=at("06:00")).code == 0


def skipped(room: Newsroom) -> None:
    drafted(room)
    assert room.run("editions", "skip", TODAY, "--why", "no news", now=at("06:00")).code == 0


def bad_list(room: Newsroom) -> None:
    (room.folder / "bad.csv").write_text("address\na@b.example\nnobody\n")


def staffed(room: Newsroom) -> None:
    assert room.run("people", "add", "ana@town.example", "--role", "admin").code == 0


def stopped(room: Newsroom) -> None:
    drafted(room)
    room.run("stop-all")


@dataclass(frozen=True)
class Failure:
    """`words` fail with `code` and a sentence that matches `says`, once `arrange` is done."""

    words: str
    code: int
    says: str
    arrange: Arrange = nothing


FAILURES = (
    Failure("people list", 5, "The store is behind this program", behind),
    Failure("people add nobody", 2, "nobody"),
    Failure("people add ops@town.example", 2, "'ops' is what the program calls itself"),
    Failure("people add ana@town.example --role editor", 3, "is on the desk already", staffed),
    Failure("people remove bob@town.example", 2, "Nobody on the desk has the address bob@town.example"),
    Failure("people role ana@town.example editor", 3, "is the only admin, and the desk needs one", staffed),
    Failure("people login-link bob@town.example", 2, "Nobody on the desk has the address bob@town.example"),
    Failure("scheduler", 2, "No relay is configured, so nothing can be sent", no_relay),
    Failure("worker", 3, "Workers need .* PostgreSQL; here newsletter serve delivers"),
    Failure("web", 5, "The store is behind this program", behind),
    Failure("init {room}", 2, r"config\.toml exists already; nothing was changed"),
    Failure("demo --no-serve --folder {room}", 3, "holds something that is not an earlier demo"),
    Failure("serve", 2, "No relay is configured, so nothing can be sent", no_relay),
    Failure("serve --now " + DAWN, 3, r"Another `newsletter serve` \(process \d+\) has", served_elsewhere),
    Failure("tick --now " + DAWN, 3, r"only relays on this machine .* is smtp\.town\.example", foreign_relay),
    Failure("gather", 5, "No feed could be gathered", dead_feed),
    Failure("feeds list", 5, "The store is behind this program", behind),
    Failure("feeds try ftp://news.example/x", 5, "is not an http or https address"),
    Failure("articles list --limit 0", 2, "greater than or equal to 1"),
    Failure("articles show 99", 2, "99"),
    Failure("articles add nonsense --title T", 2, "nonsense"),
    Failure("articles import missing.jsonl", 2, r"missing\.jsonl"),
    Failure("articles hide https://town.example/none", 2, "none"),
    Failure("articles why 1 --edition town/2026-02-30 --now " + DAWN, 2, "has no edition", drafted),
    Failure("articles split 1 --now " + DAWN, 3, "Article 1 tells a story of its own already", drafted),
    Failure("articles merge 1 1 --now " + DAWN, 2, "cannot be merged with itself", drafted),
    Failure("editions check town/2026-02-30", 2, "town has no edition '2026-02-30'"),
    Failure("editions list village", 2, "There is no newsletter 'village'; the configuration has: town"),
    Failure("editions draft village", 2, "There is no newsletter 'village'"),
    Failure("editions show town/2026-02-30", 2, "town has no edition '2026-02-30'"),
    Failure("editions draft town --at 15:00", 2, "--at goes with --extra"),
    Failure("editions draft town --extra --at 04:00 --now " + DAWN, 2, "18 Feb 04:00 has passed", drafted),
    Failure("editions draft town --weekly", 2, "town has no weekly"),
    Failure("editions draft town --extra --at noon", 2, "'noon' is no instant"),
    Failure(f"editions pin {TODAY} 99", 2, "There is no article '99'", drafted),
    Failure(f"editions pin {TODAY} 1 --slot more", 2, "The slot more holds no article; .* lead", drafted),
    Failure(f"editions pin {TODAY} 1 --undo", 3, "No editor has placed article 1", drafted),
    Failure(f"editions move {TODAY} 1", 2, "It is not said where to", drafted),
    Failure(f"editions drop {TODAY} 1 --undo", 3, "Article 1 was not dropped", drafted),
    Failure(f"editions drop {TODAY} 1 --version 1", 3, "ops has changed the same meanwhile", moved),
    Failure(f"editions reword {TODAY} 1", 2, "Name an ARTICLE with --headline", drafted),
    Failure(f"editions preview {TODAY} --as stranger@b.example", 2, "There is no subscriber", drafted),
    Failure(f"editions preview {TODAY} --diff yesterday", 3, "has nothing yesterday to be", drafted),
    Failure(f"editions preview {TODAY} -o {{room}}/config.toml", 2, "is no folder to write into", drafted),
    Failure(f"editions correct {TODAY} --what Friday", 3, "has not gone out: it can simply be", drafted),
    Failure(f"editions approve {TODAY} --version 1", 3, "is version 2 by now, and you saw", drafted),
    Failure(f"editions hold {TODAY}", 2, "It takes a reason, which stays on the record", drafted),
    Failure(f"editions skip {TODAY} --why x", 3, "was skipped: no news", skipped),
    Failure(f"editions unskip {TODAY}", 3, "is a draft", drafted),
    Failure("send town --now " + DAWN, 3, "cannot be sent: not enough articles: 0 of at least 3"),
    Failure("send town --dry-run --test a@b.example", 2, "do not go together"),
    Failure("send town --missing --edition 2026-02-18 --now " + DAWN, 3, "only what went out", drafted),
    Failure("send town --test stranger@b.example --now " + DAWN, 3, "proof", drafted),
    Failure("pause town/2026-02-18", 3, "is draft, not sending", drafted),
    Failure("resume town/2026-02-18", 3, "is draft, not paused", drafted),
    Failure("resume town/2026-02-18 --all", 2, "Name one edition"),
    Failure("resume --all", 3, "Nothing is stopped"),
    Failure("cancel town/2026-02-18", 3, "is draft, not frozen or sending or paused", drafted),
    Failure("cancel town/2026-02-30", 2, "town has no edition '2026-02-30'"),
    Failure("stop-all", 3, "Everything was stopped already by ops", stopped),
    Failure("send town --no-wait --now " + DAWN, 3, "All editions are stopped", stopped),
    Failure("unknown list town/2026-02-30", 2, "town has no edition"),
    Failure("unknown count-sent town/2026-02-18 --all", 3, "Nobody is in doubt", drafted),
    Failure("unknown count-sent town/2026-02-18", 2, "Name the readers, or say --all", drafted),
    Failure("unknown resend town/2026-02-18 --all --now " + DAWN, 3, "Nobody is in doubt", drafted),
    Failure("unknown resend town/2026-02-18 a@b.example --all", 2, "Name the readers, or say --all", drafted),
    Failure("relays list", 5, "The store is behind this program", behind),
    Failure("relays probe other --now " + DAWN, 2, "There is no relay 'other'; the configuration has: main"),
    Failure("relays use other", 2, "There is no relay 'other'"),
    Failure("relays use auto", 3, "It is so already: auto"),
    Failure("subscribers add nobody --newsletter town", 2, "nobody"),
    Failure("subscribers import missing.csv --newsletter town", 2, r"missing\.csv"),
    Failure("subscribers import {room}/bad.csv --newsletter town", 2, "Nothing was imported.* 3", bad_list),
    Failure("subscribers import {room}/bad.csv", 2, "Neither --newsletter nor a column", bad_list),
    Failure("subscribers import {room}/bad.csv --newsletter town --column nme=x", 2, "no field", bad_list),
    Failure("subscribers export", 2, "Say whom to export"),
    Failure("subscribers export --newsletter town --all", 2, "Say whom to export"),
    Failure("subscribers export --newsletter village -o {room}/x.csv", 2, "There is no newsletter 'village'"),
    Failure("subscribers export --all -o {room}/config.toml", 2, "exists already"),
    Failure("subscribers show nobody@readers.example", 2, "Nobody here has .* it is not suppressed"),
    Failure("subscribers forget nobody", 2, "is no mail address"),
    Failure("subscribers suppress nobody", 2, "is no mail address"),
    Failure("subscribers suppress 77", 2, "no subscriber number 77"),
    Failure("subscribers lift reader0@readers.example", 2, "wants a reason", drafted),
    Failure("subscribers lift reader0@readers.example --why x", 3, "is not suppressed", drafted),
    Failure("subscribers forget reader0@readers.example", 2, "cannot be undone, so it wants a yes", drafted),
    Failure("subscribers list --newsletter village", 2, "There is no newsletter 'village'"),
    Failure("theme list", 2, "timezone.*Mars/America/New_York", misspelt),
    Failure("theme new ../x", 2, r"'\.\./x' cannot be a theme's name"),
    Failure("theme new gazette", 2, "names no folder for themes of your own"),
    Failure("theme check nowhere", 2, "There is no theme 'nowhere'"),
    Failure("theme preview default -o {room}", 3, "holds something that is not an earlier preview"),
    Failure("status", 2, "config.toml.*timezone.*Mars/America/New_York", misspelt),
    Failure("status --config nowhere.toml", 2, r"nowhere\.toml"),
    Failure("db upgrade", 5, "The store is ahead of this program", ahead),
    Failure("db check", 5, "There is no store at", gone),
    Failure("embed village", 2, "There is no newsletter 'village'"),
    Failure("dkim new --selector a_b", 2, "--selector is no selector: 'a_b'"),
    Failure("tick --now " + DAWN, 2, r"the key file \S+gone.pem is missing", unsigned),
    Failure("articles list --now yesterday", 2, "'yesterday' is no instant; write 2026-02-18T14:00:00Z"),
    Failure("articles list --now 2026-02-18", 2, "has no zone"),
)  # fmt: skip


def fail(room: Newsroom, failure: Failure, capsys: pytest.CaptureFixture[str], *extra: str) -> Done:
    words = failure.words.replace("{room}", str(room.folder)).split()
    if "--config" not in words and words[0] not in ("init", "demo"):
        words += ["--config", str(room.config)]
    capsys.readouterr()
    code = run([*words, *extra])
    told = capsys.readouterr()
    return Done(code, told.out, told.err)


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.words[:60])
def test_a_failure_is_a_sentence_and_with_json_one_object(
    failure: Failure, room: Newsroom, capsys: pytest.CaptureFixture[str]
) -> None:
    failure.arrange(room)
    told = fail(room, failure, capsys)
    assert (told.code, told.out) == (failure.code, ""), told.err
    assert re.search(failure.says, " ".join(told.err.split()))
    assert "Traceback" not in told.err
    # A path or a command stays whole to be copied
    said = [line for line in told.err.splitlines() if not line.startswith("  →")]
    assert [line for line in said if len(line) > 80 and len(line.split()) > 3] == []

    told = fail(room, failure, capsys, "--json")
    assert told.code == failure.code
    assert len(told.out.splitlines()) == 1
    answer = json.loads(told.out)
    assert (answer["ok"], answer["exit_code"]) == (False, failure.code)
    assert re.search(failure.says, answer["error"], re.DOTALL)
    assert answer["next_step"], "every failure says what to do next"


def test_every_command_is_seen_to_fail() -> None:
    names = {" ".join(f.words.split()[:length]) for f in FAILURES for length in (1, 2)}
    assert COMMANDS.keys() - names == set()


@pytest.mark.parametrize(
    "words",
    [
        ("cancel", ""), ("cancel", "town/"), ("pause", " "), ("resume", ""), ("unknown", "list", ""),
        ("unknown", "count-sent", "", "--all"), ("unknown", "resend", "town/ ", "--all"),
        ("unknown", "resend", "town/2026-02-18", ""), ("send", "", "--missing"),
        ("send", "town", "--missing", "--edition", "2026-02-30"), ("relays", "use", ""),
    ],
)  # fmt: skip
def test_what_names_nothing_falls_on_nothing(room: Newsroom, words: tuple[str, ...]) -> None:
    room.import_stories(5)
    room.import_readers(["drops1@lossy.example"])
    assert room.run("tick", now=at("09:00")).code == 4
    before = room.edition()
    told = room.run(*words, "--json", now=at("09:10"))
    assert (told.code, told.json["exit_code"]) == (2, 2), told
    assert room.edition() == before


def test_our_own_bug_is_one_object_too(room: Newsroom, capsys: pytest.CaptureFixture[str]) -> None:
    """A column that holds what we never write stands for what nobody thought of."""
    drafted(room)
    database = store(room)
    with database.writing() as session:
        session.execute(sa.text("UPDATE edition SET reasons = '{'"))
    database.close()
    told = fail(room, Failure("editions list", 1, ""), capsys, "--json")
    answer = json.loads(told.out)
    assert (told.code, answer["ok"], answer["exit_code"]) == (1, False, 1)
    assert answer["error"] == "This is a bug of ours: JSONDecodeError."
    assert "Traceback" in told.err, "who is to mend it needs the place"


def test_wrong_use_names_the_help_of_that_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["articles", "show"]) == 2
    assert "→ newsletter articles show --help" in capsys.readouterr().err


def test_an_init_makes_what_its_owner_alone_can_read(tmp_path: Path) -> None:
    home = tmp_path / "fresh"
    assert run(["init", str(home), "--json"]) == 0
    modes = {file.name: file.stat().st_mode & 0o777 for file in home.iterdir()}
    assert home.stat().st_mode & 0o777 == 0o700
    assert modes == dict.fromkeys(("config.toml", "secret.key", "suppression.key", "newsletter.db"), 0o600)
    assert run(["db", "check", "--config", str(home / "config.toml")]) == 0


def test_a_second_init_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = tmp_path / "fresh"
    assert run(["init", str(home)]) == 0
    before = {file.name: file.read_bytes() for file in home.iterdir() if file.suffix != ".db"}
    assert run(["init", str(home)]) == 2
    assert {name: (home / name).read_bytes() for name in before} == before
    assert "exists already" in capsys.readouterr().err
