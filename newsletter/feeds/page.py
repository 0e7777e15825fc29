"""A story's own page, read for what it says of itself: canonical link, JSON-LD, Open Graph, in that order.

No tree is built of a foreign page. Its beginning is cut at each `<`, and every piece is looked at once;
so a page may be as broken as it likes and still costs no more than its length. The price is that a value
with a bare `<` in it ends there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from html import unescape
from typing import Any
from urllib.parse import urlsplit

from newsletter.feeds import dates
from newsletter.feeds.charset import text_of
from newsletter.feeds.clean import SUMMARY, TITLE, plain, web_address
from newsletter.feeds.pictures import running_time

_LOOKED_AT = 512 * 1024  # characters; heads of real pages end within a tenth of that
_LONGEST_TAG = 8_192
_MOST_BLOCKS = 20  # of JSON-LD
_DEEPEST = 6  # lists and graphs within each other
_TAG = re.compile(r"(html|link|meta|title)(?![\w-])", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"(?<![\w:-])([\w:-]++)\s*+=\s*+(?:\"([^\"]*+)\"?|'([^']*+)'?|([^\s\"'>]++))")
_FEEDS = frozenset({"application/rss+xml", "application/atom+xml", "application/feed+json"})
_STORIES = ("article", "posting", "report")  # how the types of schema.org that are stories end
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8})*")

Json = Mapping[str, Any]
Tag = tuple[str, Mapping[str, str], str]  # its name, its attributes, and the text behind it


def read_page(document: bytes, *, base: str, now: datetime, content_type: str = "") -> dict[str, str]:
    """The fields of the article on the page at `base`, as `files.draft_of` takes them; at least its url."""
    text = text_of(document, content_type)[:_LOOKED_AT]
    tags = list(_tags(text))
    story, told = _story(text), _meta(tags)
    heading = next((behind for name, _, behind in tags if name == "title"), "")
    kind = "video" if _type(story) == "videoobject" or told.get("og:type", "").startswith("video") else ""
    fields = {
        "url": _canonical(tags, base),
        "title": plain(_first(story.get("headline"), told.get("og:title"), heading), TITLE),
        "summary": plain(
            _first(told.get("og:description"), story.get("description"), told.get("description")), SUMMARY
        ),
        "byline": ", ".join(_names(story.get("author"))) or told.get("author", ""),
        "section": _first(story.get("articleSection"), told.get("article:section")),
        "language": _language(tags, story, told),
        "kind": kind,
        "duration": running_time(told.get("video:duration", "")),
        "published_at": _date(story, told, now),
        **_picture(story, told, base),
    }
    return {name: value for name, value in fields.items() if value}


def feeds_of(document: bytes, *, base: str, content_type: str = "") -> tuple[str, ...]:
    """The addresses of the feeds that a page names as its own."""
    links = (told for name, told, _ in _tags(text_of(document, content_type)[:_LOOKED_AT]) if name == "link")
    found = (
        web_address(told.get("href", ""), base) for told in links if told.get("type", "").lower() in _FEEDS
    )
    return tuple(dict.fromkeys(filter(None, found)))


# ── the page's tags ─────────────────────────────────────────────────────────────────────────────


def _tags(text: str) -> Iterator[Tag]:
    for piece in text.split("<"):
        if not (named := _TAG.match(piece)):
            continue
        tag, _, behind = piece[:_LONGEST_TAG].partition(">" if named[1].lower() == "title" else "\x00")
        told = {
            found[1].lower(): unescape(found[2] or found[3] or found[4] or "")
            for found in _ATTRIBUTE.finditer(tag)
        }
        yield named[1].lower(), told, unescape(behind)


def _meta(tags: list[Tag]) -> dict[str, str]:
    """The first word that the page has on each property."""
    told: dict[str, str] = {}
    for name, given, _ in tags:
        if name == "meta" and (about := given.get("property") or given.get("name")):
            told.setdefault(about.lower(), given.get("content", ""))
    return told


def _canonical(tags: list[Tag], base: str) -> str:
    """The address that the page calls its own, while that is a page of the same site; else `base`."""
    for name, told, _ in tags:
        if name != "link" or "canonical" not in told.get("rel", "").lower().split():
            continue
        address = web_address(told.get("href", ""), base)
        # Not every site gets it right: some name their front page, and copies name somebody else's story
        if address and _site(address) == _site(base) and urlsplit(address).path.strip("/"):
            return address
    return base


def _site(address: str) -> str:
    return re.sub(r"^(?:www|m|amp|mobile)\.", "", urlsplit(address).netloc)


def _language(tags: list[Tag], story: Json, told: Mapping[str, str]) -> str:
    of_page = next((given.get("lang", "") for name, given, _ in tags if name == "html"), "")
    language = _first(story.get("inLanguage"), of_page, told.get("og:locale")).lower().replace("_", "-")
    return language if _LANGUAGE.fullmatch(language) and len(language) <= 16 else ""


# ── JSON-LD ─────────────────────────────────────────────────────────────────────────────────────


def _story(text: str) -> Json:
    """The first object on the page that is a story, or an empty one."""
    stories = [found for block in _blocks(text) for found in _objects(block, _DEEPEST) if _is_story(found)]
    return stories[0] if stories else {}


def _blocks(text: str) -> Iterator[object]:
    end = 0
    for _ in range(_MOST_BLOCKS):
        named = text.find("application/ld+json", end)
        start = text.find(">", named) + 1
        end = text.find("</script", start)
        if named < 0 or not start or end < 0:
            return
        try:
            yield json.loads(text[start:end])
        except (ValueError, RecursionError):
            continue


def _objects(value: object, depth: int) -> Iterator[Json]:
    if isinstance(value, list) and depth:
        for item in value[:100]:
            yield from _objects(item, depth - 1)
    elif isinstance(value, dict):
        yield value
        yield from _objects(value.get("@graph"), depth - 1)


def _type(found: Json) -> str:
    told = found.get("@type")
    return str(told[0] if isinstance(told, list) and told else told).lower()


def _is_story(found: Json) -> bool:
    return _type(found).endswith(_STORIES) or _type(found) == "videoobject"


def _names(author: object) -> list[str]:
    people = author if isinstance(author, list) else [author]
    names = (person.get("name") if isinstance(person, dict) else person for person in people[:20])
    return [name for name in names if isinstance(name, str) and name and "://" not in name]


def _date(story: Json, told: Mapping[str, str], now: datetime) -> str:
    published_at, _ = dates.published(
        _first(story.get("datePublished"), story.get("uploadDate"), told.get("article:published_time")),
        None,
        now,
    )
    return published_at.isoformat() if published_at else ""


def _picture(story: Json, told: Mapping[str, str], base: str) -> dict[str, str]:
    image: Any = story.get("image") or story.get("thumbnailUrl")
    image = image[0] if isinstance(image, list) and image else image
    in_story = image if isinstance(image, dict) else {"url": image}
    if address := web_address(told.get("og:image") or told.get("og:image:url") or "", base):
        size, alt = (told.get("og:image:width"), told.get("og:image:height")), told.get("og:image:alt", "")
    elif address := web_address(_first(in_story.get("url")), base):
        size, alt = (in_story.get("width"), in_story.get("height")), _first(in_story.get("caption"))
    else:
        return {}
    width, height = (str(told) if re.fullmatch(r"\d{1,5}", str(told), re.ASCII) else "" for told in size)
    return {
        "picture_url": address, "picture_width": width, "picture_height": height, "picture_alt": alt,
    }  # fmt: skip


def _first(*values: object) -> str:
    """The first that is a text and says something; of a list of texts its first."""
    for value in values:
        text = value[0] if isinstance(value, list) and value else value
        if isinstance(text, str) and text.strip():
            return text
    return ""
