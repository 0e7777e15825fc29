"""The one door through which connections to foreign addresses are opened.

A host is resolved once, every address it has is judged, and the connection goes to an address that
was judged: nothing that a name server says later can move it. All reading and writing happens
against one deadline, so that a server which sends a byte now and then cannot hold us.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import lru_cache
from typing import Any

import httpcore
import httpx

from newsletter.clock import monotonic
from newsletter.errors import FetchFailed
from newsletter.feeds.address import is_public, is_within

Resolve = Callable[[str, int], Sequence[str]]
_WEB_PORTS = (80, 443)
_ADDRESSES_TRIED = 3


class Deadline:
    """A moment after which nothing is waited for any more; `seconds` from its making."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = monotonic() + seconds

    def remaining(self) -> float:
        """Seconds that are left, more than 0. Raises FetchFailed when there are none."""
        left = self._end - monotonic()
        if left <= 0:
            raise self.missed()
        return left

    def missed(self) -> FetchFailed:
        return FetchFailed(f"It took longer than {self._seconds:g} seconds.")


def resolve(host: str, port: int) -> Sequence[str]:
    """All addresses of `host`, as numbers. Raises FetchFailed when it has none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FetchFailed(f"There is no host {host}.") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Door(httpx.BaseTransport):
    """Carries httpx's requests over guarded connections, one per request.

    `allow_hosts` are names, addresses and networks (RFC 4632) that may be spoken to although they are
    not public, on any port.
    """

    def __init__(self, deadline: Deadline, allow_hosts: Collection[str], resolve: Resolve = resolve) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=_tls(),
            max_keepalive_connections=0,
            network_backend=_GuardedNetwork(deadline, allow_hosts, resolve),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        answer = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(answer.status, headers=answer.headers, stream=_Content(answer))

    def close(self) -> None:
        self._pool.close()


class _Content(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Any:
        yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()


class _GuardedNetwork(httpcore.NetworkBackend):
    def __init__(self, deadline: Deadline, allow_hosts: Collection[str], resolve: Resolve) -> None:
        self._deadline = deadline
        self._own_hosts = {host.lower().strip("[]") for host in allow_hosts}
        self._own_networks = [host for host in allow_hosts if "/" in host]
        self._resolve = resolve

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 — the deadline decides
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connects to a judged address of `host`. Raises FetchFailed when it may not or cannot."""
        trouble: Exception | None = None
        for address in self._judged(host, port)[:_ADDRESSES_TRIED]:
            try:
                stream = httpcore.SyncBackend().connect_tcp(
                    address, port, self._deadline.remaining(), local_address, socket_options
                )
            except httpcore.ConnectError as error:
                trouble = error
            else:
                return _TimedStream(stream, self._deadline)
        raise FetchFailed(f"{host} does not answer on port {port}.") from trouble

    def _judged(self, host: str, port: int) -> Sequence[str]:
        addresses = self._resolve(host, port)
        if host.lower().strip("[]").rstrip(".") in self._own_hosts:
            return addresses
        foreign = [address for address in addresses if not is_within(address, self._own_networks)]
        mend = f'add "{host}" to [gathering] allow_hosts if this is meant'
        if foreign and port not in _WEB_PORTS:
            raise FetchFailed(f"{host} is asked for on port {port}, which is no web port.", next_step=mend)
        if inside := [address for address in foreign if not is_public(address)]:
            raise FetchFailed(
                f"{host} leads to {inside[0]}, which is not on the public internet.", next_step=mend
            )
        return addresses


class _TimedStream(httpcore.NetworkStream):
    """A stream whose every step ends at the deadline, whatever time-out it is asked for."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        return self._stream.read(max_bytes, self._deadline.remaining())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        self._stream.write(buffer, self._deadline.remaining())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, self._deadline.remaining())
        return _TimedStream(secured, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
