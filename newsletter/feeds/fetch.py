"""Bringing one foreign document home: politely, within bounds, and never twice without need.

Manners of HTTP live here (conditional requests, redirects walked hop by hop, our own bounded
inflate); which addresses may be spoken to at all is the door's business.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib.metadata import version
from urllib.parse import quote

import httpcore
import httpx

from newsletter.config import Gathering
from newsletter.errors import FetchFailed
from newsletter.feeds import door
from newsletter.feeds.clean import web_address

MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_GZIP = 16 + zlib.MAX_WBITS  # RFC 1952 header and trailer
_LONGEST_VALIDATOR = 1_000  # characters of an ETag or date that are kept
_IN_HEADER = " /+():;,.@?&=#~!*'%-_"  # what a contact may keep as it is in a header
_BUSY = frozenset({429, 503})
_ACCEPT = (
    "application/rss+xml, application/atom+xml, application/rdf+xml, application/feed+json, "
    "application/xml;q=0.9, application/json;q=0.9, */*;q=0.5"
)


class FetchStatus(StrEnum):
    OK = "ok"
    NOT_MODIFIED = "not modified"


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a server answered. `etag` and `last_modified` are for the next conditional request."""

    status: FetchStatus
    final_url: str
    body: bytes = b""
    content_type: str = ""
    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """An answer whose body is still to be read, and the address that gave it after all redirects."""

    response: httpx.Response
    address: str


class Busy(FetchFailed):
    """The server wants to be left alone for so many `seconds` (RFC 9110 §10.2.3)."""

    def __init__(self, sentence: str, seconds: int) -> None:
        super().__init__(sentence)
        self.seconds = seconds


def fetch(
    url: str,
    *,
    settings: Gathering,
    etag: str = "",
    last_modified: str = "",
    resolve: door.Resolve = door.resolve,
) -> Fetched:
    """The document at `url`, or that it has not changed since `etag` and `last_modified`.

    At most `settings.max_bytes` bytes, before and after decompression, within `settings.timeout`
    seconds all in, over at most five redirects. Raises FetchFailed with a sentence for an editor.
    """
    conditional = bool(etag or last_modified)
    with opened(url, settings=settings, etag=etag, last_modified=last_modified, resolve=resolve) as it:
        return _read(it.response, it.address, settings.max_bytes, conditional)


@contextmanager
def opened(
    url: str, *, settings: Gathering, accept: str = _ACCEPT, etag: str = "", last_modified: str = "",
    resolve: door.Resolve = door.resolve,
) -> Iterator[Opened]:  # fmt: skip
    """The answer to `url`, whatever its status, with its body still to be read.

    All of it, reading too, within `settings.timeout` seconds, over at most five redirects. Raises
    FetchFailed, also for what goes wrong inside the block.
    """
    address = web_address(url)
    if address is None:
        raise FetchFailed(f"{url[:200]!r} is not an http or https address.", next_step="correct the address")
    deadline = door.Deadline(settings.timeout)
    headers = _headers(settings, accept, etag, last_modified)
    try:
        with httpx.Client(
            transport=door.Door(deadline, settings.allow_hosts, resolve), trust_env=False, headers=headers
        ) as client:
            yield from _walk(client, address)
    except (httpcore.TimeoutException, TimeoutError) as error:
        raise deadline.missed() from error
    except (httpcore.NetworkError, httpcore.ProtocolError, httpx.HTTPError, OSError) as error:
        raise FetchFailed(f"The connection broke: {_reason(error)}.") from error
    except (httpx.InvalidURL, ValueError) as error:
        raise FetchFailed(f"The request could not be made: {_reason(error)}.") from error


def _headers(settings: Gathering, accept: str, etag: str, last_modified: str) -> dict[str, str]:
    contact = f" (+{settings.contact})" if settings.contact else ""
    headers = {
        "User-Agent": quote(f"newsletter/{_version()}{contact}", safe=_IN_HEADER),
        "Accept": accept,
        "Accept-Encoding": "gzip",
        "Connection": "close",
        "If-None-Match": etag,
        "If-Modified-Since": last_modified,
    }
    return {name: value for name, value in headers.items() if value}


