"""The archive for programs: RSS and JSON Feed of each newsletter, the sitemap, and the robots' rules.

XML comes from a writer and JSON from its own, so no headline can end what it stands in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from email.utils import format_datetime
from xml.etree.ElementTree import Element, SubElement, register_namespace, tostring

from fastapi import HTTPException, Response
from fastapi.responses import PlainTextResponse
from markupsafe import Markup

from newsletter.runtime import Runtime
from newsletter.services import reading
from newsletter.services.reading import Card, Item
from newsletter.web.headers import OPEN, UNLISTED
from newsletter.web.public.caching import IfNoneMatch, unless_known
from newsletter.web.requests import OurRuntime
from newsletter.web.rights import Doors, Rights

doors = Doors()

ATOM = "http://www.w3.org/2005/Atom"
CONTENT = "http://purl.org/rss/1.0/modules/content/"
SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
register_namespace("atom", ATOM)
register_namespace("content", CONTENT)

# What XML 1.0 §2.2 leaves out
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LINK = re.compile(r"https?://[^\s<>\"]+")


@doors.get("/n/{newsletter}/feed.xml", rights=Rights.ANYBODY)
def rss(runtime: OurRuntime, newsletter: str, if_none_match: IfNoneMatch = "") -> Response:
    card, items = _feed(runtime, newsletter)
    body = _xml(_rss(card, items, runtime.links.newsletter(newsletter)))
    headers = OPEN | UNLISTED if card.noindex else OPEN
    return unless_known(Response(body, media_type="application/rss+xml", headers=headers), if_none_match)


@doors.get("/n/{newsletter}/feed.json", rights=Rights.ANYBODY)
def json_feed(runtime: OurRuntime, newsletter: str, if_none_match: IfNoneMatch = "") -> Response:
    card, items = _feed(runtime, newsletter)
    told = _json_feed(card, items, runtime.links.newsletter(newsletter))
    headers = OPEN | UNLISTED if card.noindex else OPEN
    body = json.dumps(told, ensure_ascii=False)
    return unless_known(Response(body, media_type="application/feed+json", headers=headers), if_none_match)


@doors.get("/sitemap.xml", rights=Rights.ANYBODY)
def sitemap(runtime: OurRuntime, if_none_match: IfNoneMatch = "") -> Response:
    root = Element("urlset", xmlns=SITEMAP)
    for address, changed_at in reading.addresses(runtime):
        url = SubElement(root, "url")
        _put(url, "loc", address)
        if changed_at is not None:
            _put(url, "lastmod", changed_at.isoformat(timespec="seconds"))
    return unless_known(Response(_xml(root), media_type="application/xml", headers=OPEN), if_none_match)


@doors.get("/robots.txt", rights=Rights.ANYBODY)
def robots(runtime: OurRuntime) -> Response:
    """Pages of one person, and of those who sign in, are nobody else's; the rest is for everybody.

    A newsletter that stays out of search engines says so at its pages, which they must read for that.
    """
    private = ("/unsubscribe/", "/preferences", "/confirm/", "/desk")
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in private), ""]
    lines += [f"Sitemap: {runtime.links.public_url}/sitemap.xml", ""]
    return PlainTextResponse("\n".join(lines), headers=OPEN)


def _feed(runtime: Runtime, newsletter: str) -> tuple[Card, tuple[Item, ...]]:
    found = reading.feed(runtime, newsletter, runtime.clock.now())
    if found is None:
        raise HTTPException(404)
    return found


def _rss(card: Card, items: tuple[Item, ...], address: str) -> Element:
    root = Element("rss", version="2.0")
    channel = SubElement(root, "channel")
    _put(channel, "title", card.name)
    _put(channel, "link", address)
    _put(channel, "description", card.promise or card.name)
    _put(channel, "language", card.language)
    SubElement(channel, f"{{{ATOM}}}link", href=f"{address}/feed.xml", rel="self", type="application/rss+xml")
    if items:
        _put(channel, "lastBuildDate", _date(_changed_at(items[0])))
    for item in items:
        entry = SubElement(channel, "item")
        _put(entry, "title", item.edition.subject)
        _put(entry, "link", item.address)
        _put(entry, "guid", item.address)
        _put(entry, "pubDate", _date(item.edition.began_at))
        _put(entry, "description", item.edition.summary or item.edition.subject)
        _put(entry, f"{{{CONTENT}}}encoded", _html(item.text))
    return root


def _json_feed(card: Card, items: tuple[Item, ...], address: str) -> dict[str, object]:
    """JSON Feed 1.1."""
    return {
        "version": "https://jsonfeed.org/version/1.1",
        "title": card.name,
        "description": card.promise,
        "language": card.language,
        "home_page_url": address,
        "feed_url": f"{address}/feed.json",
        "items": [
            {
                "id": item.address,
                "url": item.address,
                "title": item.edition.subject,
                "summary": item.edition.summary,
                "content_html": _html(item.text),
                "content_text": item.text,
                "date_published": item.edition.began_at.isoformat(timespec="seconds"),
                "date_modified": _changed_at(item).isoformat(timespec="seconds"),
            }
            for item in items
        ],
    }


def _changed_at(item: Item) -> datetime:
    return item.edition.corrected_at or item.edition.began_at


def _html(text: str) -> str:
    """The text part with its paragraphs, lines and links, as feed readers show it."""
    paragraphs = (block.strip() for block in re.split(r"\n\s*\n", text.replace("\r\n", "\n")))
    return "\n".join(
        f"<p>{Markup('<br>').join(Markup('').join(_linked(line)) for line in block.splitlines())}</p>"
        for block in paragraphs
        if block
    )


def _linked(line: str) -> Iterator[str | Markup]:
    end = 0
    for link in _LINK.finditer(line):
        yield line[end : link.start()]
        yield Markup('<a href="{0}">{0}</a>').format(link[0])
        end = link.end()
    yield line[end:]


def _put(parent: Element, tag: str, text: str) -> None:
    SubElement(parent, tag).text = _ILLEGAL.sub(" ", text)


def _xml(root: Element) -> bytes:
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True))


def _date(at: datetime) -> str:
    return format_datetime(at)
