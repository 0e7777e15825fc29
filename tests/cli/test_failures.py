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


@dataclass(frozen=True)
class Failure:
    """`words` fail with `code` and a sentence that matches `says`, once `arrange` is done."""

    words: str
    code: int
    says: str
    arrange: Arrange = nothing


FAILURES = (
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
    Failure("editions list village", 2, "There is no newsletter 'village'; the configuration has: town"),
    Failure("editions draft village", 2, "There is no newsletter 'village'"),
    Failure("editions show town/2026-02-30", 2, "town has no edition '2026-02-30'"),
    Failure("send town --now " + DAWN, 3, "cannot be sent: not enough articles: 0 of at least 3"),
    Failure("send town --dry-run --test a@b.example", 2, "do not go together"),
    Failure("send town --missing --edition 2026-02-18 --now " + DAWN, 3, "only what went out", drafted),
    Failure("send town --test stranger@b.example --now " + DAWN, 3, "proof", drafted),
    Failure("pause town/2026-02-18", 3, "is draft, not sending", drafted),
    Failure("resume town/2026-02-18", 3, "is draft, not paused", drafted),
    Failure("subscribers add nobody --newsletter town", 2, "nobody"),
    Failure("subscribers import missing.csv --newsletter town", 2, r"missing\.csv"),
    Failure("subscribers list --newsletter village", 2, "There is no newsletter 'village'"),
    Failure("status", 2, "config.toml.*timezone.*Mars/America/New_York", misspelt),
    Failure("status --config nowhere.toml", 2, r"nowhere\.toml"),
    Failure("db upgrade", 5, "The store is ahead of this program", ahead),
    Failure("db check", 5, "There is no store at", gone),
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
