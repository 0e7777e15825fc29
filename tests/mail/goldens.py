"""Writes the golden whole mail anew: `python -m tests.mail.goldens`."""

from __future__ import annotations

from tests.mail.test_message import GOLDEN, OLENA, compiled


def write() -> None:
    GOLDEN.write_bytes(compiled().fill(OLENA))


if __name__ == "__main__":
    write()
