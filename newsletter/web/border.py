"""The border of the web: what is too long, too large, too slow or meant for another host ends here.

It stands before every route and every parser, so no route can forget a limit. The body is read
whole (64 KiB at most) before anything looks at it. Refusals echo nothing of the request.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from newsletter import logs
from newsletter.clock import monotonic
from newsletter.web.headers import LOOPBACK
from newsletter.web.pages import error_page

log = logs.get(__name__)

HOST = re.compile(
    rb"(?:\[(?P<v6>[0-9a-f:]{2,39})\]|(?P<name>[a-z0-9.-]{1,253}))(?::[0-9]{1,5})?", re.IGNORECASE
)
ASKED_BY_MACHINES = "/healthz"


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes, and seconds for the headers and again for the body."""

    url: int = 2_048
    head: int = 16 * 1024
    body: int = 64 * 1024
    seconds: float = 10.0


class AccessLog:
    """ASGI middleware: one line an answer, with the route's template and never the path, which may
    hold a reader's token."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, status = monotonic(), 0

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        await self.app(scope, receive, noted)
        template = getattr(scope.get("route"), "path", "-")
        took = round(1000 * (monotonic() - start), 1)
        log.info("page_answered", method=scope["method"], route=template, status=status, ms=took)


class Border:
    """ASGI middleware: host, length, size and time; and the page for what nobody foresaw."""

    def __init__(self, app: ASGIApp, public_url: str, limits: Limits, language: str) -> None:
        self.app = app
        self.hosts = {urlsplit(public_url).hostname, *LOOPBACK} - {None}
        self.limits = limits
        self.language = language

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        body = b""
        if not refusal:
            try:
                async with asyncio.timeout(self.limits.seconds):
                    body, refusal = await self._body(receive)
            except TimeoutError:
                refusal = 408
        if refusal:
            await error_page(refusal, language=self.language)(scope, receive, send)
        else:
            await self._pass_on(body, scope, receive, send)

    def _refusal(self, scope: Scope) -> int:
        """The status to refuse with before anything is read, or 0."""
        if scope["path"] != ASKED_BY_MACHINES and not self._is_ours(scope):
            return 421
        if len(scope["raw_path"]) + len(scope["query_string"]) > self.limits.url:
            return 414
        if sum(len(name) + len(value) for name, value in scope["headers"]) > self.limits.head:
            return 431
        lengths = [value for name, value in scope["headers"] if name == b"content-length"]
        if any(not value.isdigit() or int(value[:20]) > self.limits.body for value in lengths):
            return 413
        return 0

    def _is_ours(self, scope: Scope) -> bool:
        named = [value for name, value in scope["headers"] if name == b"host"]
        match = HOST.fullmatch(named[0]) if len(named) == 1 else None
        return match is not None and (match["v6"] or match["name"]).decode().lower() in self.hosts

    async def _body(self, receive: Receive) -> tuple[bytes, int]:
        """The whole body, or the status to refuse it with."""
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return b"", 400
            body += message.get("body", b"")
            if len(body) > self.limits.body:
                return b"", 413
            if not message.get("more_body"):
                return bytes(body), 0

    async def _pass_on(self, body: bytes, scope: Scope, receive: Receive, send: Send) -> None:
        unread, started = True, False

        async def replay() -> Message:
            nonlocal unread
            if unread:
                unread = False
                return {"type": "http.request", "body": body, "more_body": False}
            return await receive()

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, replay, watched)
        except Exception:
            log.exception("page_failed")
            if started:
                raise
            await error_page(500, language=self.language)(scope, receive, send)
