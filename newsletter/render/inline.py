"""A theme's plain rules, written once in `inline.css`, as style attributes on the elements they match.

premailer does this one job and sees nothing else: all other style sheets are marked to be left alone.
It parses with cssutils, which would fetch what an `@import` names, from the network and from the disk
alike; so `lint.styles` refuses at-rules and `url()`, and the parser's fetcher is a dead one besides.
"""

from __future__ import annotations

import logging
import re
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
    inliner = _Inliner(
        css_text=[css],
        keep_style_tags=False,
        strip_important=False,
        disable_leftover_css=True,
        disable_validation=True,
        disable_link_rewrites=True,
        disable_basic_attributes=["width", "height", "align", "valign", "bgcolor"],
        align_floating_images=False,
        remove_unset_properties=False,
        allow_network=False,
        allow_loading_external_files=False,
        cache_css_parsing=False,
    )
    tree = inliner.transform(page)
    for element in tree.iter():
        if style := element.get("style"):
            element.set("style", _squeezed(style))
    return str(etree.tostring(tree, method="html", encoding="unicode"))


def _squeezed(declarations: str) -> str:
    return re.sub(r" ?([:;,]) ?", r"\1", declarations).rstrip(";")


class _Inliner(Premailer):  # type: ignore[misc]  # premailer has no type hints
    def _parse_css_string(self, css_body: str, validate: bool = True) -> Any:
        parser = cssutils.CSSParser(fetcher=_fetch_nothing, validate=validate)
        return parser.parseString(css_body)


def _fetch_nothing(url: str) -> tuple[None, bytes]:  # noqa: ARG001 cssutils' own signature
    return None, b""
