"""Which addresses of the network the program may speak to: those of the public internet.

Python's own classes do not answer that (`is_global` is True for multicast, NAT64 and 6to4), so this
is a list of what is allowed. Forms that carry an IPv4 address inside are unwrapped and judged by it,
or lie outside of what is allowed.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

_PROTOCOL_ASSIGNMENTS = IPv4Network("192.0.0.0/24")
_RELAYS_TO_6TO4 = IPv4Network("192.88.99.0/24")
_NAT64 = IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NOT_UNICAST = (
    IPv6Network("2001::/23"),  # Teredo, benchmarking, ORCHID (RFC 2928)
    IPv6Network("2002::/16"),  # 6to4 (RFC 3056)
    IPv6Network("3fff::/20"),  # documentation (RFC 9637)
)


def is_public(address: str) -> bool:
    """Whether `address`, as a resolver gave it, is a global unicast address; False for no address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address):
        inner = _ipv4_inside(parsed)
        return _is_public_ipv6(parsed) if inner is None else _is_public_ipv4(inner)
    return _is_public_ipv4(parsed)


def is_within(address: str, networks: Iterable[str]) -> bool:
    """Whether `address` lies in one of these networks. Raises ValueError for what is no network."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in ip_network(network, strict=False) for network in networks)


def _ipv4_inside(address: IPv6Address) -> IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None


def _is_public_ipv4(address: IPv4Address) -> bool:
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and address not in _PROTOCOL_ASSIGNMENTS
        and address not in _RELAYS_TO_6TO4
    )


def _is_public_ipv6(address: IPv6Address) -> bool:
    return (
        address in _GLOBAL_UNICAST
        and address.is_global
        and not any(address in network for network in _NOT_UNICAST)
    )
