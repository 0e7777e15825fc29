"""The links of ours in a mail, and the keys that make them unforgeable.

A token names its subject (who leaves what) in a form that only we can read: a keyed hash over purpose,
key and subject stands in front, and its keystream hides the subject behind it. Reading makes the whole
token anew and compares text with text, so a token has exactly one spelling. Tokens live as long as
their key stays in the file, which is years; preview tokens carry their own end.

Suppressions know an address only by `AddressKey`. That key is a file of its own and never changes:
its hashes cannot be made again once the addresses are forgotten.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import secrets
import stat
import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import blake2b
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from newsletter.errors import Misuse
from newsletter.mail.keyfiles import write_new

KEY_BYTES = 32
MAC_BYTES = 16
TAIL = 5  # characters: four for the key, one for the version
VERSION = "1"
PREVIEW_LIFE = timedelta(days=7)

_LEAVE = struct.Struct(">QI")
_PREFERENCES = struct.Struct(">Q")
_PREVIEW = struct.Struct(">QIQ")
_MAILED = struct.Struct(">Q16s")
_FORM = struct.Struct(">Q")
_LETTER = struct.Struct(">6sQ")
_EDITION_AND_SUBSCRIBER = struct.Struct(">IQ")


class Purpose(StrEnum):
    """What a key is for; a token of one purpose means nothing for another."""

    LEAVE = "leave"
    PREFERENCES = "prefs"
    PREVIEW = "preview"
    FORM = "form"
    MAILED = "mailed"
    DESK = "desk"
    VERP = "verp"
    MESSAGE_ID = "message-id"


class _PurposeKey:
    """One key for one purpose, derived by HKDF-SHA256 (RFC 5869)."""

    def __init__(self, key: bytes, purpose: Purpose) -> None:
        derived = HKDF(SHA256(), 3 * KEY_BYTES, salt=None, info=f"newsletter {purpose}".encode()).derive(key)
        self.tail = blake2b(key, digest_size=2, person=b"newsletter id").hexdigest() + VERSION
        self._mac = blake2b(f"{purpose}|{self.tail}|".encode(), key=derived[:32], digest_size=MAC_BYTES)
        self._stream = blake2b(key=derived[32:])

    def mac(self, subject: bytes) -> bytes:
        mac = self._mac.copy()
        mac.update(subject)
        return mac.digest()

    def seal(self, subject: bytes) -> bytes:
        """Hash and hidden subject; a subject has at most 64 bytes, all that the stream covers."""
        mac = self.mac(subject)
        return mac + self._hide(mac, subject)

    def open(self, sealed: bytes) -> bytes:
        """The subject that `sealed` claims to have; only sealing that again shows whether it is true."""
        return self._hide(sealed[:MAC_BYTES], sealed[MAC_BYTES:])

    def _hide(self, mac: bytes, subject: bytes) -> bytes:
        stream = self._stream.copy()
        stream.update(mac)
        size = len(subject)
        return (int.from_bytes(subject) ^ int.from_bytes(stream.digest()[:size])).to_bytes(size)


class Keys:
    """The secret keys of an installation: the newest signs, all verify.

    The file has one key a line, 64 hexadecimal digits, the newest on top. To rotate, put a new line
    on top; the old one stays for as long as mails with its links may be opened.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        """Raises Misuse when there is no key, or one that is short or looks like an example."""
        if not keys:
            raise Misuse("There is no secret key.", next_step="newsletter init")
        for key in keys:
            _refuse_weak(key, "The secret key")
        self._rings = {purpose: [_PurposeKey(key, purpose) for key in keys] for purpose in Purpose}

    @classmethod
    def load(cls, path: Path) -> Keys:
        """Raises Misuse for a file that is missing, readable by others, or holds no good key."""
        return cls(_read_keys(path))

    @classmethod
    def create(cls, path: Path) -> None:
        """Write a new key to a new file that only its owner can read. Raises Misuse if it exists."""
        write_new(path, _new_key())

    def token(self, purpose: Purpose, subject: bytes) -> str:
        """URL-safe text. The key and version stand last: no token ends in `-` or `_`, which programs
        that find links in plain text leave out."""
        return _text(self._rings[purpose][0], subject)

    def read(self, purpose: Purpose, token: str) -> bytes | None:
        """The subject of a token that one of our keys made for this purpose, or None."""
        for key in self._rings[purpose]:
            if token.isascii() and token.endswith(key.tail):
                subject = key.open(_decode(token[:-TAIL]))
                if hmac.compare_digest(_text(key, subject), token):
                    return subject
        return None

    def mail_token(self, purpose: Purpose, subject: bytes) -> str:
        """A token for the local part of an address: lower case only, for servers may fold it."""
        key = self._rings[purpose][0]
        return base64.b32encode(key.seal(subject)).decode().rstrip("=").lower() + key.tail

    def digest(self, purpose: Purpose, subject: bytes) -> str:
        """A keyed hash that says nothing about its subject, and is never read back: 32 digits."""
        return self._rings[purpose][0].mac(subject).hex()


