"""Where the values come from: the file, and the environment above it; and where each one stands.

A refusal is worth little without its place, and the TOML reader gives none for values that it could
read. So `Source` keeps the lines on which keys and parts begin, and the variables that were used.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict, SettingsError

from newsletter.config.settings import Settings
from newsletter.errors import Misuse

PREFIX = "NEWSLETTER_"
WHICH_FILE = "NEWSLETTER_CONFIG"

Data = dict[str, Any]
Key = tuple[str | int, ...]  # ("newsletters", 0, "feeds", 2, "use")

_HEADER = re.compile(r"\s*(\[\[?)([^\[\]]+)\]\]?\s*(?:#.*)?")
_KEY = re.compile(r"\s*([A-Za-z0-9_.\"'-]+)\s*=")


class _Variables(Settings, BaseSettings):
    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__")


@dataclass(frozen=True)
class Source:
    """The raw tables, the environment already above the file, and the places of their keys."""

    path: Path
    data: Data
    lines: Mapping[Key, int]
    variables: Mapping[Key, str] = field(default_factory=dict)

    def variable(self, key: Key) -> str:
        """The environment variable that `key` came from, or empty."""
        names = tuple(step for step in key if isinstance(step, str))
        for path, variable in self.variables.items():
            shared = min(len(path), len(names))
            if path[:shared] == names[:shared]:
                return variable
        return ""

    def line(self, key: Key) -> int:
        """The line where `key`, or else the part that should hold it, begins; 0 when unknown."""
        above = (self.lines.get(key[:length]) for length in range(len(key), 0, -1))
        return next(filter(None, above), 0)

    def where(self, key: Key) -> str:
        if variable := self.variable(key):
            return variable
        line = self.line(key)
        return f"{self.path}, line {line}" if line else str(self.path)


def find_file(path: Path | None, environ: Mapping[str, str], cwd: Path) -> Path:
    """`--config`, NEWSLETTER_CONFIG, or config.toml in `cwd`. Raises Misuse when it is not there."""
    named = path or Path(environ.get(WHICH_FILE) or "config.toml")
    file = cwd.absolute() / named
    if file.is_file():
        return file
    if path or environ.get(WHICH_FILE):
        asked = "--config" if path else WHICH_FILE
        raise Misuse(f"There is no configuration file {file}.", next_step=f"correct {asked}")
    raise Misuse(
        f"There is no config.toml in {file.parent}.",
        next_step=f"newsletter init writes one; or name yours with --config or {WHICH_FILE}",
    )


def read(path: Path, environ: Mapping[str, str]) -> tuple[Source, Data]:
    """The source, and what the file alone says. Raises Misuse for what cannot be read at all."""
    text = _text(path)
    try:
        from_file = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Misuse(f"{path} is no TOML: {error}.", next_step="correct that line") from None
    variables, from_environment = _from_environment(environ)
    return Source(path, _above(from_file, from_environment), lines_of(text), variables), from_file


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise Misuse(f"{path} is not UTF-8.", next_step="save it as UTF-8") from None
    except OSError as error:
        raise Misuse(
            f"{path} cannot be read: {error.strerror}.", next_step="check its owner and mode"
        ) from None


# ── the environment ─────────────────────────────────────────────────────────────────────────────


def _from_environment(environ: Mapping[str, str]) -> tuple[dict[Key, str], Data]:
    """Each variable is read alone, so that one which is no JSON can be named."""
    data: Data = {}
    variables: dict[Key, str] = {}
    unreadable: list[str] = []
    source = EnvSettingsSource(_Variables)
    for name in sorted(environ):
        key = tuple(name.lower().removeprefix(PREFIX.lower()).split("__"))
        if not name.upper().startswith(PREFIX) or name.upper() == WHICH_FILE or not _is_ours(key):
            continue
        source.env_vars = {name.lower(): environ[name]}
        try:
            data = _above(data, dict(source()) or {key[0]: environ[name]})
        except SettingsError:
            unreadable.append(name)
        variables[key] = name
    if unreadable:
        raise Misuse(
            f"{' and '.join(unreadable)} in the environment: not the JSON that the key needs.",
            next_step="write lists and tables as JSON: NEWSLETTER_GATHERING__ALLOW_HOSTS='[\"127.0.0.1\"]'",
        )
    return variables, data


def _is_ours(key: tuple[str, ...]) -> bool:
    """A key, or a slip of one. Others share the prefix: Kubernetes sets NEWSLETTER_PORT for a service."""
    known = list(Settings.model_fields)
    return key[0] in known or len(key) > 1 or bool(get_close_matches(key[0], known, cutoff=0.8))


def _above(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> Data:
    """`upper` wins, key by key; lists are replaced whole."""
    merged = dict(lower)
    for key, value in upper.items():
        below = merged.get(key)
        if isinstance(value, dict) and isinstance(below, dict):
            merged[key] = _above(below, value)
        else:
            merged[key] = value
    return merged


# ── lines ───────────────────────────────────────────────────────────────────────────────────────


def lines_of(text: str) -> dict[Key, int]:
    """The line on which each key and each part of a TOML text begins, counted from 1."""
    found: dict[Key, int] = {}
    counts: dict[Key, int] = {}
    here: Key = ()
    quote = ""
    for number, line in enumerate(text.split("\n"), 1):
        inside, quote = quote, _open_quote(line, quote)
        if inside:
            continue
        if header := _HEADER.fullmatch(line):
            here = _part(_names(header[2]), header[1] == "[[", counts)
            found.setdefault(here, number)
        elif key := _KEY.match(line):
            found.setdefault(here + _names(key[1]), number)
    return found


def _names(dotted: str) -> tuple[str, ...]:
    return tuple(name.strip().strip("\"'") for name in dotted.split("."))


def _part(names: tuple[str, ...], is_item: bool, counts: dict[Key, int]) -> Key:
    """Where a header leads: names below a list belong to its last item."""
    key: Key = ()
    for depth, name in enumerate(names, 1):
        key += (name,)
        if is_item and depth == len(names):
            counts[key] = counts.get(key, -1) + 1
        if key in counts:
            key += (counts[key],)
    return key


def _open_quote(line: str, quote: str) -> str:
    """The triple quote that is open after `line`, or empty."""
    for sign in re.findall(r'"""|\'\'\'', line):
        quote = "" if sign == quote else quote or sign
    return quote
