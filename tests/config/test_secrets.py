"""Secrets come from files that nobody else can read, and show nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from newsletter.config import load_settings
from tests.config.papers import RELAY, load, refusal


def with_password_file(folder: Path, content: bytes = b"hunter2\n", mode: int = 0o600) -> str:
    file = folder / "relay.password"
    file.write_bytes(content)
    file.chmod(mode)
    return RELAY + 'user = "me"\npassword_file = "relay.password"\n'


@pytest.mark.parametrize(
    ("content", "password"),
    [(b"hunter2\n", "hunter2"), (b"hunter2\r\n", "hunter2"), (b" h 2 \n\n", " h 2 \n"), (b"h", "h")],
)
def test_a_password_comes_from_its_file_without_the_last_line_end(
    tmp_path: Path, content: bytes, password: str
) -> None:
    """The file is looked for beside the configuration, wherever the command was given."""
    (tmp_path / "config.toml").write_text(with_password_file(tmp_path, content))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    relay = load_settings(tmp_path / "config.toml", {}, elsewhere).settings.relays[0]
    assert relay.password.get_secret_value() == password


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644])
def test_a_password_file_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "relay.password"
    assert refusal(tmp_path, with_password_file(tmp_path, mode=mode)) == (
        "~, line 6: [[relays]] 'main' password_file names a file that others may read: "
        f"{file}; chmod 600 {file}."
    )


def test_systemd_grants_its_credentials_through_the_group(tmp_path: Path) -> None:
    text = with_password_file(tmp_path, mode=0o440)
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert load(tmp_path, text, environ).settings.relays[0].password.get_secret_value() == "hunter2"
    with_password_file(tmp_path, mode=0o444)
    assert "others may read" in refusal(tmp_path, text, environ)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"", "names an empty file"), (b"\n", "names an empty file"), (b"\xff\xfe", "cannot be read")],
)
def test_a_password_file_without_a_password_is_refused(tmp_path: Path, content: bytes, sentence: str) -> None:
    assert sentence in refusal(tmp_path, with_password_file(tmp_path, content))


def test_a_password_is_given_once(tmp_path: Path) -> None:
    (tmp_path / "config.toml").touch(mode=0o600)
    told = refusal(tmp_path, with_password_file(tmp_path) + 'password = "hunter3"')
    assert (
        told == "~, line 6: [[relays]] 'main' password_file is given beside a password; keep one of the two."
    )


def test_a_password_in_a_configuration_that_others_may_read_is_refused(tmp_path: Path) -> None:
    text = '[database]\nurl = "postgresql://me:hunter2@localhost/news"\n' + RELAY
    text += 'user = "me"\npassword = "hunter2"\n'
    file = tmp_path / "config.toml"
    file.touch()
    file.chmod(0o644)
    told = refusal(tmp_path, text)
    assert "~, line 2: [database] url holds a password and stands in a file that others may read" in told
    assert "~, line 8: [[relays]] 'main' password stands in a file that others may read" in told
    assert "chmod 600 config.toml" in told
    file.chmod(0o600)
    assert load(tmp_path, text).settings.relays[0].user == "me"


KEYS = '[dkim.keys]\nnews = "news.pem"\nab = "b.pem"\n'


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644])
def test_a_signing_key_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "b.pem"
    file.touch()
    file.chmod(mode)
    assert refusal(tmp_path, KEYS) == (
        f"~, line 3: [dkim.keys] ab names a file that others may read: {file}; chmod 600 {file}."
    )
    told = refusal(tmp_path, '[dkim]\nkeys = { ab = "b.pem" }')
    assert told.startswith("~, line 2: [dkim.keys] ab names a file that others may read")


def test_systemd_grants_a_signing_key_through_the_group(tmp_path: Path) -> None:
    (tmp_path / "b.pem").touch()
    (tmp_path / "b.pem").chmod(0o440)
    keys = load(tmp_path, KEYS, {"CREDENTIALS_DIRECTORY": str(tmp_path)}).settings.dkim.keys
    assert keys == {"news": "news.pem", "ab": "b.pem"}


def test_a_signing_key_that_is_missing_does_not_keep_anybody_from_leaving(tmp_path: Path) -> None:
    """Nor from making it; the sending stops."""
    assert load(tmp_path, KEYS).settings.dkim.keys == {"news": "news.pem", "ab": "b.pem"}


def test_no_secret_shows_in_what_is_printed(tmp_path: Path) -> None:
    (tmp_path / "config.toml").touch(mode=0o600)
    text = '[database]\nurl = "postgresql://me:hunter2@localhost/news"\n' + RELAY
    text += 'user = "me"\npassword = "hunter2"\n'
    loaded = load(tmp_path, text)
    assert "hunter2" not in f"{loaded!r} {loaded.settings} {loaded.settings.relays[0]!r}"
    hostile = {
        "NEWSLETTER_RELAYS": '[{"host": "localhost", "passwort": "hunter2", "password": ["hunter2"]}]',
        "NEWSLETTER_WEB__PUBLIC_URL": "https://me:hunter2@letters.news.example",
        "NEWSLETTER_DATABASE__URL": '["hunter2"]',
    }
    assert "hunter2" not in refusal(tmp_path, text, hostile)
    assert "hunter2" not in refusal(tmp_path, text, {"NEWSLETTER_RELAYS": '[{"password": "hunter2"'})
    assert "hunter2" not in refusal(tmp_path, '[[feeds]]\nname = "a"\nurl = "ftp://me:hunter2@a.example"')