class AddressKey:
    """The key under which suppressions know addresses."""

    def __init__(self, key: bytes) -> None:
        _refuse_weak(key, "The suppression key")
        self._hash = blake2b(key=key, digest_size=32, person=b"newsletter addr")

    @classmethod
    def load(cls, path: Path) -> AddressKey:
        """Raises Misuse for a file that is missing, readable by others, or not one good key."""
        keys = _read_keys(path)
        if len(keys) != 1:
            raise Misuse(
                f"{path} must hold exactly one key: the suppression key never changes.",
                next_step="restore it from a backup",
            )
        return cls(keys[0])

    @classmethod
    def create(cls, path: Path) -> None:
        """Write a new key to a new file that only its owner can read. Raises Misuse if it exists."""
        write_new(path, _new_key())

    def of(self, address: str) -> str:
        """64 digits. Upper and lower case are the same mailbox here: a suppression must not miss one."""
        hashed = self._hash.copy()
        hashed.update(address.lower().encode())
        return hashed.hexdigest()


class Links:
    """Every link of ours that a mail or a page carries; all begin with `public_url`."""

    def __init__(self, public_url: str, keys: Keys) -> None:
        self.public_url = public_url.rstrip("/")
        self._keys = keys

    def leave(self, subscriber_id: int, newsletter_id: int) -> str:
        token = self._keys.token(Purpose.LEAVE, _LEAVE.pack(subscriber_id, newsletter_id))
        return f"{self.public_url}/unsubscribe/{token}"

    def preferences(self, subscriber_id: int) -> str:
        token = self._keys.token(Purpose.PREFERENCES, _PREFERENCES.pack(subscriber_id))
        return f"{self.public_url}/preferences/{token}"

    def mailed(self, page: str, link_id: int, nonce: str) -> str:
        """A link that is mailed and works once, to the page of this name."""
        subject = _MAILED.pack(link_id, bytes.fromhex(nonce))
        return f"{self.public_url}/{page}/{self._keys.token(Purpose.MAILED, subject)}"

    def form(self, issued: datetime | None = None) -> str:
        """Shows that a sign-up form is ours; without `issued` one that is printed and stands for years."""
        return self._keys.token(Purpose.FORM, _FORM.pack(int(issued.timestamp()) if issued else 0))

    def newsletter(self, slug: str) -> str:
        return f"{self.public_url}/n/{slug}"

    def edition(self, newsletter_slug: str, edition_slug: str) -> str:
        return f"{self.public_url}/n/{newsletter_slug}/{edition_slug}"

    def preview(
        self, newsletter_slug: str, edition_slug: str, *, edition_id: int, version: int, expires: datetime
    ) -> str:
        """The web view of one version of an edition that has not gone out; shown until `expires`."""
        token = self.preview_token(edition_id, version, expires)
        return f"{self.edition(newsletter_slug, edition_slug)}?preview={token}"

    def preview_token(self, edition_id: int, version: int, expires: datetime) -> str:
        subject = _PREVIEW.pack(edition_id, version, int(expires.timestamp()))
        return self._keys.token(Purpose.PREVIEW, subject)

    def read_leave(self, token: str) -> tuple[int, int] | None:
        """Subscriber and newsletter, or None for a token that is not ours."""
        subject = self._keys.read(Purpose.LEAVE, token)
        if subject is None:
            return None
        subscriber_id, newsletter_id = _LEAVE.unpack(subject)
        return subscriber_id, newsletter_id

    def read_preferences(self, token: str) -> int | None:
        """The subscriber, or None for a token that is not ours."""
        subject = self._keys.read(Purpose.PREFERENCES, token)
        return None if subject is None else int.from_bytes(subject)

    def read_preview(self, token: str, now: datetime) -> tuple[int, int] | None:
        """Edition and version, or None for a token that is not ours or has expired."""
        subject = self._keys.read(Purpose.PREVIEW, token)
        if subject is None:
            return None
        edition_id, version, expires = _PREVIEW.unpack(subject)
        return (edition_id, version) if now < datetime.fromtimestamp(expires, UTC) else None

    def read_mailed(self, token: str) -> tuple[int, str] | None:
        """A mailed link's number and nonce, or None for a token that is not ours."""
        subject = self._keys.read(Purpose.MAILED, token)
        return None if subject is None else (int.from_bytes(subject[:8]), subject[8:].hex())

    def read_form(self, token: str) -> datetime | None:
        """When it was issued, the epoch for a printed one; None for a token that is not ours."""
        subject = self._keys.read(Purpose.FORM, token)
        return None if subject is None else datetime.fromtimestamp(int.from_bytes(subject), UTC)

    def message_id(self, edition_id: int, subscriber_id: int) -> str:
        """The left part of a Message-ID, the same at every attempt, so that a mailbox drops a double."""
        return self._keys.digest(Purpose.MESSAGE_ID, _EDITION_AND_SUBSCRIBER.pack(edition_id, subscriber_id))

    def letter_message_id(self, letter_id: int) -> str:
        """The same for a letter: one letter has one, however often it is tried."""
        return self._keys.digest(Purpose.MESSAGE_ID, _LETTER.pack(b"letter", letter_id))

    def verp(self, edition_id: int, subscriber_id: int) -> str:
        """Names a delivery in its envelope sender, so that a bounce tells whose it is."""
        return self._keys.mail_token(Purpose.VERP, _EDITION_AND_SUBSCRIBER.pack(edition_id, subscriber_id))


