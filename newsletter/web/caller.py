"""Where a request comes from: the network, as far as we trust whoever tells, and the browser in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from starlette.requests import Request

Address = IPv4Address | IPv6Address

# The first sign that is found counts: most browsers claim to be some other one as well
BROWSERS = {"Edg/": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrom": "Chrome", "Safari/": "Safari"}
SYSTEMS = {
    "Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Mac OS": "Mac", "Windows": "Windows",
    "Linux": "Linux",
}  # fmt: skip
NOWHERE = ip_address("0.0.0.0")  # noqa: S104 - a caller without an address, not one to listen on


def network(request: Request, trusted_proxies: Sequence[str]) -> str:
    """The caller's network, /24 or /64: what one guesser can easily have many addresses of."""
    address = caller(request, trusted_proxies)
    return str(ip_network((address, 24 if address.version == 4 else 64), strict=False))


def caller(request: Request, trusted_proxies: Sequence[str]) -> Address:
    """The nearest address that is no proxy of ours. What stands further left in X-Forwarded-For was
    written by whoever asks, and is not looked at."""
    trusted = [ip_network(proxy, strict=False) for proxy in trusted_proxies]
    address = NOWHERE
    for address in _from_the_right(request):
        if not any(address.version == net.version and address in net for net in trusted):
            break
    return address


def _from_the_right(request: Request) -> Iterator[Address]:
    """The peer, then what the proxies say of theirs; ends at the first that is no address."""
    peer = request.client.host if request.client else ""
    told = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    for text in (peer, *reversed(told)):
        try:
            found = ip_address(text.strip())
        except ValueError:
            return
        mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
        yield mapped or found


def browser(request: Request) -> str:
    """“Firefox on Linux”, for people who look through their sessions."""
    agent = request.headers.get("user-agent", "")
    words = (_found(BROWSERS, agent), _found(SYSTEMS, agent))
    return " on ".join(filter(None, words)) or "another program"


def _found(signs: Mapping[str, str], agent: str) -> str:
    return next((word for sign, word in signs.items() if sign in agent), "")
