"""Writes the record of what some client does not support: `python -m tests.markup`."""

from __future__ import annotations

from tests.markup import record, unsupported
from tests.render.test_valid import WITH_ALL_FEATURES

if __name__ == "__main__":
    record(unsupported(WITH_ALL_FEATURES))