def _text(key: _PurposeKey, subject: bytes) -> str:
    return base64.urlsafe_b64encode(key.seal(subject)).decode().rstrip("=") + key.tail


def _decode(text: str) -> bytes:
    """Whatever base64 makes of `text`, and nothing of what it cannot read: `read` compares anyway."""
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""


def _refuse_weak(key: bytes, what: str) -> None:
    if len(key) < KEY_BYTES:
        raise Misuse(
            f"{what} is short: {len(key)} bytes instead of {KEY_BYTES}.", next_step="newsletter init"
        )
    if len(set(key)) < KEY_BYTES // 4:
        raise Misuse(f"{what} is no random key but looks like an example.", next_step="newsletter init")


def _new_key() -> str:
    return secrets.token_hex(KEY_BYTES) + "\n"


def _read_keys(path: Path) -> list[bytes]:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(65_536)
    except OSError as error:
        raise Misuse(
            f"The key file {path} cannot be read: {error.strerror}.", next_step="newsletter init"
        ) from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise Misuse(
            f"The key file {path} can be read by others than its owner.", next_step=f"chmod 600 {path}"
        )
    try:
        return [bytes.fromhex(line) for line in text.decode("ascii").split()]
    except ValueError as error:
        raise Misuse(
            f"The key file {path} holds something else than keys of {2 * KEY_BYTES} hexadecimal digits.",
            next_step="restore it from a backup; if there is none, delete it and say newsletter init",
        ) from error
