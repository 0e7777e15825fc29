"""The border: foreign text becomes plain text or a safe fragment, a foreign link an address or nothing.

Everything further inside may rely on it: no markup in text, no control or direction characters, one
space between words, and nothing longer than its limit. Foreign markup is cut before any tree is
built from it, because browsers' rules for unclosed formatting make 64 kB of `<b><p>` fill gigabytes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from html import unescape
from itertools import islice
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

import idna
import nh3

TITLE, SUMMARY, BYLINE, ALT, SECTION = 300, 600, 200, 300, 80  # characters kept of each
FRAGMENT = 20_000  # characters of foreign markup that are looked at
MOST_TAGS = 1_000  # of them that are; the tree may grow with their square
DEEPEST = 40  # nested elements in a fragment; the mail compiler dies of thousands

# Zero-width characters but the joiners (emoji, Hindi, Persian), soft hyphens, direction overrides
# and isolates, byte order marks, lone surrogates
_INVISIBLE = re.compile(r"[\u00ad\u180e\u200b\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_BLANK = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029\s]+")
_TAG = re.compile(r"<(/?)([a-z0-9]+)[^>]*>")
# As nh3 writes them: every value in double quotes, and no such quote inside
_PICTURE = re.compile(r'<img(?: [a-z]+="[^"]*")*>')
_ATTRIBUTE = re.compile(r' ([a-z]+)="([^"]*)"')
_MAILTO = re.compile(r"mailto:[^\s<>\"?&:/]+@[^\s<>\"?&:/]+", re.IGNORECASE)

_BREAKS = frozenset({
    "address", "article", "aside", "blockquote", "br", "center", "dd", "div", "dl", "dt", "figcaption",
    "figure", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol",
    "p", "pre", "section", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
})  # fmt: skip
_DROPPED_WHOLE = frozenset({
    "script", "style", "iframe", "object", "embed", "form", "svg", "math", "noscript", "template",
    "video", "audio", "textarea", "select", "title",
})  # fmt: skip
_FRAGMENT_TAGS = frozenset({
    "p", "br", "b", "strong", "i", "em", "u", "s", "a", "ul", "ol", "li", "blockquote", "h3", "h4",
    "hr", "sup", "sub", "code",
})  # fmt: skip
_VOID = frozenset({"br", "hr"})

ADDRESS = 2_048  # characters; browsers and mail clients cut beyond, and an index row must hold it
_DEFAULT_PORTS = {"http": 80, "https": 443}

# Controls, invisible and direction characters, backslashes and surrogates: no honest link has them
_NEVER = re.compile(r"[\x00-\x1f\x7f-\x9f\\\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
_NO_HOST = re.compile(r"https?:(?!//[^/?#])", re.IGNORECASE)
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9])?\.?")
_UNRESERVED = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")

# Parameters that tell a server where a reader came from and never which page is meant
_TRACKING_PREFIXES = ("utm_", "at_", "mc_", "mtm_", "pk_", "piwik_", "hsa_", "oly_", "vero_", "ns_")
_TRACKING_NAMES = frozenset({
    "__twitter_impression", "_ga", "_gl", "_hsenc", "_hsmi", "cmpid", "dclid", "emc", "fbclid", "ftag",
    "gbraid", "gclid", "gclsrc", "guccounter", "icid", "igshid", "ito", "maca", "mkt_tok", "msclkid",
    "ocid", "s_cid", "smid", "spm", "traffic_source", "trk", "twclid", "wbraid", "wt_mc", "wtrid",
    "xtor", "yclid",
})  # fmt: skip


# ── text ────────────────────────────────────────────────────────────────────────────────────────


def plain(text: str, limit: int) -> str:
    """Plain text of at most `limit` characters on one line, in NFC; longer text ends in an ellipsis."""
    bounded = text[: 4 * limit + 400]
    visible = _INVISIBLE.sub("", bounded)
    return _shortened(unicodedata.normalize("NFC", _BLANK.sub(" ", visible)).strip(), limit)


def plain_from_html(html: str, limit: int) -> str:
    """The text that a browser would show of `html`, as `plain` would have it."""
    blocks = nh3.clean(
        _bounded(html), tags=set(_BREAKS), attributes={}, clean_content_tags=set(_DROPPED_WHOLE)
    )
    return plain(unescape(_TAG.sub(" ", blocks)), limit)


def fragment(html: str, base: str = "") -> str:
    """What may stand of `html` in a note or a sponsor's box: words, lists and links, well-formed.

    Links are made absolute against `base` and lead to http, https or one mail address. No pictures,
    classes, styles, tables or comments. Nesting ends at 40 elements; deeper text stays, unwrapped.
    """

    def attribute(_tag: str, name: str, value: str) -> str | None:
        if name == "title":
            return plain(value, ALT)
        return value if _MAILTO.fullmatch(value) else web_address(value, base)

    clean = nh3.clean(
        _bounded(html),
        tags=set(_FRAGMENT_TAGS),
        attributes={"a": {"href", "title"}},
        attribute_filter=attribute,
        clean_content_tags=set(_DROPPED_WHOLE),
        url_schemes={"http", "https", "mailto"},
        link_rel=None,
        strip_comments=True,
    )
    return _flattened(clean).strip()


def pictures_in(html: str) -> Iterator[dict[str, str]]:
    """The attributes src, width, height and alt, as far as they are there, of each picture in `html`."""
    clean = nh3.clean(
        _bounded(html),
        tags={"img"},
        attributes={"img": {"src", "width", "height", "alt"}},
        clean_content_tags=set(_DROPPED_WHOLE),
    )
    for picture in _PICTURE.finditer(clean):
        yield {name: unescape(value) for name, value in _ATTRIBUTE.findall(picture.group())}


def _bounded(html: str) -> str:
    opening = next(
        islice((found.start() for found in re.finditer("<", html[:FRAGMENT])), MOST_TAGS, None), FRAGMENT
    )
    return html[:opening].replace("\x00", "")


def _flattened(html: str) -> str:
    depth = 0

    def keep(found: re.Match[str]) -> str:
        nonlocal depth
        closing, name = found.groups()
        if name in _VOID:
            return found.group()
        depth += 0 if closing else 1
        kept = found.group() if depth <= DEEPEST else ""
        depth -= 1 if closing else 0
        return kept

    return _TAG.sub(keep, html)


def _shortened(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    words = cut.rpartition(" ")[0]
    # A language without spaces, or one endless word, is cut where the limit falls
    return (words if len(words) > limit // 2 else cut).rstrip(" ,;:–—-") + "…"


# ── addresses ───────────────────────────────────────────────────────────────────────────────────


def web_address(text: str, base: str = "") -> str | None:
    """The absolute http or https address that `text` means on the page `base`, or None.

    None for every other scheme, for user-info, for protocol-relative addresses and for what is
    longer than 2,048 characters. The host comes back in lower-case A-labels (RFC 5891), the rest
    percent-encoded (RFC 3986 §2.1).
    """
    text = text[: ADDRESS + 64].strip()
    if not text or _NEVER.search(text) or text.startswith("//") or _NO_HOST.match(text):
        return None
    try:
        parts = urlsplit(urljoin(base, text))
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    ascii_host = _host(host)
    if parts.scheme not in _DEFAULT_PORTS or not ascii_host or "@" in parts.netloc:
        return None
    authority = ascii_host if port in (None, _DEFAULT_PORTS[parts.scheme]) else f"{ascii_host}:{port}"
    address = urlunsplit(
        (
            parts.scheme,
            authority,
            _encoded(parts.path) or "/",
            _encoded(parts.query),
            _encoded(parts.fragment),
        )
    )
    return address if len(address) <= ADDRESS else None


def canonical(address: str) -> str:
    """The address that names the page, from an address that `web_address` gave.

    Without tracking parameters, fragment and needless escapes (RFC 3986 §6.2.2). Scheme, order of
    parameters and a final slash stay: servers do tell them apart, and this is also the mail's link.
    """
    parts = urlsplit(address)
    query = "&".join(pair for pair in parts.query.split("&") if pair and not _tracks(pair))
    return urlunsplit((parts.scheme, parts.netloc, _plain_escapes(parts.path), _plain_escapes(query), ""))


def _host(host: str) -> str:
    """The host in A-labels, an IPv6 literal in its brackets, or empty when it is none."""
    if ":" in host:
        return f"[{host}]"
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            return ""
    return host if _HOST.fullmatch(host) and ".." not in host else ""


def _encoded(part: str) -> str:
    return quote(_STRAY_PERCENT.sub("%25", part), safe="/%:@!$&'()*+,;=~-._?")


def _tracks(pair: str) -> bool:
    name = pair.partition("=")[0].lower()
    return name in _TRACKING_NAMES or name.startswith(_TRACKING_PREFIXES)


def _plain_escapes(part: str) -> str:
    return _ESCAPE.sub(_plain_escape, part)


def _plain_escape(found: re.Match[str]) -> str:
    code = int(found.group()[1:], 16)
    return chr(code) if code in _UNRESERVED else found.group().upper()
