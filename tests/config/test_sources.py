"""Where settings come from: the file, and the environment above it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as some

from newsletter.config import Settings, load_settings
from newsletter.config.parts import Part
from newsletter.config.settings import part_of
from newsletter.errors import Misuse
from tests.config.papers import PAPER, RELAY, load, refusal


def test_the_file_is_named_by_option_then_by_variable_then_by_folder(tmp_path: Path) -> None:
    for name in ("config.toml", "variable.toml", "sub/option.toml"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(PAPER.replace('"paper"', f'"{file.stem}"'))
    environ = {"NEWSLETTER_CONFIG": "variable.toml"}
    option = load_settings(Path("sub/option.toml"), environ, tmp_path)
    assert option.settings.newsletters[0].slug == "option"
    assert (option.path, option.home) == (tmp_path / "sub/option.toml", tmp_path / "sub")
    assert load_settings(None, environ, tmp_path).settings.newsletters[0].slug == "variable"
    assert load_settings(None, {}, tmp_path).settings.newsletters[0].slug == "config"


@pytest.mark.parametrize(
    ("option", "environ", "sentence", "mend"),
    [
        (None, {}, "There is no config.toml in", "newsletter init"),
        (Path("x.toml"), {}, "There is no configuration file", "--config"),
        (None, {"NEWSLETTER_CONFIG": "x.toml"}, "There is no configuration file", "NEWSLETTER_CONFIG"),
    ],
)
def test_a_file_that_is_not_there_is_named(
    tmp_path: Path, option: Path | None, environ: dict[str, str], sentence: str, mend: str
) -> None:
    with pytest.raises(Misuse) as refused:
        load_settings(option, environ, tmp_path)
    assert sentence in refused.value.sentence
    assert str(tmp_path) in refused.value.sentence
    assert mend in refused.value.next_step


# ── the environment ─────────────────────────────────────────────────────────────────────────────


def test_the_environment_is_above_the_file(tmp_path: Path) -> None:
    text = '[database]\nurl = "sqlite:///file.db"\nbusy_timeout = 7\n' + RELAY + PAPER
    environ = {
        "NEWSLETTER_DATABASE__URL": "postgresql://user:hunter2@db.example/news",
        "NEWSLETTER_SENDING__LEAD": "1 minute",
        "NEWSLETTER_SENDING__BATCH": "100",
        "NEWSLETTER_SENDING__RETRY_AFTER": '["1 minute", 120]',
        "NEWSLETTER_GATHERING__ALLOW_HOSTS": '["127.0.0.1"]',
        "NEWSLETTER_RELAYS": json.dumps(
            [{"name": "env", "host": "::1", "user": "me", "password": " hunter2 "}]
        ),
        "NEWSLETTER_THEMES": "my-themes",
        "HOME": "/nowhere",
    }
    settings = load(tmp_path, text, environ).settings
    assert settings.database.url == "postgresql://user:hunter2@db.example/news"
    assert settings.database.busy_timeout == 7
    assert (settings.sending.lead, settings.sending.batch) == (60, 100)
    assert settings.sending.retry_after == (60, 120)
    assert settings.gathering.allow_hosts == ("127.0.0.1",)
    assert [relay.name for relay in settings.relays] == ["env"]
    assert settings.relays[0].password.get_secret_value() == " hunter2 "
    assert settings.themes == "my-themes"


def test_the_environment_of_the_machine_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSLETTER_THEMES", "elsewhere")
    assert load(tmp_path, PAPER).settings.themes == ""


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        (
            "NEWSLETTER_WEB__BIND",
            "here",
            "NEWSLETTER_WEB__BIND: [web] bind is to be an address and a port, not 'here'; "
            "write it like 127.0.0.1:8000.",
        ),
        (
            "NEWSLETTER_RELAYS",
            '[{"name": "main", "host": "localhost", "tls": "ssl"}]',
            "NEWSLETTER_RELAYS: [[relays]] 'main' tls is to be one of 'implicit', 'starttls', "
            "'opportunistic' or 'none'; choose one of these.",
        ),
        (
            "NEWSLETTER_DATABSE__URL",
            "sqlite://",
            "NEWSLETTER_DATABSE__URL: databse is no key that we know; did you mean database?",
        ),
        (
            "NEWSLETTER_RELAY",
            "[]",
            "NEWSLETTER_RELAY: relay is no key that we know; did you mean relays?",
        ),
        (
            "NEWSLETTER_WEB__PUBLIC_ULR",
            "https://x.example",
            "NEWSLETTER_WEB__PUBLIC_ULR: [web] public_ulr is no key that we know; did you mean public_url?",
        ),
        (
            "NEWSLETTER_RELAYS__0__HOST",
            "localhost",
            "NEWSLETTER_RELAYS__0__HOST: relays is to be a list of parts; "
            "begin each with [[relays]], in double brackets.",
        ),
        (
            "NEWSLETTER_GATHERING__ALLOW_HOSTS",
            "127.0.0.1",
            "NEWSLETTER_GATHERING__ALLOW_HOSTS in the environment: not the JSON that the key needs.",
        ),
    ],
)  # fmt: skip
def test_a_variable_that_is_wrong_is_named(tmp_path: Path, name: str, value: str, sentence: str) -> None:
    assert refusal(tmp_path, PAPER, {name: value}) == sentence


def test_variables_that_others_set_are_left_alone(tmp_path: Path) -> None:
    """A service called "newsletter" gets these from Kubernetes."""
    environ = {"NEWSLETTER_PORT": "tcp://10.0.0.1:8000", "NEWSLETTER_SERVICE_HOST": "10.0.0.1"}
    assert load(tmp_path, PAPER, environ).settings.web.bind == "127.0.0.1:8000"


leaves = some.one_of(
    some.none(), some.booleans(), some.integers(), some.floats(), some.text(max_size=20),
    some.sampled_from(["127.0.0.1", "smtp.news.example", "none", "paper", "http://[", "1 hour", "EST"]),
)  # fmt: skip
junk = leaves | some.lists(leaves, max_size=2) | some.dictionaries(some.text(max_size=9), leaves, max_size=2)


def part_like(part: type[Part]) -> some.SearchStrategy[object]:
    """Tables that have a part's keys, and anything as values."""
    keys: dict[str, some.SearchStrategy[object]] = {}
    for name, field in part.model_fields.items():
        inner = part_of(field.annotation)
        table = part_like(inner) if inner else leaves
        keys[name] = some.one_of(junk, table, some.lists(table, max_size=2))
    return some.fixed_dictionaries({}, optional=keys)


@hypothesis_settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(tables=part_like(Settings))
def test_whatever_is_written_is_taken_or_refused_in_words(tmp_path: Path, tables: dict[str, object]) -> None:
    environ = {f"NEWSLETTER_{name.upper()}": json.dumps(value) for name, value in tables.items()}
    try:
        load(tmp_path, PAPER, environ)
    except Misuse as refused:
        assert refused.next_step
