"""A theme's plain rules, written once in `inline.css`, as style attributes on the elements they match.

premailer does this one job and sees nothing else: all other style sheets are marked to be left alone.
It parses with cssutils, which would fetch what an `@import` names, from the network and from the disk
alike; so `lint.styles` refuses at-rules and `url()`, and the parser's fetcher is a dead one besides.
"""

from __future__ import annotations

import logging
import re
from functools import lru_cache
from typing import Any

import cssutils
from lxml import etree
from premailer import Premailer

cssutils.log.setLevel(logging.CRITICAL)

_INLINE_STYLE = re.compile(r"""<mj-style\s+inline\s*=\s*["']inline["']\s*>(.*?)</mj-style\s*>""", re.DOTALL)


def take_inline_rules(mjml: str) -> tuple[str, str]:
    """`mjml` without its `<mj-style inline="inline">`, and the rules that stood there."""
    return _INLINE_STYLE.sub("", mjml), "\n".join(_INLINE_STYLE.findall(mjml))


def inline(html: str, css: str) -> str:
    """`html` with the rules of `css` written into the style attributes of what they match."""
    page = etree.fromstring(html, etree.HTMLParser())
    for style in page.iter("style"):
        style.set("data-premailer", "ignore")
    tree = _Inliner(css_text=[css], **_WISHES).transform(page)
    for element in tree.iter():
        if style := element.get("style"):
            element.set("style", _squeezed(style))
    return str(etree.tostring(tree, method="html", encoding="unicode"))


def _squeezed(declarations: str) -> str:
    return re.sub(r" ?([:;,]) ?", r"\1", declarations).rstrip(";")


# premailer's own cache of what it parsed is shared and can be changed by any thread
_WISHES = {
    "keep_style_tags": False,
    "strip_important": False,
    "disable_leftover_css": True,
    "disable_validation": True,
    "disable_link_rewrites": True,
    "disable_basic_attributes": ["width", "height", "align", "valign", "bgcolor"],
    "align_floating_images": False,
    "remove_unset_properties": False,
    "allow_network": False,
    "allow_loading_external_files": False,
    "cache_css_parsing": False,
}

_Rule = tuple[tuple[int, ...], str, str]  # how specific it is, its selector, its declarations


class _Inliner(Premailer):  # type: ignore[misc]  # premailer has no type hints
    def _parse_style_rules(self, css_body: str, ruleset_index: int) -> tuple[list[_Rule], list[Any]]:
        return list(_rules(css_body, ruleset_index)), []

    def _parse_css_string(self, css_body: str, validate: bool = True) -> Any:
        parser = cssutils.CSSParser(fetcher=_fetch_nothing, validate=validate)
        return parser.parseString(css_body)


@lru_cache(maxsize=32)
def _rules(css: str, number: int) -> tuple[_Rule, ...]:
    """Half of what inlining costs, and the same for every edition of a theme."""
    rules, _ = Premailer._parse_style_rules(_Inliner(**_WISHES), css, number)
    return tuple(rules)


def _fetch_nothing(url: str) -> tuple[None, bytes]:  # noqa: ARG001 cssutils' own signature
    return None, b""
