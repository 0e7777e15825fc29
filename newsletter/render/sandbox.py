"""The Jinja environment that themes run in: no way out, nothing undefined, everything escaped.

A theme gets frozen values and the filters, tests and globals listed here, and no more. That keeps a
theme from reading what it was not given; it is no defence against one that burns time or memory, so
themes come from the operator's disk only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from typing import Any

from jinja2 import BaseLoader, StrictUndefined, Undefined, filters, nodes, pass_eval_context, tests
from jinja2.exceptions import SecurityError
from jinja2.nodes import EvalContext
from jinja2.sandbox import ImmutableSandboxedEnvironment, safe_range
from jinja2.utils import Namespace, missing
from markupsafe import Markup, escape

from newsletter.render.filters import cut, fit, wrap

JINJA_FILTERS = (
    "abs", "capitalize", "default", "escape", "first", "float", "int", "join", "last", "length", "list",
    "lower", "replace", "reverse", "round", "string", "title", "trim", "truncate", "upper", "urlencode",
)  # fmt: skip
OUR_FILTERS = {"cut": cut, "fit": fit, "wrap": wrap}
TESTS = (
    "defined",
    "undefined",
    "none",
    "even",
    "odd",
    "divisibleby",
    "in",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
)
GLOBALS = {"range": safe_range, "namespace": Namespace}

UNESCAPED = (".txt.j2", ".css")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


class Unknown(StrictUndefined):
    """A name that stands for nothing, which says what it might have meant."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        name, owner = str(self._undefined_name), self._undefined_obj
        if self._undefined_hint or owner is missing:
            return str(self._undefined_hint or f"{name!r} is undefined")
        if owner is None:
            return f"{name!r} of nothing: what should have it is empty here"
        return unknown_of(name, list(owner) if isinstance(owner, dict) else _field_names(owner))


def unknown_of(name: str, known: list[str]) -> str:
    """That nothing here is called `name`, and which of `known` is nearest."""
    close = get_close_matches(name, known, n=1)
    return f"{name!r} is undefined here" + (f"; did you mean {close[0]!r}?" if close else "")


class Sandbox(ImmutableSandboxedEnvironment):
    """Numbers may be multiplied; text may be filtered, but neither multiplied nor asked for methods."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def __init__(self, loader: BaseLoader, undefined: type[Undefined] = Unknown) -> None:
        super().__init__(
            loader=loader,
            autoescape=lambda name: not (name or "").endswith(UNESCAPED),
            undefined=undefined,
            finalize=_survive_mrml,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.filters = {name: filters.FILTERS[name] for name in JINJA_FILTERS} | OUR_FILTERS
        self.tests = {name: tests.TESTS[name] for name in TESTS}
        self.globals = dict(GLOBALS)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        # `"a".center(10**9)` and `.format` are ways to exhaust and to escape; filters do what is needed
        return not isinstance(obj, (str, bytes)) and super().is_safe_attribute(obj, attr, value)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        numbers = isinstance(left, (int, float)) and isinstance(right, (int, float))
        if operator == "**" or not numbers:
            raise SecurityError(f"{operator!r} is for small numbers only")
        return super().call_binop(context, operator, left, right)


def ways_out(tree: nodes.Template) -> Iterator[tuple[int, str]]:
    """Line and fault of each place where a template reaches for the engine itself."""
    for node in tree.find_all((nodes.EvalContextModifier, nodes.ScopedEvalContextModifier)):
        yield node.lineno, "escaping cannot be switched off"
    for use in tree.find_all(nodes.Name):
        if use.name == "self":
            yield use.lineno, "'self' is not for themes: include a part"


def _field_names(owner: object) -> list[str]:
    return [field.name for field in fields(owner)] if is_dataclass(owner) else []


@pass_eval_context
def _survive_mrml(context: EvalContext, value: Any) -> Any:
    """mrml prints attributes with Rust's Debug: a backslash or control character would come out changed."""
    if not (context.autoescape and isinstance(value, str)):
        return value
    return Markup(_CONTROL.sub(" ", escape(value)).replace("\\", "&#92;"))  # noqa: S704 escaped just here
