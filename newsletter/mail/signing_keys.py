"""The keys that sign our mail: made here, loaded from their files, and told to the world by DNS.

A key is known to the world by its selector. Everybody who gets a mail looks up
`selector._domainkey.domain` and finds the public half there (RFC 6376 §3.6.2), so to change a key is to
publish another selector and sign with that.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256

from newsletter.errors import Misuse
from newsletter.mail.keyfiles import write_new

RSA_BITS = 2048  # RFC 8301 §3.2; longer ones fit no single UDP answer, and cost four times the work
LONGEST_FILE = 16_384  # bytes
LONGEST_STRING = 255  # bytes; RFC 1035 §3.3

PrivateKey = RSAPrivateKey | Ed25519PrivateKey


class Algorithm(StrEnum):
    """As DNS records name it; a signature says `rsa-sha256` or `ed25519-sha256` (RFC 8463)."""

    RSA = "rsa"
    ED25519 = "ed25519"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """`sign` makes the signature of a SHA-256 digest. Nothing of the key shows when this is printed."""

    selector: str
    algorithm: Algorithm
    sign: Callable[[bytes], bytes] = field(repr=False)


def load_key(selector: str, path: Path) -> SigningKey:
    """Raises Misuse, with the mend, for a file that is missing or holds no key that we sign with."""
    where = f"[dkim.keys] {selector}"
    try:
        with path.open("rb") as file:
            pem = file.read(LONGEST_FILE)
    except FileNotFoundError:
        raise Misuse(
            f"{where}: the key file {path} is missing, and no mail goes out unsigned.",
            next_step="restore it, or make another with newsletter dkim new and name that in its place",
        ) from None
    except OSError as error:
        raise Misuse(
            f"{where}: the key file {path} cannot be read: {error.strerror}.",
            next_step="check its owner and mode",
        ) from None
    private = _parse(pem, f"{where}: {path}")
    if isinstance(private, Ed25519PrivateKey):
        return SigningKey(selector, Algorithm.ED25519, private.sign)
    return SigningKey(selector, Algorithm.RSA, _rsa_signer(private))


def create_key(path: Path, algorithm: Algorithm) -> str:
    """Write a new key to a new file that only its owner can read, and give its DNS record.

    Raises Misuse if the file exists or cannot be written.
    """
    private: PrivateKey
    if algorithm is Algorithm.RSA:
        private = generate_private_key(public_exponent=65_537, key_size=RSA_BITS)
    else:
        private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_new(path, pem.decode())
    return _record(private.public_key())


def record_name(selector: str, domain: str) -> str:
    """Where the world looks for a key (RFC 6376 §3.6.2.1)."""
    return f"{selector}._domainkey.{domain}"


def strings(record: str) -> list[str]:
    """A TXT record as the character strings that it is made of; readers join them again."""
    return [record[start : start + LONGEST_STRING] for start in range(0, len(record), LONGEST_STRING)]


def _record(public: RSAPublicKey | Ed25519PublicKey) -> str:
    """RFC 6376 §3.6.1; an Ed25519 key stands there as its bare 32 bytes (RFC 8463 §4.2)."""
    if isinstance(public, Ed25519PublicKey):
        algorithm, content = Algorithm.ED25519, public.public_bytes_raw()
    else:
        algorithm = Algorithm.RSA
        content = public.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    return f"v=DKIM1; k={algorithm}; p={base64.b64encode(content).decode()}"


def _rsa_signer(private: RSAPrivateKey) -> Callable[[bytes], bytes]:
    padding, digested = PKCS1v15(), Prehashed(SHA256())
    return lambda digest: private.sign(digest, padding, digested)


def _parse(pem: bytes, where: str) -> PrivateKey:
    try:
        private = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: it is encrypted
        raise Misuse(
            f"{where} holds no private key in PEM without a passphrase.",
            next_step="newsletter dkim new",
        ) from None
    if isinstance(private, Ed25519PrivateKey):
        return private
    if not isinstance(private, RSAPrivateKey):
        raise Misuse(f"{where} is neither RSA nor Ed25519.", next_step="newsletter dkim new")
    if private.key_size < RSA_BITS:
        raise Misuse(
            f"{where} has {private.key_size} bits, and mailboxes want {RSA_BITS}.",
            next_step="newsletter dkim new",
        )
    return private
