"""Addresses are read once, at the border, into the one form that is stored, mailed and shown.

Whatever could be read in two ways (quoted local parts, comments, full-width letters, encoded words) is
refused here, so that no later reader can see another address in it. The domain is kept as it goes over
the wire: lower case, internationalised names as A-labels (RFC 5890).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

import email_validator
import idna

from newsletter.errors import Misuse

LONGEST = 320

# Names that lead nowhere are harmless, since the relay refuses them, and rehearsals and tests live on
# them. email-validator has no other way to allow them than its own list.
for _name in ("test", "invalid", "localhost"):
    if _name in email_validator.SPECIAL_USE_DOMAIN_NAMES:
        email_validator.SPECIAL_USE_DOMAIN_NAMES.remove(_name)

_WIRE_SAFE = re.compile(r"""[^\s"(),:;<>@\[\\\]\x00-\x1f\x7f-\x9f\ud800-\udfff]+@[A-Za-z0-9.-]+""")

# What nearly every address is: nothing in it is read in two ways, and only its domain needs a look.
# Not a hundredth of them differ in their domain, so a list of them is read many times as fast.
_PLAIN = re.compile(r"([A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*)@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")
_LONGEST_LOCAL = 64  # RFC 5321 §4.5.3.1.1
_LONGEST_PLAIN = 254  # RFC 5321 §4.5.3.1.3, without the brackets
_ANYBODY = "a"

_SOMEBODYS = re.compile(r"[^\s<>()\[\]\"',;:@]+@[^\s<>()\[\]\"',;:@]+")

_OTHER_DOTS = re.compile("[\u3002\uff0e\uff61]")  # some programs take them for the dots of a domain

_LANES = {
    "gmail": ("gmail.com", "googlemail.com"),
    "microsoft": ("outlook.com", "hotmail.com", "live.com", "msn.com", "passport.com"),
    "yahoo": ("yahoo.com", "ymail.com", "rocketmail.com", "aol.com", "aim.com", "myyahoo.com"),
    "icloud": ("icloud.com", "me.com", "mac.com"),
    "orange": ("orange.fr", "wanadoo.fr"),
    "gmx": ("gmx.de", "gmx.net", "gmx.com", "gmx.at", "gmx.ch", "web.de"),
    "comcast": ("comcast.net",),
    "ukrnet": ("ukr.net",),
}
_LANE_OF_DOMAIN = {domain: lane for lane, domains in _LANES.items() for domain in domains}
_LANE_OF_FAMILY = {"hotmail": "microsoft", "live": "microsoft", "outlook": "microsoft", "yahoo": "yahoo"}
_NATIONAL = re.compile(r"([a-z]+)\.(?:com?\.)?[a-z]{2}")


@dataclass(frozen=True, slots=True)
class Address:
    """`normalised` is the stored form; `needs_smtputf8` when its local part is not ASCII (RFC 6531)."""

    normalised: str
    domain: str
    needs_smtputf8: bool


def parse_address(text: str) -> Address:
    """Raises Misuse, in a sentence that does not repeat the text unescaped, for anything doubtful."""
    text = text.strip()
    plain = _PLAIN.fullmatch(text)
    if plain and len(plain[1]) <= _LONGEST_LOCAL and len(text) <= _LONGEST_PLAIN:
        domain = _plain_domain(plain[2].lower())
        if domain is not None:
            return Address(f"{plain[1]}@{domain}", domain, False)
    return _parse(unicodedata.normalize("NFC", text))


@lru_cache(maxsize=10_000)
def _plain_domain(domain: str) -> str | None:
    """The domain in its stored form, or None when it is none, and the whole address says better why."""
    try:
        return _parse(f"{_ANYBODY}@{domain}").domain
    except Misuse:
        return None


def _parse(text: str) -> Address:
    if len(text) > LONGEST:
        raise Misuse(f"The address has more than {LONGEST} characters.", next_step="correct it")
    if "=?" in text or _OTHER_DOTS.search(text) or unicodedata.normalize("NFKC", text) != text:
        raise _no_address(text, "it holds letters that mail programs read differently")
    try:
        parsed = email_validator.validate_email(
            text.removesuffix("."), check_deliverability=False, allow_quoted_local=False, strict=True
        )
    except email_validator.EmailNotValidError as error:
        raise _no_address(text, str(error).rstrip(".")) from error
    domain = parsed.ascii_domain.lower()
    return Address(f"{parsed.local_part}@{domain}", domain, not parsed.local_part.isascii())


def is_wire_safe(address: str) -> bool:
    """The last look before an address enters a header or a command: nothing in it ends either."""
    return len(address) <= LONGEST and _WIRE_SAFE.fullmatch(address) is not None


def mailbox_of(address: str) -> str:
    """The mailbox behind a stored address, so that one person's many spellings count as one: without
    `+tag`, and for Gmail without the dots that it does not see."""
    local, _, domain = address.lower().rpartition("@")
    local = local.partition("+")[0] or local
    if domain in _LANES["gmail"]:
        local, domain = local.replace(".", ""), _LANES["gmail"][0]
    return f"{local}@{domain}"


def is_within(domain: str, others: Collection[str]) -> bool:
    """Whether a domain is one of `others` or below one; on label borders, so ax.org is not within x.org."""
    labels = domain.lower().rstrip(".").split(".")
    return any(".".join(labels[start:]) in others for start in range(len(labels)))


def masked(address: str) -> str:
    """A hint that its owner understands and nobody else can use."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}•••@{domain}"


def as_written(address: str) -> str:
    """The address as its owner writes it: a domain's A-labels as the letters that they stand for."""
    local, at, domain = address.rpartition("@")
    try:
        return f"{local}{at}{idna.decode(domain)}" if "xn--" in domain else address
    except (idna.IDNAError, UnicodeError):
        return address


def without_addresses(words: str) -> str:
    """A server's words with every address in them left out: for records that name nobody."""
    return _SOMEBODYS.sub("…", words)


@lru_cache(maxsize=10_000)
def lane_of(domain: str) -> str:
    """The receiving company whose limits mail to this domain shares; `rest` for everybody else."""
    lane = _LANE_OF_DOMAIN.get(domain)
    if lane is None and (family := _NATIONAL.fullmatch(domain)):
        lane = _LANE_OF_FAMILY.get(family[1])
    return lane or "rest"


def _no_address(text: str, why: str) -> Misuse:
    return Misuse(f"{text[:80]!r} is no mail address: {why}.", next_step="correct it, or leave it out")
