"""The headers that every answer carries, and the few that differ by kind of page."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PUBLIC_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
# The desk shows mails in frames of its own site, and nobody shows the desk in theirs
DESK_CSP = PUBLIC_CSP.replace("connect-src", "frame-src 'self'; connect-src")
# Without a referrer of its own site a browser would send `Origin: null` with the desk's forms
DESK = {"Content-Security-Policy": DESK_CSP, "Referrer-Policy": "same-origin", "X-Robots-Tag": "noindex"}
EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Content-Security-Policy": PUBLIC_CSP,
    "Cache-Control": "no-store",
}
# Nothing on an open page is personal, so anybody may keep it for a minute
OPEN = {"Referrer-Policy": "strict-origin", "Cache-Control": "public, max-age=60"}
UNLISTED = {"X-Robots-Tag": "noindex"}
# A sign-up box may stand in anybody's page, and remembers nothing
EMBED = UNLISTED | {
    "Content-Security-Policy": PUBLIC_CSP.replace("frame-ancestors 'none'", "frame-ancestors *"),
}
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def web_view_csp(public_url: str) -> str:
    """An edition is foreign text: it runs nothing, posts nothing, and has no origin of its own.

    Pictures come by https; the demo, whose public address is plain http on loopback, adds its own.
    """
    address = urlsplit(public_url)
    is_demo = address.scheme == "http" and address.hostname in LOOPBACK
    pictures = f"https: http://{address.netloc}" if is_demo else "https:"
    return (
        "sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation; "
        f"default-src 'none'; img-src {pictures}; style-src 'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


class SecurityHeaders:
    """ASGI middleware: adds what an answer does not say itself, and HSTS where the site is https."""

    def __init__(self, app: ASGIApp, public_url: str) -> None:
        self.app = app
        self.headers = dict(EVERYWHERE)
        if urlsplit(public_url).scheme == "https":
            self.headers["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, dressed)
