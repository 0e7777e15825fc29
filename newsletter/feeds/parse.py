"""From a feed's bytes to drafts: RSS 0.9x, 1.0 (RDF) and 2.0, Atom and JSON Feed, as sloppy as they come.

Whichever it is, its items come in one shape, and everything foreign in them is cleaned here, field by
field. What cannot be taken is refused by item, and what was mended is told by item, with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from newsletter.errors import FetchFailed
from newsletter.feeds import dates, jsonfeed, pictures, xmlfeed
from newsletter.feeds.charset import text_of
from newsletter.feeds.clean import BYLINE, SUMMARY, TITLE, canonical, plain, plain_from_html, web_address
from newsletter.feeds.xmlfeed import Contents
from newsletter.models import ArticleKind
from newsletter.store.identity import identity
from newsletter.values import ArticleDraft, Refusal

_LONGEST_GUID = 500
_LONGEST_LANGUAGE = 16
_ADDRESS = r"[^\s@()]{1,200}@[^\s@()]{1,200}"
_WITH_ADDRESS = re.compile(rf"{_ADDRESS}(?: \(([^()]+)\))?|([^()]+) \({_ADDRESS}\)")


@dataclass(frozen=True, slots=True)
class Parsed:
    """A feed that was read: its own title, what came in, and what was refused."""

    title: str
    drafts: tuple[ArticleDraft, ...]
    refused: tuple[Refusal, ...]


def parse(
    document: bytes,
    *,
    base: str,
    now: datetime,
    content_type: str = "",
    language: str = "",
    max_items: int = 2_000,
) -> Parsed:
    """The items of a feed that was served from `base`, in its order; dates to come are none.

    `language` is used where the feed names none. Raises FetchFailed for what is no feed.
    """
    text = text_of(document, content_type)
    contents = _contents(text, max_items)
    if contents is None:
        raise FetchFailed(f"The answer is no feed, but {_looks_like(text)}.", next_step="check the address")
    spoken = str(contents.channel.get("language") or language)
    taken, refused = _take(contents, base, spoken, now)
    if contents.length > max_items:
        refused.append(Refusal(f"items {max_items + 1} to {contents.length}", f"more than {max_items} items"))
    return Parsed(_text(contents.channel, "title", TITLE), tuple(taken), tuple(refused))


def _contents(text: str, max_items: int) -> Contents | None:
    read = jsonfeed.read if text.lstrip()[:1] == "{" else xmlfeed.read
    return read(text, max_items)


def _looks_like(text: str) -> str:
    start = text[:1024].lstrip().lower()
    if not start:
        return "empty"
    return "a web page" if start.startswith(("<!doctype html", "<html")) else "something else"


def _take(
    contents: Contents, base: str, language: str, now: datetime
) -> tuple[list[ArticleDraft], list[Refusal]]:
    taken: dict[str, ArticleDraft] = {}
    places: dict[str, int] = {}
    refused: list[Refusal] = []
    for rank, entry in enumerate(contents.items):
        draft = _draft(entry, rank, contents.length, base, language, now)
        if isinstance(draft, str):
            refused.append(Refusal(f"item {rank + 1}", draft))
        elif (key := identity(draft.url)) in taken:
            refused.append(Refusal(f"item {rank + 1}", f"same address as item {places[key]}"))
        else:
            taken[key], places[key] = draft, rank + 1
    return list(taken.values()), refused


def _draft(
    entry: Mapping[str, Any], rank: int, length: int, base: str, language: str, now: datetime
) -> ArticleDraft | str:
    """A draft, or why there is none."""
    # A go-between that counts clicks keeps the story's own address beside its own
    link = str(entry.get("feedburner_origlink") or entry.get("link") or "")
    url = web_address(link, base) if link else None
    if url is None:
        return f"its link is no web address: {plain(link, 100)!r}" if link else "it has no link"
    title = _text(entry, "title", TITLE)
    if not title:
        return "it has no title"
    told = entry.get("published") or entry.get("updated") or ""
    parsed = entry.get("published_parsed") or entry.get("updated_parsed")
    published_at, date_note = dates.published(str(told), parsed, now)
    is_video = pictures.is_video(entry, url)
    return ArticleDraft(
        url=canonical(url),
        title=title,
        summary=_text(entry, "summary", SUMMARY),
        byline=_byline(entry),
        language=_language(entry, language),
        kind=ArticleKind.VIDEO if is_video else ArticleKind.STORY,
        picture=pictures.picture_of(entry, base),
        duration=pictures.duration_of(entry) if is_video else "",
        published_at=published_at,
        date_note=date_note,
        guid=plain(str(entry.get("id", "")), _LONGEST_GUID),
        rank=rank,
        length=length,
    )


def _text(entry: Mapping[str, Any], key: str, limit: int) -> str:
    """A text in plain characters: markup is read as such only where the feed says that it is."""
    value = str(entry.get(key, ""))
    kind = str(entry.get(f"{key}_detail", {}).get("type", "text/plain"))
    return plain(value, limit) if kind == "text/plain" else plain_from_html(value, limit)


def _byline(entry: Mapping[str, Any]) -> str:
    """Who wrote it, without the mail address that RSS has in front of the name and Atom behind it."""
    author = plain(str(entry.get("author", "")), BYLINE)
    named = _WITH_ADDRESS.fullmatch(author)
    return (named[1] or named[2] or "") if named else author


def _language(entry: Mapping[str, Any], feed_language: str) -> str:
    own = entry.get("language") or entry.get("title_detail", {}).get("language") or feed_language
    return plain(str(own), _LONGEST_LANGUAGE).lower()
