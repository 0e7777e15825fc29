"""The options that every command knows, and the runtime that they describe."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from newsletter import logs
from newsletter.clock import Clock
from newsletter.config import is_loopback, load_settings
from newsletter.errors import Misuse, Refused
from newsletter.runtime import Runtime, open_runtime
from newsletter.store import hints
from newsletter.store.schema import require_current


@dataclass
class Options:
    """What was said beside the command itself, and what is to be closed when it ends."""

    json: bool = False
    quiet: bool = False
    config: Path | None = None
    now: datetime | None = None
    closing: ExitStack = field(default_factory=ExitStack)


_said: ContextVar[Options] = ContextVar("options")


def options() -> Options:
    return _said.get()


def instant(text: str) -> datetime:
    """An ISO 8601 instant with its offset."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no instant; write 2026-02-18T14:00:00Z") from None
    if parsed.tzinfo is None:
        raise typer.BadParameter(f"{text!r} has no zone; write {text}Z or {text}-05:00")
    return parsed


COMMON: dict[str, Any] = {
    "json": Annotated[
        bool, typer.Option("--json", help="One JSON object on standard output, for errors too.")
    ],
    "quiet": Annotated[bool, typer.Option("--quiet", "-q", help="Only results and errors.")],
    "config": Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="FILE",
            help="The configuration (else NEWSLETTER_CONFIG, else config.toml here).",
        ),
    ],
    "now": Annotated[
        datetime | None,
        typer.Option(
            "--now", parser=instant, metavar="INSTANT", help="Start the clock here: 2026-02-18T14:00:00Z."
        ),
    ],
}


def command(room: typer.Typer, name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a command that also takes `--json --quiet --config --now`."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def run(**given: Any) -> Any:
            said = Options(**{key: given.pop(key) for key in COMMON})
            _said.set(said)
            with said.closing:
                return function(**given)

        signature = inspect.signature(function, eval_str=True)
        common = [
            inspect.Parameter(
                key,
                inspect.Parameter.KEYWORD_ONLY,
                annotation=kind,
                default=False if "bool" in str(kind) else None,
            )
            for key, kind in COMMON.items()
        ]
        run.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=[*signature.parameters.values(), *common]
        )
        run.__annotations__ = {
            parameter.name: parameter.annotation
            for parameter in run.__signature__.parameters.values()  # type: ignore[attr-defined]
        }
        # \b keeps the example on its line, where it can be copied
        told = inspect.cleandoc(function.__doc__ or "").replace("\n\nExample:", "\n\n\b\nExample:")
        room.command(name, help=told)(run)
        return function

    return register


def runtime(*, environ: Mapping[str, str] | None = None) -> Runtime:
    """The program as the options describe it; its store is known to be up to date."""
    opened = runtime_without_store(environ=environ)
    require_current(opened.database)
    if opened.has_workers:
        hints.require(opened.database)
    return opened


def runtime_without_store(*, environ: Mapping[str, str] | None = None) -> Runtime:
    said = options()
    loaded = load_settings(said.config, environ if environ is not None else os.environ, Path.cwd())
    logs.speak(loaded.settings.logging.format, "warning")
    opened = open_runtime(loaded, Clock(said.now))
    said.closing.callback(opened.database.close)
    return opened


def sending_runtime() -> Runtime:
    """A runtime whose relays may be used: a turned clock stays on this machine."""
    opened = runtime()
    if not opened.settings.relays:
        raise Misuse(
            "No relay is configured, so nothing can be sent.",
            next_step="add a [[relays]] part to the configuration",
        )
    _ = opened.signing  # raises Misuse: what cannot be signed must stop us before anything begins
    if opened.clock.is_moved:
        for relay in opened.settings.relays:
            if not is_loopback(relay.host):
                raise Refused(
                    f"With --now only relays on this machine are used, and {relay.name!r} is {relay.host}.",
                    next_step="leave --now out, or rehearse with a configuration whose relay is 127.0.0.1",
                )
    return opened
