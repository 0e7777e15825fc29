"""JSON Feed, versions 1 and 1.1: the same contents as other feeds, told in the same words.

What is read here is named as feedparser names it, so that everything behind knows one kind of item.
Nothing is trusted to have its type: a title may be a number, and a list of authors a string.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from newsletter.feeds.xmlfeed import Contents

Json = Mapping[str, Any]


def read(text: str, max_items: int) -> Contents | None:
    """The contents of a JSON Feed, or None when the text is none."""
    try:
        feed = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(feed, dict) or not isinstance(feed.get("items"), list):
        return None
    if not _text(feed, "version").startswith(("https://jsonfeed.org/", "http://jsonfeed.org/")):
        return None
    items = feed["items"]
    entries = [_item(item if isinstance(item, dict) else {}, feed) for item in items[:max_items]]
    channel = {"title": _text(feed, "title"), "language": _text(feed, "language")}
    return Contents(channel, entries, len(items))


def _item(item: Json, feed: Json) -> Json:
    html = _text(item, "content_html")
    summary = _text(item, "summary") or _text(item, "content_text")
    return {
        "id": _text(item, "id"),
        "link": _text(item, "url") or _text(item, "external_url"),
        "title": _text(item, "title"),
        "summary": summary or html,
        "summary_detail": {"type": "text/plain" if summary else "text/html"},
        "content": [{"type": "text/html", "value": html}] if html else [],
        "author": ", ".join(filter(None, _authors(item))) or ", ".join(filter(None, _authors(feed))),
        "published": _text(item, "date_published") or _text(item, "date_modified"),
        "language": _text(item, "language"),
        "media_thumbnail": [
            {"url": address}
            for name in ("image", "banner_image")
            if (address := _text(item, name))
        ],
        "links": list(_attachments(item)),
        "itunes_duration": next(filter(None, (each.get("duration", "") for each in _attachments(item))), ""),
    }  # fmt: skip


def _authors(told: Json) -> Iterator[str]:
    """Version 1.1 has a list; version 1 had one."""
    listed = told.get("authors")
    for author in [*(listed if isinstance(listed, list) else []), told.get("author")][:20]:
        if isinstance(author, dict):
            yield _text(author, "name")


def _attachments(item: Json) -> Iterator[dict[str, str]]:
    listed = item.get("attachments")
    for attachment in listed[:100] if isinstance(listed, list) else []:
        if isinstance(attachment, dict):
            yield {
                "rel": "enclosure",
                "href": _text(attachment, "url"),
                "type": _text(attachment, "mime_type"),
                "duration": _text(attachment, "duration_in_seconds"),
            }


def _text(told: Json, name: str) -> str:
    value = told.get(name)
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
