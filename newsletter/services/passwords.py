"""Passwords, kept as argon2id hashes. A part of signing in.

A hash takes tens of milliseconds and 19 MB by design, so only four are made at once: whoever posts
passwords by the thousand waits, and the rest of the program does not.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from newsletter.errors import Misuse, TooOften

AT_ONCE = 4
PATIENCE = 5.0  # seconds that a sign-in waits for its turn
SHORTEST = 12  # characters
LONGEST = 1_024  # bytes

Result = TypeVar("Result")

# OWASP's second choice: little memory, for four at once beside a morning's send
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_turns = threading.BoundedSemaphore(AT_ONCE)


def keep(password: str) -> str:
    """The hash to store. Raises Misuse for a password that is too short or too long."""
    if len(password) < SHORTEST or len(password.encode()) > LONGEST:
        raise Misuse(
            f"A password has at least {SHORTEST} characters, and at most {LONGEST:,} bytes.",
            next_step="several words are easier to keep in mind than a few signs",
        )
    return _in_turn(lambda: _hasher.hash(password))


def fits(password: str, kept: str) -> bool:
    """Whether it is the password; without a hash it takes as long, so that nobody learns who has one."""
    if len(password.encode()) > LONGEST:
        return False

    def verify() -> bool:
        try:
            return _hasher.verify(kept or _nobodys(), password)
        except (VerifyMismatchError, InvalidHashError):
            return False

    return _in_turn(verify) and bool(kept)


@cache
def _nobodys() -> str:
    return _hasher.hash("the password of nobody")


def _in_turn(act: Callable[[], Result]) -> Result:
    if not _turns.acquire(timeout=PATIENCE):
        raise TooOften("Too many people sign in just now.", next_step="try again in a minute")
    try:
        return act()
    finally:
        _turns.release()
