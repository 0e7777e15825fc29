"""From a feed's bytes to drafts: RSS 0.9x, 1.0 (RDF) and 2.0, and Atom, as sloppy as they come.

feedparser reads the dialects; it is given bytes only, never an address, and its own cleaning is off,
because ours happens here, field by field. What cannot be taken is refused by item, with the reason.
"""

from __future__ import annotations

import calendar
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import feedparser

from newsletter.errors import FetchFailed
from newsletter.feeds import pictures
from newsletter.feeds.clean import BYLINE, SUMMARY, TITLE, canonical, plain, plain_from_html, web_address
from newsletter.models import ArticleKind
from newsletter.values import ArticleDraft, Refusal

_LONGEST_GUID = 500
_LONGEST_LANGUAGE = 16


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
    """The items of a feed that was served from `base`, in its order. Future dates become `now`.

    `language` is used where the feed names none. Raises FetchFailed for what is no feed.
    """
    feed = _read(document, content_type)
    entries: Sequence[Mapping[str, Any]] = feed["entries"]
    channel = dict(feed["feed"])
    spoken = str(channel.get("language") or language)
    taken, refused = _take(entries[:max_items], base, spoken, now)
    if len(entries) > max_items:
        refused.append(Refusal(f"items {max_items + 1} to {len(entries)}", f"more than {max_items} items"))
    return Parsed(_text(channel, "title", TITLE), tuple(taken), tuple(refused))


def _read(document: bytes, content_type: str) -> Mapping[str, Any]:
    headers = {"content-type": content_type} if content_type else {}
    try:
        feed = dict(
            feedparser.parse(
                io.BytesIO(pictures.respell(document)),
                response_headers=headers,
                sanitize_html=False,
                resolve_relative_uris=False,
            )
        )
    except Exception as error:  # a parser of foreign bytes may fail in any way it likes
        raise FetchFailed(f"The feed cannot be read: {type(error).__name__}.") from error
    if not feed.get("version") and not feed.get("entries"):
        raise FetchFailed(
            f"The answer is no feed, but {_looks_like(document)}.", next_step="check the address"
        )
    return feed


def _looks_like(document: bytes) -> str:
    start = document[:1024].lstrip().lower()
    if not start:
        return "empty"
    if start.startswith((b"<!doctype html", b"<html")):
        return "a web page"
    return "something else"


def _take(
    entries: Sequence[Mapping[str, Any]], base: str, language: str, now: datetime
) -> tuple[list[ArticleDraft], list[Refusal]]:
    taken: dict[str, ArticleDraft] = {}
    places: dict[str, int] = {}
    refused: list[Refusal] = []
    for rank, item in enumerate(entries):
        # A plain dict: feedparser's own warns when it is asked for a date that it lacks
        draft = _draft(dict(item), rank, len(entries), base, language, now)
        if isinstance(draft, str):
            refused.append(Refusal(f"item {rank + 1}", draft))
        elif draft.url in taken:
            refused.append(Refusal(f"item {rank + 1}", f"same address as item {places[draft.url]}"))
        else:
            taken[draft.url], places[draft.url] = draft, rank + 1
    return list(taken.values()), refused


def _draft(
    entry: Mapping[str, Any], rank: int, length: int, base: str, language: str, now: datetime
) -> ArticleDraft | str:
    """A draft, or why there is none."""
    link = str(entry.get("link", ""))
    url = web_address(link, base) if link else None
    if url is None:
        return f"its link is no web address: {plain(link, 100)!r}" if link else "it has no link"
    title = _text(entry, "title", TITLE)
    if not title:
        return "it has no title"
    is_video = pictures.is_video(entry, url)
    return ArticleDraft(
        url=canonical(url),
        title=title,
        summary=_text(entry, "summary", SUMMARY),
        byline=plain(str(entry.get("author", "")), BYLINE),
        language=_language(entry, language),
        kind=ArticleKind.VIDEO if is_video else ArticleKind.STORY,
        picture=pictures.picture_of(entry, base),
        duration=pictures.duration_of(entry) if is_video else "",
        published_at=_published(entry, now),
        guid=plain(str(entry.get("id", "")), _LONGEST_GUID),
        rank=rank,
        length=length,
    )


def _text(entry: Mapping[str, Any], key: str, limit: int) -> str:
    """A text in plain characters: markup is read as such only where the feed says that it is."""
    value = str(entry.get(key, ""))
    kind = str(entry.get(f"{key}_detail", {}).get("type", "text/plain"))
    return plain(value, limit) if kind == "text/plain" else plain_from_html(value, limit)


def _language(entry: Mapping[str, Any], feed_language: str) -> str:
    own = entry.get("language") or entry.get("title_detail", {}).get("language") or feed_language
    return plain(str(own), _LONGEST_LANGUAGE).lower()


def _published(entry: Mapping[str, Any], now: datetime) -> datetime | None:
    told = entry.get("published_parsed") or entry.get("updated_parsed")
    if told is None:
        return None
    try:
        return min(datetime.fromtimestamp(calendar.timegm(told), UTC), now)
    except (ValueError, OverflowError, OSError, TypeError):
        return None
