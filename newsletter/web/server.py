"""The HTTP server: uvicorn in a thread of its own, started and stopped by whoever serves."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from newsletter.errors import Misuse, WorldFailed
from newsletter.runtime import Runtime
from newsletter.web.app import create_app
from newsletter.web.border import Limits

GRACE = 2.5  # seconds for open answers at a stop; with uvicorn's own pauses three in all
CONNECTIONS = 200
HEADER_BYTES = 16 * 1024


class WebServer:
    """Serves a runtime's pages between `start` and `stop`; `port` is the real one, also for bind port 0."""

    def __init__(self, runtime: Runtime, *, limits: Limits = Limits(), app: ASGIApp | None = None) -> None:
        self.runtime = runtime
        self.host, self.port = _bind_address(runtime.settings.web.bind)
        config = uvicorn.Config(
            app or create_app(runtime, limits=limits),
            http=type("Hurried", (Hurried,), {"seconds": limits.seconds}),
            ws="none",
            loop="asyncio",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=CONNECTIONS,
            h11_max_incomplete_event_size=HEADER_BYTES,
            timeout_graceful_shutdown=GRACE,  # type: ignore[arg-type]
        )
        self._server = uvicorn.Server(config)
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def start(self) -> None:
        """Listen; returns once a request would be answered. Raises WorldFailed when the port is taken."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        try:
            listener = socket.create_server((self.host, self.port), family=family, backlog=2_048)
        except OSError as error:
            raise WorldFailed(
                f"The web cannot listen on {self.host}:{self.port}: {error.strerror}.",
                next_step="stop what listens there, or set another [web] bind",
            ) from error
        # Else each answer waits some 40 ms for an acknowledgement; asyncio only cares for its own sockets
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = listener.getsockname()[1]
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, name="web", daemon=True
        )
        self._thread.start()

    def serve_until(self, stop: threading.Event) -> None:
        """Serve in the foreground until `stop` is set, or until the server has failed."""
        self.start()
        try:
            while self._is_running and not stop.wait(1.0):
                pass
        finally:
            self.stop()

    def stop(self) -> None:
        """Take no more requests and finish those begun, in at most three seconds."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(timeout=2 * GRACE)

    @property
    def _is_running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()


def _bind_address(bind: str) -> tuple[str, int]:
    host, _, port = bind.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise Misuse(
            f"[web] bind is {bind!r}, which is no address with a port.",
            next_step='write bind = "127.0.0.1:8000", or "[::1]:8000"',
        )
    return host.strip("[]"), int(port)


class Hurried(H11Protocol):
    """uvicorn waits for a request for ever; this closes a connection that dawdles over one.

    Until the headers are complete nobody can answer, so it just closes. The body is the border's
    business (it answers 408), until there is an answer and the rest is still trickling in.
    """

    seconds = Limits().seconds
    _timer: asyncio.TimerHandle | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # uvicorn's own line has the path, and in it a token; a logging set-up could bring it back
        self.access_log = False

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch()
        super().connection_lost(exc)

    def _watch(self) -> None:
        if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._unwatch()
        elif self._timer is None:
            self._timer = self.loop.call_later(self.seconds, self._give_up)

    def _unwatch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        if self.conn.their_state is h11.SEND_BODY and not self.cycle.response_complete:
            self._watch()
        else:
            self.transport.abort()
