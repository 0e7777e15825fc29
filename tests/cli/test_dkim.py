"""`newsletter dkim new`: a key, what DNS must say, and what to do next."""

from __future__ import annotations

import re
import stat
import tomllib

import pytest

from newsletter.config import load_settings
from newsletter.mail.message import Compiled
from tests.mail.test_message import LETTERHEAD, LINKS, OLENA, RENDITION
from tests.mail.verifiers import dkimpy_says
from tests.newsroom import Newsroom, at

MARCH = at("12:00", days=14)


def test_a_new_key_its_record_and_its_line_work_together(room: Newsroom) -> None:
    """What is printed is taken at its word: mails signed with the key verify by the record."""
    made = room.run("dkim", "new", "--json", now=MARCH).json
    assert made["selector"] == "rsa-2026-03"
    assert made["key_file"] == str(room.folder / "dkim-rsa-2026-03.pem")
    (record,) = made["records"]
    assert (record["name"], record["type"]) == ("rsa-2026-03._domainkey.town.example", "TXT")
    assert record["value"] == "".join(record["strings"]) and max(map(len, record["strings"])) == 255

    second = room.run("dkim", "new", "--algorithm", "ed25519", "--json", now=MARCH).json
    assert second["records"][0]["name"] == "ed25519-2026-03._domainkey.town.example"
    room.configure(dkim="\n".join(made["configuration"]))
    third = room.run("dkim", "new", "--selector", "s3.mail", "--domain", "TOWN.example", "--json").json
    room.configure(dkim="\n".join(third["configuration"]))
    told = {each["name"]: each["value"] for new in (made, second, third) for each in new["records"]}
    with room.opened() as runtime:
        assert [key.selector for key in runtime.signing.keys] == ["rsa-2026-03", "s3.mail"]
        mail = Compiled(RENDITION, LETTERHEAD, LINKS, runtime.signing)
    assert dkimpy_says(mail.fill(OLENA), told) == [False, False], "no record of the sender's domain yet"
    told = {name.replace("town.example", "harbour.example"): value for name, value in told.items()}
    assert dkimpy_says(mail.fill(OLENA), told) == [True, True]


def test_people_are_shown_what_to_copy_and_what_to_do(room: Newsroom) -> None:
    done = room.run("dkim", "new", now=MARCH)
    name = "rsa-2026-03._domainkey.town.example"
    record = re.search(rf"^{re.escape(name)}\. IN TXT \(\n((?:  \".*\"\n)+)\)$", done.out, re.MULTILINE)
    assert done.code == 0 and record, done.out
    parts = re.findall(r'"(.*)"', record[1])
    assert len(parts) == 2 and parts[0].startswith("v=DKIM1; k=rsa; p=")
    steps = re.findall(r"^\d\. (.*)$", done.out, re.MULTILINE)
    assert [step.split()[0] for step in steps] == ["publish", "look", "only", "start"]
    assert f"dig +short TXT {name}" in done.out
    (line,) = re.findall(r"keys = .*", done.out)
    assert tomllib.loads(line) == {"keys": {"rsa-2026-03": "dkim-rsa-2026-03.pem"}}


def test_a_key_is_never_written_over_and_a_name_never_used_again(room: Newsroom) -> None:
    assert room.run("dkim", "new", "--selector", "news").code == 0
    file = room.folder / "dkim-news.pem"
    before = file.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = room.run("dkim", "new", "--selector", "news")
    assert (again.code, "There is a key news already; nothing was changed" in again.said) == (2, True)
    assert file.read_bytes() == before
    room.configure(dkim='keys = { old = "elsewhere.pem" }')
    assert room.run("dkim", "new", "--selector", "old").code == 2
    assert not (room.folder / "dkim-old.pem").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--selector", "../x"], "--selector is no selector"),
        (["--selector", "a\r\nBcc: x"], "--selector is no selector"),
        (["--selector", "a._domainkey"], "--selector is no selector"),
        (["--domain", "town"], "--domain is no domain"),
        (["--domain", 'town.example; p="'], "--domain is no domain"),
        (["--domain", "town.example\n"], "--domain is no domain"),
        (["--domain", "village.example"], "village.example is not the domain of news@town.example"),
        (["--algorithm", "dsa"], "'dsa' is not one of 'rsa', 'ed25519'"),
    ],
)
def test_a_wish_that_is_none_makes_nothing(room: Newsroom, words: list[str], sentence: str) -> None:
    before = sorted(room.folder.iterdir())
    done = room.run("dkim", "new", *words)
    assert (done.code, sentence in done.said) == (2, True), done.said
    assert sorted(room.folder.iterdir()) == before


def test_a_domain_above_is_named_in_what_is_to_be_written(room: Newsroom) -> None:
    room.configure(newsletter='reply_to = "x@y.example"')
    room.config.write_text(room.config.read_text().replace("news@town.example", "news@mail.town.example"))
    made = room.run("dkim", "new", "--domain", "town.example", "--json").json
    assert made["records"][0]["name"].endswith("._domainkey.town.example")
    assert made["configuration"][0] == 'domain = "town.example"'
    assert "domain" not in room.run("dkim", "new", "--selector", "b", "--json").json["configuration"][0]


def test_newsletters_of_several_domains_share_a_key(room: Newsroom) -> None:
    room.config.write_text(
        room.config.read_text()
        + '[[newsletters]]\nslug = "b"\nname = "B"\nfrom_address = "b@a.example"\npostal_address = "1 B"\n'
    )
    made = room.run("dkim", "new", "--selector", "s", "--json").json
    assert [record["name"] for record in made["records"]] == [
        "s._domainkey.a.example", "s._domainkey.town.example",
    ]  # fmt: skip


def test_without_a_newsletter_the_domain_must_be_named(room: Newsroom) -> None:
    room.config.write_text("")
    assert "No newsletter says whose mail is to be signed" in room.run("dkim", "new").said
    assert room.run("dkim", "new", "--domain", "town.example").code == 0
    assert load_settings(room.config, {}, room.folder).settings.dkim.keys == {}
