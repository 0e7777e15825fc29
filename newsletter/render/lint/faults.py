"""A fault as a person gets to read it, the same from `theme check` and from an edition held for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from newsletter.errors import Misuse


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong at `offset` of a printed text, and what mends it."""

    offset: int
    what: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in a file of a theme. `line` counts from 1 and is 0 for the file as a whole; `column`
    counts from 0 within `source`, that line's text. `state` is the sample that shows it, where not all do.
    """

    file: str
    line: int
    what: str
    mend: str = ""
    source: str = ""
    column: int = 0
    state: str = ""

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


class Faulty(Misuse):
    """A theme that cannot be used, with each of its faults."""

    def __init__(self, theme: str, faults: Sequence[Fault]) -> None:
        told = [f"{fault.place}: {fault.what}" for fault in faults]
        sentence = f"Theme {theme}, {told[0]}."
        if len(told) > 1:
            sentence = f"Theme {theme} has {len(told)} faults.\n" + "\n".join(f"- {one}" for one in told)
        super().__init__(sentence, next_step=f"newsletter theme check {theme}")
        self.faults = tuple(faults)
