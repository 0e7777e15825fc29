"""What an edition must have, and must not have, whatever its theme and its articles are.

The gate reads the finished parts, not the theme. Each finding is one sentence with the check that it is
of; with any of them the edition does not go out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import urlsplit

from newsletter.render.holes import (
    REQUIRED_HOLES,
    hole_pattern,
    misplaced_in_attribute,
    misplaced_in_words,
)
from newsletter.render.spans import mark_pattern, without_spans
from newsletter.values import Body, Check

Said = tuple[Check, str]

MAX_BYTES = 100_000  # of the encoded HTML part: Gmail hides what comes after some 102 kB
MAX_STYLE = 8192  # characters: Gmail drops all style blocks of a mail that has more

FORBIDDEN_TAGS = {
    "applet", "base", "embed", "form", "frame", "frameset", "iframe", "link", "math", "object", "script",
    "svg", "template",
}  # fmt: skip
URL_ATTRIBUTES = {
    "action", "background", "cite", "data", "dynsrc", "formaction", "href", "longdesc", "lowsrc", "ping",
    "poster", "src", "xlink:href",
}  # fmt: skip
NO_TEXT_INSIDE = ("script", "style", "title")

_CONDITIONAL = re.compile(r"\[if[^\]]*\]>(.*)<!\[endif\]", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
CSS_URL = re.compile(r"url\s*\(\s*['\"]?([^'\")]*)", re.IGNORECASE)
CSS_FORBIDDEN = re.compile(r"@import|expression\s*\(|behavior\s*:|-moz-binding", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rules:
    """What the gate must know of an edition. `plain_hosts` may be loaded from over plain http. A letter
    has no holes, and one to the newsroom's own people no postal address."""

    nonce: str
    postal_address: str
    plain_hosts: Collection[str]
    is_letter: bool = False


def html_findings(html: str, rules: Rules) -> Iterator[Said]:
    """Everything that is wrong with the HTML part."""
    inspector = _Inspector(rules)
    inspector.feed(html)
    inspector.close()
    yield from ((Check.MARKUP, finding) for finding in inspector.findings)
    if "<![" in _COMMENT.sub("", html):
        yield Check.MARKUP, 'The HTML part holds "<![" outside a comment, which Outlook alone understands.'
    if inspector.style > MAX_STYLE:
        told = f"Its style sheets have {inspector.style} characters; Gmail drops them all above {MAX_STYLE}."
        yield Check.MARKUP, told
    yield from _findings_of_both("HTML", html, inspector.text, rules)


def text_findings(text: str, rules: Rules) -> Iterator[Said]:
    """Everything that is wrong with the text part."""
    yield from _findings_of_both("text", text, text, rules)


def size_findings(html: Body) -> Iterator[Said]:
    """Whether the HTML part, encoded, is small enough to be shown whole."""
    size = sum(map(len, html.literals))
    if size > MAX_BYTES:
        told = (
            f"The HTML part has {size:,} bytes encoded, and Gmail cuts what is longer than {MAX_BYTES:,}:"
            " take some stories out."
        )
        yield Check.TOO_LARGE, told


def is_permitted(url: str, plain_hosts: Collection[str]) -> bool:
    """Whether a mail may load `url`: https, or plain http from one of these hosts."""
    scheme, host = _scheme_and_host(url)
    return bool(host) and (scheme == "https" or (scheme == "http" and host in plain_hosts))


def is_linkable(url: str) -> bool:
    """Whether a mail may link to `url`. Some papers still have no https, and their stories are news."""
    scheme, host = _scheme_and_host(url)
    return bool(host) and scheme in ("http", "https")


def _scheme_and_host(url: str) -> tuple[str, str]:
    if re.search(r"[\s\\<>\"]", url):
        return "", ""
    try:
        parts = urlsplit(url)
        # What stands before an @ only serves to deceive about where a link leads
        return ("", "") if "@" in parts.netloc else (parts.scheme, parts.hostname or "")
    except ValueError:
        return "", ""


