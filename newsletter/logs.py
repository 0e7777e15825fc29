"""What happens, told to machines and to whoever reads along: one event, one name, one line.

    log = logs.get(__name__)
    log.error("part_failed", part="delivery")

Events carry ids and never addresses; what still looks like one is blanked here, controls are made
visible, and a crash is told by its place instead of its values. `docs/operations.md` lists the events.
Libraries speak too, from warnings on, all under the one event `library_said`.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Iterable, MutableMapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import structlog

from newsletter.clock import machine_now
from newsletter.visible import ESCAPED, nobody, one_line

Format = Literal["console", "json"]
Level = Literal["debug", "info", "warning", "error"]
Event = MutableMapping[str, Any]

OURS = "newsletter"
HOUSE = Path(__file__).parent
FRAMES = 8  # of a crash that are told, the innermost first
CAUSES = 4


def get(name: str) -> structlog.stdlib.BoundLogger:
    log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return log


class Lines(structlog.stdlib.ProcessorFormatter):
    """Writes an event as one line, for people or as JSON."""

    def __init__(self, form: Format = "console") -> None:
        write = _as_json if form == "json" else _as_words
        super().__init__(
            foreign_pre_chain=[_library, _crash],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta, _dated, _unnamed, write,
            ],
        )  # fmt: skip


def keep_log() -> None:
    """Send warnings and errors to standard error, ours and those of the libraries."""
    handler = logging.StreamHandler()
    handler.setFormatter(Lines())
    logging.getLogger().handlers = [handler]


def speak(form: Format, level: Level) -> None:
    """Write as the configuration says, from `level` on. Only for a program that keeps its log."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, Lines):
            handler.setFormatter(Lines(form))
            logging.getLogger(OURS).setLevel(level.upper())


# ── from an event to its line ───────────────────────────────────────────────────────────────────


def _library(_logger: Any, _method: str, event: Event) -> Event:
    """What a library has to say: its words are data, not an event's name."""
    record = event["_record"]
    return {
        "event": "library_said", "level": record.levelname.lower(), "logger": record.name,
        "words": event.pop("event"), **event, "exc_info": record.exc_info,
    }  # fmt: skip


def _dated(_logger: Any, _method: str, event: Event) -> Event:
    return {"at": machine_now().isoformat(timespec="milliseconds"), **event}


def _crash(_logger: Any, _method: str, event: Event) -> Event:
    """An exception as one field: what it was and where, innermost first, and no value of any variable."""
    error = event.pop("exc_info", None)
    if isinstance(error, tuple):
        error = error[1]
    elif error is True:
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        event["crash"] = " < because of ".join(map(_told, _causes(error)))
    return event


def _causes(error: BaseException) -> Iterable[BaseException]:
    found: BaseException | None = error
    for _ in range(CAUSES):
        if found is None:
            return
        yield found
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)


def _told(error: BaseException) -> str:
    first = next(iter(str(error).splitlines()), "")[:200]
    return f"{type(error).__name__}({first}) at {_place(error.__traceback__)}"


def _place(trace: TracebackType | None) -> str:
    frames = traceback.extract_tb(trace)[::-1][:FRAMES]
    return " < ".join(f"{_file(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames)


def _file(name: str) -> str:
    path = Path(name)
    return str(path.relative_to(HOUSE)) if path.is_relative_to(HOUSE) else path.name


def _unnamed(_logger: Any, _method: str, event: Event) -> Event:
    """Nobody's address, whichever field it has slipped into."""
    return {
        key: nobody(value if isinstance(value, str) else str(value)) if not _is_plain(value) else value
        for key, value in event.items()
    }


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, bool | int | float)


def _as_json(_logger: Any, _method: str, event: Event) -> str:
    return json.dumps(event, ensure_ascii=False).translate(ESCAPED)


def _as_words(_logger: Any, _method: str, event: Event) -> str:
    """`2026-02-18T14:00:00.012+00:00 info     edition_frozen  edition=3 who=scheduler`"""
    head = one_line(f"{event.pop('at')} {event.pop('level'):<8} {event.pop('event')}")
    return " ".join([head, *(f" {key}={_quoted(value)}" for key, value in event.items())])


def _quoted(value: object) -> str:
    text = one_line(value)
    return text if text and " " not in text and '"' not in text else json.dumps(text, ensure_ascii=False)


structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        structlog.stdlib.add_log_level,
        _crash,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    wrapper_class=structlog.stdlib.BoundLogger,
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
