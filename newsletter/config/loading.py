"""One way in: find the file, read it and the environment, fill in secrets, check, explain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from newsletter.config.faults import Fault, found_by_pydantic, misuse
from newsletter.config.files import open_keys, open_secrets, with_files
from newsletter.config.rules import broken_rules
from newsletter.config.settings import Settings
from newsletter.config.sources import find_file, read


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings, the file they came from, and its folder, where their relative paths start."""

    settings: Settings
    path: Path
    home: Path


def load_settings(path: Path | None, environ: Mapping[str, str], cwd: Path) -> Loaded:
    """Raises Misuse that names every fault at once, each with key, place and mend."""
    file = find_file(path, environ, cwd)
    source, from_file = read(file, environ)
    credentials = environ.get("CREDENTIALS_DIRECTORY", "")
    data, faults = with_files(source.data, file.parent, credentials)
    faults += open_keys(source.data, file.parent, credentials)
    faults += open_secrets(source, from_file)
    faults += broken_rules(source.data)
    settings = _validated(data, faults)
    if settings is None or faults:
        raise misuse(faults, source)
    return Loaded(settings, file, file.parent)


def _validated(data: Mapping[str, object], faults: list[Fault]) -> Settings | None:
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        faults += found_by_pydantic(error)
        return None