@lru_cache(maxsize=1)
def _version() -> str:
    return version("newsletter")


def _walk(client: httpx.Client, address: str) -> Iterator[Opened]:
    for _ in range(MOST_REDIRECTS + 1):
        with client.stream("GET", address, follow_redirects=False) as response:
            if response.status_code not in _REDIRECTS:
                yield Opened(response, address)
                return
            # The body of a redirect is never read: it may be a bomb, too
            address = _next_hop(address, response.headers.get("Location", ""))
    raise FetchFailed(f"It redirects more than {MOST_REDIRECTS} times.")


def _next_hop(address: str, location: str) -> str:
    target = web_address(location, address)
    if target is None:
        raise FetchFailed(f"It redirects to {location[:200]!r}, which is no web address.")
    if address.startswith("https:") and not target.startswith("https:"):
        raise FetchFailed(f"It redirects from https to {target[:200]}, which is not safe.")
    return target


def _read(response: httpx.Response, address: str, max_bytes: int, conditional: bool) -> Fetched:
    if response.status_code == httpx.codes.NOT_MODIFIED and conditional:
        return Fetched(FetchStatus.NOT_MODIFIED, address)
    if response.status_code != httpx.codes.OK:
        raise _refusal(response)
    return Fetched(
        status=FetchStatus.OK,
        final_url=address,
        body=_body(response.iter_raw(), response.headers, max_bytes),
        content_type=response.headers.get("Content-Type", ""),
        etag=_validator(response.headers.get("ETag", "")),
        last_modified=_validator(response.headers.get("Last-Modified", "")),
    )


def _refusal(response: httpx.Response) -> FetchFailed:
    status, wanted = response.status_code, response.headers.get("Retry-After", "")
    sentence = f"The server answered {status} {phrase(status)}."
    if status in _BUSY and re.fullmatch(r"\d{1,6}", wanted, re.ASCII):
        return Busy(sentence, int(wanted))
    return FetchFailed(sentence)


def _body(chunks: Iterable[bytes], headers: Mapping[str, str], max_bytes: int) -> bytes:
    coding = headers.get("Content-Encoding", "").strip().lower()
    if coding in ("gzip", "x-gzip"):
        return _inflated(chunks, max_bytes)
    if coding not in ("", "identity"):
        raise FetchFailed(f"The answer is packed as {coding[:40]!r}, which was not asked for.")
    body = bytearray()
    for chunk in chunks:
        body += chunk
        _check_size(len(body), max_bytes)
    return bytes(body)


def _inflated(chunks: Iterable[bytes], max_bytes: int) -> bytes:
    inflater = zlib.decompressobj(_GZIP)
    body = bytearray()
    packed = 0
    for chunk in chunks:
        packed += len(chunk)
        _check_size(packed, max_bytes)
        try:
            body += inflater.decompress(chunk, max_bytes + 1 - len(body))
        except zlib.error as error:
            raise FetchFailed("The answer is packed as gzip and damaged.") from error
        _check_size(len(body), max_bytes)
    if not inflater.eof:
        raise FetchFailed("The answer is packed as gzip and ends too early.")
    return bytes(body)


def _check_size(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise FetchFailed(
            f"It is larger than {max_bytes:,} bytes.",
            next_step="raise [gathering] max_bytes if this is meant",
        )


def _validator(value: str) -> str:
    """A validator that can be sent back as it came; others are as good as none."""
    return value if len(value) <= _LONGEST_VALIDATOR and value.isascii() and value.isprintable() else ""


def phrase(status: int) -> str:
    """What a status of HTTP is called (RFC 9110 §15)."""
    return httpx.codes.get_reason_phrase(status) or "an unknown status"


def _reason(error: Exception) -> str:
    return (str(error) or type(error).__name__).rstrip(".")[:200]
