"""How far the words of a mail stand out from the ground behind them, by day and by night.

The styles that a mail carries on its elements are what it looks like by day; its sheet for dark screens
is laid over them. No browser is asked: what other sheets and scripts could do, a mail cannot.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from lxml import etree
from lxml.cssselect import CSSSelector, SelectorError

LEAST = 4.5  # to 1, for words of any size (WCAG 2.2, 1.4.3)
WORDS = 40  # characters that name a place

Colour = tuple[int, int, int]
Style = Mapping[str, str]

_WHITE, _BLACK = (255, 255, 255), (0, 0, 0)
_HEX = re.compile(r"#([0-9a-f]{3}|[0-9a-f]{6})(?![0-9a-f])", re.IGNORECASE)
_RGB = re.compile(r"rgb\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)", re.IGNORECASE)
_NAMED = {"white": _WHITE, "black": _BLACK}
_DARK = re.compile(r"@media[^{]*prefers-color-scheme\s*:\s*dark[^{]*\{((?:[^{}]*\{[^{}]*\})*)")
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_UNSEEN = ("display:none", "visibility:hidden", "opacity:0;", "font-size:0;", "font-size:1px")
_NOTHING = re.compile(r"[\s\u034f\u200b-\u200d\u00a0\ufeff]+")


@dataclass(frozen=True, slots=True)
class Faint:
    """Words that are hard to read: how they begin, by how much they stand out, and when."""

    words: str
    ratio: float
    scheme: str


def faint_in(html: str) -> Iterator[Faint]:
    """The first words of every pair of colours that is too faint, once for day and once for night."""
    page = etree.fromstring(html, etree.HTMLParser())
    for scheme, laid_over in (("by day", {}), ("on dark screens", _dark_styles(page))):
        told: set[tuple[Colour, Colour]] = set()
        for words, ink, ground in _runs(page, laid_over):
            ratio = contrast(ink, ground)
            if ratio < LEAST and (ink, ground) not in told:
                told.add((ink, ground))
                yield Faint(words[:WORDS], ratio, scheme)


def contrast(one: Colour, other: Colour) -> float:
    """Of two colours, between 1 and 21 (WCAG 2.2, relative luminance)."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Colour) -> float:
    parts = (part / 255 for part in colour)
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _runs(
    page: etree._Element, laid_over: Mapping[etree._Element, Style]
) -> Iterator[tuple[str, Colour, Colour]]:
    """Each run of words with its colour, and the first ground behind it that is painted."""
    body = page.find(".//body")
    waiting = [(body, _BLACK, _WHITE)] if body is not None else []
    while waiting:
        element, ink, ground = waiting.pop()
        if not isinstance(element.tag, str) or element.tag in ("style", "script", "title"):
            continue
        written = element.get("style", "")
        if any(mark in f"{written.replace(' ', '')};" for mark in _UNSEEN):
            continue
        style = {**_declared(written), **laid_over.get(element, {})}
        ink = _colour(style.get("color", "")) or (
            _LINK if element.tag == "a" and element.get("href") else ink
        )
        ground = _colour(style.get("background", "")) or _colour(element.get("bgcolor", "")) or ground
        texts = (element.text, *(child.tail for child in element))
        for words in (_NOTHING.sub(" ", text or "").strip() for text in texts):
            if words:
                yield words, ink, ground
        waiting += [(child, ink, ground) for child in reversed(element)]


_LINK = (0, 0, 238)  # what a link is where nothing else is said


def _dark_styles(page: etree._Element) -> dict[etree._Element, Style]:
    found: dict[etree._Element, dict[str, str]] = {}
    sheets = "\n".join(style.text or "" for style in page.iter("style"))
    for block in _DARK.findall(re.sub(r"/\*.*?\*/", "", sheets, flags=re.DOTALL)):
        for selectors, declarations in _RULE.findall(block):
            for element in _matching(page, selectors):
                found.setdefault(element, {}).update(_declared(declarations))
    return dict(found)


def _matching(page: etree._Element, selectors: str) -> Iterable[etree._Element]:
    try:
        return list(CSSSelector(selectors.strip(), translator="html")(page))
    except SelectorError:  # what we cannot read may still mean something to a mail client
        return ()


def _declared(declarations: str) -> dict[str, str]:
    """What is said of ink and ground; `background` stands for `background-color` too."""
    found = {}
    for declaration in declarations.split(";"):
        name, _, value = declaration.partition(":")
        name = name.strip().lower()
        if name in ("color", "background", "background-color"):
            found[name.removesuffix("-color")] = value.strip()
    return found


def _colour(value: str) -> Colour | None:
    if found := _HEX.search(value):
        digits = found[1] if len(found[1]) == 6 else "".join(2 * digit for digit in found[1])
        return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)
    if found := _RGB.search(value):
        return int(found[1]), int(found[2]), int(found[3])
    word = value.replace("!important", "").strip().lower()
    return _NAMED.get(word)
