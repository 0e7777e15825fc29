"""Secrets that lie in files of their own, and who else could read them."""

from __future__ import annotations

import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from newsletter.config.faults import Fault
from newsletter.config.kinds import Wrong
from newsletter.config.rules import Table, items, text
from newsletter.config.sources import Data, Key, Source

LONGEST = 4096  # bytes of a password file

Read = Callable[[Table, Path, Path | None], Data]


def with_files(data: Data, home: Path, credentials: str) -> tuple[Data, list[Fault]]:
    """The tables with passwords and secrets read from their files and `ca_file` made absolute.

    Paths start at `home`, the configuration's folder. `credentials` is systemd's folder of
    credentials: it grants them to the service by access lists, which show as the group's rights.
    """
    faults: list[Fault] = []
    granted = Path(credentials) if credentials else None

    def filled(table: Table, place: Key, readers: Mapping[str, Read]) -> Data:
        found = dict(table)
        for key, read in readers.items():
            try:
                found |= read(table, home, granted)
            except Wrong as wrong:
                faults.append(Fault((*place, key), wrong.sentence, wrong.mend))
        return found

    whole = dict(data)
    if isinstance(data.get("alerts"), Mapping):
        whole["alerts"] = filled(data["alerts"], ("alerts",), {"secret_file": _shared_secret})
    if isinstance(data.get("relays"), list):
        whole["relays"] = list(data["relays"])
        readers = {"ca_file": _authority, "password_file": _password}
        for number, relay in items(data, "relays"):
            whole["relays"][number] = filled(relay, ("relays", number), readers)
    return whole, faults


def open_secrets(source: Source, from_file: Data) -> list[Fault]:
    """Passwords written into a configuration that others can read."""
    if not _others_may_read(source.path):
        return []
    keys: list[Key] = [
        ("relays", number, "password")
        for number, relay in items(from_file, "relays")
        if text(relay, "password")
    ]
    if text(from_file.get("alerts"), "secret"):
        keys.append(("alerts", "secret"))
    sentence = f"stands in a file that others may read, {source.path.name}"
    mend = f"chmod 600 {source.path.name}, or write it to a file of its own"
    faults = [Fault(key, sentence, mend) for key in keys]
    if _has_password(text(from_file.get("database", {}), "url")):
        faults.append(Fault(("database", "url"), f"holds a password and {sentence}", mend))
    return faults


def open_keys(data: Data, home: Path, credentials: str) -> list[Fault]:
    """Signing keys that others can read. One that is missing is no fault here: it stops the sending, but
    neither the command that makes it nor the pages where readers leave."""
    dkim = data.get("dkim")
    keys = dkim.get("keys") if isinstance(dkim, dict) else None
    granted = Path(credentials) if credentials else None
    faults = []
    for selector, name in keys.items() if isinstance(keys, dict) else ():
        file = home / str(name)
        if file.is_file() and _others_may_read(file, granted):
            sentence, mend = f"names a file that others may read: {file}", f"chmod 600 {file}"
            faults.append(Fault(("dkim", "keys", selector), sentence, mend))
    return faults


def _authority(relay: Table, home: Path, _granted: Path | None) -> Data:
    if not text(relay, "ca_file"):
        return {}
    file = home / text(relay, "ca_file")
    if not file.is_file():
        raise Wrong(f"names no file: {file}", "correct the path")
    return {"ca_file": str(file)}


def _password(relay: Table, home: Path, granted: Path | None) -> Data:
    return _secret(relay, "password", home, granted)


def _shared_secret(alerts: Table, home: Path, granted: Path | None) -> Data:
    return _secret(alerts, "secret", home, granted)


def _secret(table: Table, key: str, home: Path, granted: Path | None) -> Data:
    if not text(table, f"{key}_file"):
        return {}
    file = home / text(table, f"{key}_file")
    if table.get(key):
        raise Wrong(f"is given beside a {key}", "keep one of the two")
    if not file.is_file():
        raise Wrong(f"names no file: {file}", f"correct the path, or write the {key} there")
    if _others_may_read(file, granted):
        raise Wrong(f"names a file that others may read: {file}", f"chmod 600 {file}")
    try:
        secret = file.read_bytes()[:LONGEST].decode().removesuffix("\n").removesuffix("\r")
    except (OSError, UnicodeDecodeError):
        raise Wrong(f"names a file that cannot be read: {file}", "check its owner and content") from None
    if not secret:
        raise Wrong(f"names an empty file: {file}", f"write the {key} into it")
    return {key: secret}


def _others_may_read(file: Path, granted: Path | None = None) -> bool:
    is_credential = granted is not None and file.is_relative_to(granted)
    rights = stat.S_IRWXO if is_credential else stat.S_IRWXO | stat.S_IRWXG
    return bool(file.stat().st_mode & rights)


def _has_password(url: str) -> bool:
    try:
        return bool(urlsplit(url).password)
    except ValueError:
        return False
