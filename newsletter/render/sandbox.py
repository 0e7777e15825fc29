"""The Jinja environment that themes run in: no way out, nothing undefined, everything escaped.

A theme gets frozen values and the filters, tests and globals listed here, and no more. That keeps a
theme from reading what it was not given; it is no defence against one that burns time or memory, so
themes come from the operator's disk only.
"""

from __future__ import annotations

import re
from typing import Any

from jinja2 import BaseLoader, StrictUndefined, TemplateSyntaxError, filters, nodes, pass_eval_context, tests
from jinja2.exceptions import SecurityError
from jinja2.nodes import EvalContext
from jinja2.sandbox import ImmutableSandboxedEnvironment, safe_range
from jinja2.utils import Namespace
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


class Sandbox(ImmutableSandboxedEnvironment):
    """Numbers may be multiplied; text may be filtered, but neither multiplied nor asked for methods."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def __init__(self, loader: BaseLoader) -> None:
        super().__init__(
            loader=loader,
            autoescape=lambda name: not (name or "").endswith(UNESCAPED),
            undefined=StrictUndefined,
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


def forbid_ways_out(tree: nodes.Template, name: str, filename: str) -> None:
    """Raise TemplateSyntaxError where a template reaches for the engine itself."""
    for node in tree.find_all((nodes.EvalContextModifier, nodes.ScopedEvalContextModifier)):
        raise TemplateSyntaxError("escaping cannot be switched off", node.lineno, name, filename)
    for use in tree.find_all(nodes.Name):
        if use.name == "self":
            raise TemplateSyntaxError("'self' is not for themes: include a part", use.lineno, name, filename)


@pass_eval_context
def _survive_mrml(context: EvalContext, value: Any) -> Any:
    """mrml prints attributes with Rust's Debug: a backslash or control character would come out changed."""
    if not (context.autoescape and isinstance(value, str)):
        return value
    return Markup(_CONTROL.sub(" ", escape(value)).replace("\\", "&#92;"))  # noqa: S704 escaped just here
