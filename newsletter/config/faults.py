"""Faults in words: the place, the key, what is wrong with it, and the mend."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from newsletter.config.kinds import Wrong, shown
from newsletter.config.parts import Part
from newsletter.config.settings import Settings, part_of
from newsletter.config.sources import Key, Source
from newsletter.errors import Misuse


@dataclass(frozen=True, slots=True)
class Fault:
    """`sentence` continues the key's name; no part repeats what may be a secret."""

    key: Key
    sentence: str
    mend: str


# What pydantic finds wrong, by its own names; {…} are filled from the error's context
_SENTENCES = {
    "missing": ("is missing", "add it"),
    "int_type": ("is to be a whole number", "write it without quotes, such as 500"),
    "int_parsing": ("is to be a whole number", "write it without quotes, such as 500"),
    "int_from_float": ("is to be a whole number", "write it without a fraction, such as 500"),
    "float_type": ("is to be a number", "write it without quotes, such as 1.5"),
    "float_parsing": ("is to be a number", "write it without quotes, such as 1.5"),
    "finite_number": ("is to be a number", "write it without quotes, such as 1.5"),
    "string_type": ("is to be a text", "put it in quotes"),
    "bool_type": ("is to be true or false", "write one of them without quotes"),
    "bool_parsing": ("is to be true or false", "write one of them without quotes"),
    "literal_error": ("is to be one of {expected}", "choose one of these"),
    "greater_than_equal": ("is too small", "write {ge} or more"),
    "greater_than": ("is too small", "write more than {gt}"),
    "less_than_equal": ("is too large", "write {le} or less"),
    "string_too_short": ("is empty", "fill it in"),
    "too_short": ("is an empty list", "name at least one, or leave the key out"),
}


def found_by_pydantic(error: ValidationError) -> list[Fault]:
    # include_input=False: the input may be a password
    return [_fault(found) for found in error.errors(include_input=False, include_url=False)]


def _fault(found: Mapping[str, Any]) -> Fault:
    key, context = found["loc"], found.get("ctx", {})
    if found["type"] == "extra_forbidden":
        return _unknown(key)
    if found["type"] in {"tuple_type", "model_type", "model_attributes_type"}:
        return _other_shape(key)
    if isinstance(wrong := context.get("error"), Wrong):
        return Fault(key, wrong.sentence, wrong.mend)
    sentence, mend = _SENTENCES.get(
        found["type"], ("is not as it should be", "see the key in config.example.toml")
    )
    return Fault(key, sentence.format(**context), mend.format(**context))


def _unknown(key: Key) -> Fault:
    known = list(_part_at(key[:-1]).model_fields)
    close = get_close_matches(str(key[-1]), known, n=1)
    mend = f"did you mean {close[0]}?" if close else f"take it out; known here: {', '.join(known)}"
    return Fault(key, "is no key that we know", mend)


def _other_shape(key: Key) -> Fault:
    """A list where a table should be, or the other way round."""
    names = [step for step in key if isinstance(step, str)]
    header = ".".join(names)
    field = _part_at(key[:-1]).model_fields.get(names[-1]) if key[-1:] == (names[-1],) else None
    if field is None:
        return Fault(key, "is to be a part of its own", f"write it below [[{header}]]")
    if not str(field.annotation).startswith("tuple"):
        return Fault(key, "is to be a part of its own", f"write its keys below [{header}]")
    if part_of(field.annotation):
        return Fault(key, "is to be a list of parts", f"begin each with [[{header}]], in double brackets")
    return Fault(key, "is to be a list", f'write it in brackets: {names[-1]} = ["…"]')


def _part_at(key: Key) -> type[Part]:
    part: type[Part] = Settings
    for name in (step for step in key if isinstance(step, str)):
        part = part_of(part.model_fields[name].annotation) or part
    return part


def misuse(faults: Iterable[Fault], source: Source) -> Misuse:
    """All faults as one refusal, in the order of their lines."""
    ordered = sorted(faults, key=lambda fault: source.line(fault.key))
    told = [_told(fault, source) for fault in ordered]
    sentence = (
        told[0] if len(told) == 1 else "\n  ".join([f"The configuration has {len(told)} faults:", *told])
    )
    return Misuse(sentence, next_step="config.example.toml explains every key")


def _told(fault: Fault, source: Source) -> str:
    end = "" if fault.mend.endswith("?") else "."
    return f"{source.where(fault.key)}: {_named(fault.key, source.data)} {fault.sentence}; {fault.mend}{end}"


def _named(key: Key, data: object) -> str:
    """`[[newsletters]] 'ukraine-today' timezone`: the part, which one of several, and the key."""
    while key and isinstance(key[-1], int):
        key = key[:-1]
    *part, last = key
    header = ".".join(step for step in part if isinstance(step, str))
    if not header:
        return str(last)
    if isinstance(part[-1], str):
        return f"[{header}] {last}"
    return f"[[{header}]] {_which(part, data)} {last}"


def _which(part: list[str | int], data: Any) -> str:
    """The item's name where it has a usable one, else its number counted from 1."""
    try:
        for step in part:
            data = data[step]
        name = next(data[key] for key in ("slug", "name", "use") if data.get(key))
    except (LookupError, TypeError, AttributeError, StopIteration):
        name = None
    return shown(name) if isinstance(name, str) else str(int(part[-1]) + 1)
