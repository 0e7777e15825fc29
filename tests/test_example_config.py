"""The example configuration is the reference: complete, true about every default, and it loads."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from newsletter.config import Settings, load_settings
from newsletter.config.parts import Part
from newsletter.config.settings import part_of

EXAMPLE = Path(__file__).parent.parent / "config.example.toml"
HEADER = re.compile(r"\[\[?([a-z_.]+)\]\]?")
KEY = re.compile(r"(#?)([a-z_]+) = (.+)")


@dataclass(frozen=True)
class Explained:
    """A key's first line in the example, with the comment right above it."""

    key: str
    commented: bool
    value: Any
    comment: str


def explained() -> dict[str, Explained]:
    found: dict[str, Explained] = {}
    part, comment = "", ""
    for line in EXAMPLE.read_text().splitlines():
        if header := HEADER.fullmatch(line):
            part = header[1]
        elif key := KEY.fullmatch(line):
            name = f"{part}.{key[2]}".removeprefix(".")
            value = tomllib.loads(f"x = {key[3]}")["x"]
            found.setdefault(name, Explained(name, bool(key[1]), value, comment))
        comment = f"{comment} {line[2:]}".strip() if line.startswith("# ") else ""
    return found


def keys(part: type[Part] = Settings, above: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every key that holds a value, with its place: `newsletters.selection.max_age`."""
    for name, field in part.model_fields.items():
        if inner := part_of(field.annotation):
            yield from keys(inner, f"{above}{name}.")
        else:
            yield f"{above}{name}", field


EXPLAINED = explained()
KEYS = dict(keys())


def test_there_are_keys() -> None:
    assert {"database.url", "newsletters.feeds.use", "newsletters.sponsor.text", "themes"} <= KEYS.keys()


def test_the_example_names_no_key_that_is_none() -> None:
    assert EXPLAINED.keys() - KEYS.keys() == set()


@pytest.mark.parametrize("key", KEYS)
def test_every_key_is_explained_with_its_default(key: str) -> None:
    told, field = EXPLAINED[key], KEYS[key]
    assert len(told.comment) >= 20, "a sentence stands right above the key"
    assert told.comment.endswith((".", ")"))
    if field.is_required():
        assert "Required." in told.comment
        return
    default = told.value if told.commented else stated_default(told.comment)
    read: Any = TypeAdapter(field.rebuild_annotation()).validate_python(default)
    assert read == field.default


def stated_default(comment: str) -> Any:
    stated = re.search(r"Default: (.+)\.$", comment)
    assert stated, "a key that is set to something else ends its comment with `Default: ….`"
    return tomllib.loads(f"x = {stated[1]}")["x"]


def test_the_example_loads_and_is_the_model_newsletter() -> None:
    settings = load_settings(EXAMPLE, {}, Path.cwd()).settings
    newsletter = settings.newsletters[0]
    assert (newsletter.name, newsletter.timezone) == ("Ukraine Today", "America/New_York")
    assert f"{newsletter.send_at:%H:%M}" == "09:00"
    assert len(settings.feeds) == len(newsletter.feeds) == 6
    assert all(relay.is_loopback for relay in settings.relays)


def test_the_example_loads_with_every_default_written_out(tmp_path: Path) -> None:
    full = re.sub(r"(?m)^#(?=[a-z_]+ = )", "", EXAMPLE.read_text())
    (tmp_path / "config.toml").write_text(full)
    written_out = load_settings(None, {}, tmp_path).settings
    plain = load_settings(EXAMPLE, {}, tmp_path).settings
    assert set_keys(written_out) == set(KEYS)
    assert written_out == plain


def set_keys(part: BaseModel, above: str = "") -> set[str]:
    """The keys that a text gave, the items of a list taken together."""
    found: set[str] = set()
    for name in part.model_fields_set:
        value = getattr(part, name)
        inner = [
            item for item in (value if isinstance(value, tuple) else [value]) if isinstance(item, BaseModel)
        ]
        found |= (
            set().union(*(set_keys(item, f"{above}{name}.") for item in inner)) if inner else {above + name}
        )
    return found