def _findings_of_both(part: str, source: str, visible: str, rules: Rules) -> Iterator[Said]:
    if not visible.strip():
        yield Check.TEMPLATE, f"The {part} part is empty."
    found = hole_pattern(rules.nonce).findall(without_spans(source, rules.nonce))
    for hole in () if rules.is_letter else REQUIRED_HOLES:
        if hole not in found:
            yield Check.NO_UNSUBSCRIBE, f"The {part} part lacks {{{{ hole.{hole} }}}}."
    whole = [*hole_pattern(rules.nonce).finditer(source), *mark_pattern(rules.nonce).finditer(source)]
    if source.lower().count(rules.nonce) != len(whole):
        told = f"A hole was damaged in the {part} part: print holes whole, without filters around them."
        yield Check.TEMPLATE, told
    address = "".join(rules.postal_address.split())
    if not address and not rules.is_letter:
        yield Check.NO_POSTAL_ADDRESS, "There is no postal address: set postal_address for the newsletter."
    elif address not in "".join(without_spans(visible, rules.nonce).split()):
        name = "letter" if rules.is_letter else "edition"
        told = f"The {part} part lacks the postal address: print {{{{ {name}.postal_address }}}}."
        yield Check.NO_POSTAL_ADDRESS, told


class _Inspector(HTMLParser):
    """Walks the HTML once: forbidden markup, foreign addresses, where holes stand, what is read."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(convert_charrefs=True)
        self._rules = rules
        self._holes = hole_pattern(rules.nonce)
        self._inside = ""
        self._read: list[str] = []
        self.findings: list[str] = []
        self.style = 0

    @property
    def text(self) -> str:
        return "".join(self._read)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in NO_TEXT_INSIDE:
            self._inside = tag
        values = [(name, value or "") for name, value in attrs]
        if tag in FORBIDDEN_TAGS:
            self._say(f"<{tag}> may not stand in a mail.")
        if tag == "meta" and ("http-equiv", "refresh") in [(name, value.lower()) for name, value in values]:
            self._say('<meta http-equiv="refresh"> may not stand in a mail.')
        for name, value in values:
            self._attribute(tag, name, value)

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "style":
            self.style += len(data)
            self._css(data, "a style sheet")
        for _, what in misplaced_in_words(self._holes, self._inside, data):
            self._say(f"{what}.")
        if not self._inside:
            self._read.append(data)

    def handle_comment(self, data: str) -> None:
        for _, what in misplaced_in_words(self._holes, "!--", data):
            self._say(f"{what}.")
        if conditional := _CONDITIONAL.fullmatch(data):
            # Outlook reads what stands in here, so it obeys the same rules
            within = _Inspector(self._rules)
            within.feed(conditional[1])
            within.close()
            self.style += within.style
            for finding in within.findings:
                self._say(finding)

    def _attribute(self, tag: str, name: str, value: str) -> None:
        for what in misplaced_in_attribute(self._holes, tag, name, value):
            self._say(f"{what}.")
        if name.startswith("on"):
            self._say(f"{name}= may not stand in a mail, found on <{tag}>.")
        if name == "style":
            self._css(value, f"style= of <{tag}>")
        if name == "srcset":
            for candidate in value.split(","):
                self._address(tag, name, candidate.strip().partition(" ")[0])
        if name in URL_ATTRIBUTES:
            self._address(tag, name, value)

    def _address(self, tag: str, name: str, url: str) -> None:
        is_hole = self._holes.fullmatch(url)
        is_mailto = name == "href" and url.startswith("mailto:")
        is_link = tag == "a" and name == "href" and is_linkable(url)
        if not (is_hole or is_mailto or is_link or is_permitted(url, self._rules.plain_hosts)):
            self._say(f"{name}= of <{tag}> is not a whole https address: {url[:200]!r}.")

    def _css(self, css: str, place: str) -> None:
        if found := CSS_FORBIDDEN.search(css):
            self._say(f"{found[0]!r} may not stand in {place}.")
        for url in CSS_URL.findall(css):
            if not is_permitted(url.strip(), self._rules.plain_hosts):
                self._say(f"url() in {place} is not a whole https address: {url[:200]!r}.")

    def _say(self, finding: str) -> None:
        if finding not in self.findings:
            self.findings.append(finding)
