"""The picture of a feed's item, in whatever dialect the feed tells of it, and whether it is a video.

Media RSS has `content`, `thumbnail` and `group`; others use an enclosure or a plain `<image>`, and the
rest have a picture in their text, if any. A video is said by its medium or type, or by an address
under `/video/`, as big newsrooms have them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from newsletter.feeds.clean import ALT, pictures_in, plain, plain_from_html, web_address
from newsletter.values import Picture

ENOUGH = 1_000  # pixels of width that look sharp in a mail on any screen; more is only weight
_TOO_SMALL = 100  # pixels; icons, counting pixels and stamps look broken wherever they are shown
_LARGEST = 20_000
_SUFFIX = re.compile(r"\.(?:jpe?g|png|gif|webp|avif)$", re.IGNORECASE)
_MARKUP = frozenset({"text/html", "application/xhtml+xml"})
_SIZE_IN_PATH = re.compile(r"/(\d{2,4})x(\d{2,4})/")
# Pictures that are there to count readers, or to hold a place
_COUNTER = re.compile(
    r"[/._-](?:pixel|tracking|tracker|beacon|counter|spacer|blank|1x1)[/._?-]", re.IGNORECASE
)
_VIDEO_PATH = re.compile(r"/(?:videos?|video-[0-9]+)(?:/|$)|/video-\d+$", re.IGNORECASE)

# The one form that feedparser loses: <image>https://…</image> inside an item
_PLAIN_IMAGE = re.compile(
    r"<image>\s*+(<!\[CDATA\[\s*+)?(https?://[^<>\"'\]\s]{1,2000}+)\s*+(?:\]\]>\s*+)?</image>"
)


def respell(feed: str) -> str:
    """The same feed with each plain `<image>` written as the Media RSS thumbnail that it means."""

    def thumbnail(found: re.Match[str]) -> str:
        address = found[2].replace("&", "&amp;") if found[1] else found[2]
        return f'<thumbnail xmlns="http://search.yahoo.com/mrss/" url="{address}"/>'

    return _PLAIN_IMAGE.sub(thumbnail, feed)


def picture_of(entry: Mapping[str, Any], base: str) -> Picture | None:
    """The picture to show: the narrowest that is wide enough, else the widest, else the first unmeasured.

    A picture in the item's text counts where the item names none, and has its own words.
    """
    pictures = [picture for medium in _offers(entry) if (picture := _picture(medium, base))]
    if not pictures:
        return _first_in_text(entry, base)
    best = min(pictures, key=_preference)
    return Picture(best.url, best.width, best.height, _caption(entry))


def is_video(entry: Mapping[str, Any], url: str) -> bool:
    media = [*_many(entry, "media_content"), *_enclosures(entry)]
    return any(_is(medium, "video") for medium in media) or bool(_VIDEO_PATH.search(urlsplit(url).path))


def duration_of(entry: Mapping[str, Any]) -> str:
    """How long the video runs, as minutes:seconds or hours:minutes:seconds; empty when not said."""
    told = [medium.get("duration") for medium in _many(entry, "media_content")]
    times = (running_time(str(each or "")) for each in [*told, entry.get("itunes_duration")])
    return next(filter(None, times), "")


def running_time(text: str) -> str:
    """`text` (seconds, m:ss or h:mm:ss) as m:ss or h:mm:ss; empty when it is none of these."""
    text = text.strip()
    if re.fullmatch(r"\d{1,5}(?:\.\d{1,3})?", text, re.ASCII):
        minutes, seconds = divmod(int(float(text)), 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
    return text if re.fullmatch(r"(?:\d{1,2}:)?\d{1,2}:\d{2}", text, re.ASCII) else ""


def _offers(entry: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from (medium for medium in _many(entry, "media_content") if _shows_picture(medium))
    yield from _many(entry, "media_thumbnail")
    yield from (link for link in _enclosures(entry) if _shows_picture(link))
    # feedparser leaves the url of an <image> with parts on the item itself
    if _named_as_picture(entry.get("href")):
        yield {"url": entry["href"], "width": entry.get("width", 0), "height": entry.get("height", 0)}


def _first_in_text(entry: Mapping[str, Any], base: str) -> Picture | None:
    summary = {**entry.get("summary_detail", {}), "value": entry.get("summary", "")}
    texts = [text for text in (*_many(entry, "content")[:3], summary) if text.get("type") in _MARKUP]
    for text in texts:
        for shown in pictures_in(str(text.get("value", ""))):
            found = _picture({**shown, "url": shown.get("src", "")}, base)
            alt = plain(shown.get("alt", ""), ALT)
            if (
                found
                and not _COUNTER.search(found.url)
                and (found.width or alt or _named_as_picture(found.url))
            ):
                return Picture(found.url, found.width, found.height, alt)
    return None


def _enclosures(entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [link for link in _many(entry, "links") if link.get("rel") == "enclosure"]


def _many(entry: Mapping[str, Any], key: str) -> Sequence[Mapping[str, Any]]:
    found = entry.get(key, ())
    return [item for item in found[:100] if isinstance(item, Mapping)] if isinstance(found, list) else ()


def _is(medium: Mapping[str, Any], what: str) -> bool:
    told = [str(medium.get(name, "")).strip().lower() for name in ("medium", "type")]
    return told[0] == what or told[1] == what or told[1].startswith(f"{what}/")


def _shows_picture(medium: Mapping[str, Any]) -> bool:
    if _is(medium, "image"):
        return True
    other = any(_is(medium, what) for what in ("video", "audio", "document", "text", "application"))
    address = medium.get("url") or medium.get("href")
    # "application/octet-stream" and the like are what servers say who do not know
    return _named_as_picture(address) and (not other or "octet-stream" in str(medium.get("type", "")))


def _named_as_picture(address: object) -> bool:
    return bool(_SUFFIX.search(re.split(r"[?#]", str(address or "")[:2048], maxsplit=1)[0]))


def _picture(medium: Mapping[str, Any], base: str) -> Picture | None:
    url = web_address(str(medium.get("url") or medium.get("href") or ""), base)
    if url is None:
        return None
    width, height = _pixels(medium.get("width")), _pixels(medium.get("height"))
    if not width and (said := _SIZE_IN_PATH.search(urlsplit(url).path)):
        width, height = int(said[1]), int(said[2])
    too_small = 0 < width < _TOO_SMALL or 0 < height < _TOO_SMALL
    return None if too_small else Picture(url, width, height)


def _pixels(value: object) -> int:
    text = str(value or "").strip().removesuffix("px")
    return min(int(text), _LARGEST) if re.fullmatch(r"\d{1,9}", text, re.ASCII) else 0


def _preference(picture: Picture) -> tuple[int, int]:
    if picture.width >= ENOUGH:
        return (0, picture.width)
    return (1, -picture.width) if picture.width else (2, 0)


def _caption(entry: Mapping[str, Any]) -> str:
    """The words under the picture: feedparser files `media:description` as the item's second text."""
    contents = _many(entry, "content")
    if not entry.get("media_content") or not entry.get("summary") or not contents:
        return ""
    first = contents[0]
    words = str(first.get("value", ""))
    caption = plain(words, ALT) if first.get("type") == "text/plain" else ""
    return "" if caption == plain_from_html(str(entry["summary"]), ALT) else caption
