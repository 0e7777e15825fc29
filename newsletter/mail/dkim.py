"""DKIM: who vouches for a mail, and that nobody changed it on the way (RFC 6376, RFC 8463).

What is the same in every copy of a rendition is canonicalised and hashed once, in its `Plan`. A
reader costs one pass of SHA-256 over the finished body, the canonical form of the few headers that
are theirs alone, and a signature for each key. The body is hashed as it stands, because `segments`
writes nothing but the relaxed canonical form.
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from newsletter.mail.headers import header
from newsletter.mail.signing_keys import SigningKey

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

NAME = "DKIM-Signature"
# Signed, and named once more than they occur, so that no second one can be added (RFC 6376 §8.15)
OVERSIGNED = ("From", "To", "Subject", "Date", "Message-ID", "Reply-To", "MIME-Version", "Content-Type")
# Signed where they occur, as is everything that begins with List- (RFC 8058 §4)
ALSO_SIGNED = ("Feedback-ID", "CFBL-Address", "Archived-At", "Auto-Submitted")
_SIGNED = frozenset(name.lower() for name in (*OVERSIGNED, *ALSO_SIGNED))

_HEADER = re.compile(rb"[^\r\n]+\r\n(?:[ \t][^\r\n]*\r\n)*")
COLUMNS = 72


@dataclass(frozen=True, slots=True)
class Signing:
    """Who signs: each key once. Without a `domain` it is that of the mail's From address; without
    keys nobody signs here, and the relay may."""

    keys: tuple[SigningKey, ...] = ()
    domain: str = ""


@dataclass(frozen=True, slots=True)
class _Signature:
    """The signature header of one key up to its hashes: as it is written, and as it is hashed."""

    key: SigningKey
    written: bytes
    canonical: bytes


class Plan:
    """All that does not differ by reader about the signatures of a mail."""

    def __init__(
        self, signing: Signing, from_domain: str, common: bytes, own: Sequence[str], at: datetime
    ) -> None:
        """`common` are the headers that all copies share, as `header` wrote them; `own` names those that
        each copy has for itself, which are signed too; `at` is when the signatures are made. A mail
        that is the only one of its kind has no `own` headers."""
        shared = [line for line in _HEADER.findall(common) if _is_signed(_name(line))]
        self._hashed = sha256(b"".join(map(_relaxed, shared)))
        names = [*map(_name, shared), *map(str.lower, (*own, *OVERSIGNED))]
        domain = signing.domain or from_domain
        self._signatures = [_signature(key, domain, names, at) for key in signing.keys]

    @property
    def signs(self) -> bool:
        return bool(self._signatures)

    def sign(self, own: Sequence[bytes], body: bytes) -> bytes:
        """The signature headers of one copy, to stand above all others; empty when nobody signs.

        `own` are the headers that the plan names, in that order, as `header` wrote them; `body` is in
        its relaxed canonical form.
        """
        if not self._signatures:
            return b""
        headers = self._hashed.copy()
        headers.update(b"".join(map(_relaxed, own)))
        body_hash = b2a_base64(sha256(body).digest(), newline=False)
        return b"".join([_written(signature, headers.copy(), body_hash) for signature in self._signatures])


def _signature(key: SigningKey, domain: str, names: Sequence[str], at: datetime) -> _Signature:
    words = [
        "v=1;", f"a={key.algorithm}-sha256;", "c=relaxed/relaxed;", f"d={domain};", f"s={key.selector};",
        f"t={int(at.timestamp())};", *f"h={': '.join(names)};".split(" "),
    ]  # fmt: skip
    written = header(NAME, words).removesuffix(b"\r\n")
    return _Signature(key, written, _relaxed(written).removesuffix(b"\r\n"))


def _written(signature: _Signature, headers: Hash, body_hash: bytes) -> bytes:
    """The finished header. It was hashed as if nothing stood behind its `b=` (RFC 6376 §3.7)."""
    headers.update(b"".join((signature.canonical, b" bh=", body_hash, b"; b=")))
    value = b2a_base64(signature.key.sign(headers.digest()), newline=False)
    rows = [value[start : start + COLUMNS] for start in range(0, len(value), COLUMNS)]
    return b"".join((signature.written, b"\r\n bh=", body_hash, b";\r\n b=", b"\r\n ".join(rows), b"\r\n"))


def _relaxed(line: bytes) -> bytes:
    """RFC 6376 §3.4.2. No header of ours holds a control, so `split` finds spaces and our own breaks."""
    name, _, value = line.partition(b":")
    return b"".join((name.lower(), b":", b" ".join(value.split()), b"\r\n"))


def _name(line: bytes) -> str:
    return line.partition(b":")[0].decode().lower()


def _is_signed(name: str) -> bool:
    return name.startswith("list-") or name in _SIGNED
