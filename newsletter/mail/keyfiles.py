"""Files that hold a key: made once, for their owner alone, and never written over."""

from __future__ import annotations

import os
from pathlib import Path

from newsletter.errors import Misuse


def write_new(path: Path, text: str) -> None:
    """Write a new file that only its owner can read. Raises Misuse if it exists, or cannot be written."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise Misuse(
            f"The key file {path} cannot be written: {error.strerror}.",
            next_step="keep the key that is there, or name another file",
        ) from error
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
