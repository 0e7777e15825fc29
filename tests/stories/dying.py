"""Processes that die at a point of their choice, or of ours: a fork server keeps them quick to start.

    sender = begin("after the token", room.words("tick", now=NINE))
    sender.join()

The child wraps a function of its own copy of the program, so that the program itself knows nothing of
any of this. Workers are given short limits there, or a silent one would be waited for half a minute.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from multiprocessing.process import BaseProcess
from typing import Any

from newsletter import serving as parts
from newsletter.cli import main, serving
from newsletter.delivery import shares
from newsletter.delivery.clerk import Answer, Clerk, Said
from newsletter.delivery.jobs import Limits, ProcrastinateDispatcher
from newsletter.models import BatchState
from newsletter.store.ledger import Begun
from newsletter.store.watermarks import Entry, Taken

BRIEF = Limits(beat=0.3, silence=1.5, quiet=1.5, locked=1.5)
_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["tests.stories.dying"])


def begin(point: str, words: Sequence[str]) -> BaseProcess:
    """Start a command in a process that will SIGKILL itself at `point`; empty is never."""
    process = _SERVER.Process(target=_live, args=(point, list(words)))
    process.start()
    return process


def use_brief_limits() -> None:
    limits_of()["limits"] = BRIEF


def limits_of() -> dict[str, Any]:
    """Where the dispatcher keeps its usual limits."""
    return ProcrastinateDispatcher.__init__.__kwdefaults__  # type: ignore[no-any-return]


def _live(point: str, words: list[str]) -> None:
    os.setpgrp()
    use_brief_limits()
    parts.AFTER_TROUBLE = 0.5
    shares.LAPSE = BRIEF.silence
    if point:
        _POINTS[point]()
    main(words)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _before(owner: Any, name: str, at: Callable[..., bool] = lambda *_: True, *, time: int = 1) -> None:
    """Die instead of the so many-th call that `at` says yes to."""
    original, calls = getattr(owner, name), iter(range(1, 1_000_000))

    def dying(*args: Any, **kwargs: Any) -> Any:
        if at(*args) and next(calls) == time:
            _die()
        return original(*args, **kwargs)

    setattr(owner, name, dying)


def _after(owner: Any, name: str, at: Callable[[Any], bool], *, time: int = 1) -> None:
    """Die when the so many-th call whose result `at` says yes to has come back."""
    original, calls = getattr(owner, name), iter(range(1, 1_000_000))

    def dying(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        if at(result) and next(calls) == time:
            _die()
        return result

    setattr(owner, name, dying)


def _any_taken(answers: Sequence[Answer]) -> bool:
    return any(isinstance(answer, Taken) for answer in answers)


def _any_began(answers: Sequence[Answer]) -> bool:
    return any(isinstance(answer, Begun) and answer.recipients for answer in answers)


def _any_answered(_clerk: Clerk, said: Sequence[Said]) -> bool:
    return any(isinstance(one, Entry) and one.settled for one in said)


def _any_over(_clerk: Clerk, said: Sequence[Said]) -> bool:
    return any(isinstance(one, Entry) and one.then is BatchState.DONE for one in said)


_POINTS: dict[str, Callable[[], None]] = {
    "after the freeze": lambda: _before(serving.worker, "deliver"),
    "after the token": lambda: _after(Clerk, "_write", _any_taken),
    "after the watermark": lambda: _after(Clerk, "_write", _any_began, time=3),
    "before a settle": lambda: _before(Clerk, "_write", _any_answered, time=3),
    "before a batch is done": lambda: _before(Clerk, "_write", _any_over),
}
POINTS = (*_POINTS, "in mid-window")
