"""Everything that can go wrong on purpose, and the exit code that each kind ends a command with.

    NewsletterError
    ├── Misuse          2   wrong command, configuration or input; the text names place and mend
    │   └── Uncounted       it falls on many, and nobody has said on how many
    ├── Refused         3   a rule says no: held, blocked, too late, not allowed
    │   ├── Blocked         what preflight found in an edition
    │   ├── Stale           somebody changed the same thing meanwhile
    │   └── TooOften        tried again and again; it is time to wait
    ├── Incomplete      4   done as far as possible; somebody should look
    └── WorldFailed     5   the world around us failed
        ├── StoreFailed     the database
        ├── RelayFailed     an SMTP server
        └── FetchFailed     a foreign page or feed

Anything else that escapes is our bug and ends with 1.
"""

from __future__ import annotations

from collections.abc import Sequence


class NewsletterError(Exception):
    """A sentence for a person; `next_step` is the one command or act that mends it."""

    exit_code = 1

    def __init__(self, sentence: str, *, next_step: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.sentence}\n  → {self.next_step}" if self.next_step else self.sentence


class Misuse(NewsletterError):
    exit_code = 2


class Uncounted(Misuse):
    """An act that falls on many, and whoever wants it has not typed on how many."""


class Refused(NewsletterError):
    exit_code = 3


class Blocked(Refused):
    """An edition that may not go out as it is; `findings` say why: each check's code, and a sentence."""

    def __init__(self, sentence: str, findings: Sequence[tuple[str, str]], *, next_step: str = "") -> None:
        super().__init__(sentence, next_step=next_step)
        self.findings = tuple(findings)


class Stale(Refused):
    """Somebody changed the same thing meanwhile: `theirs` stands, `mine` was not taken."""

    def __init__(self, sentence: str, *, mine: str, theirs: str, next_step: str = "") -> None:
        super().__init__(sentence, next_step=next_step)
        self.mine = mine
        self.theirs = theirs


class TooOften(Refused):
    pass


class Incomplete(NewsletterError):
    exit_code = 4


class WorldFailed(NewsletterError):
    exit_code = 5


class StoreFailed(WorldFailed):
    pass


class RelayFailed(WorldFailed):
    pass


class FetchFailed(WorldFailed):
    pass
