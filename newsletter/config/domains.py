"""Domains that sign our mail, and the names that DNS has their keys under.

Both become part of a header and of a DNS name, so nothing gets past here that could end either.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from newsletter.config.kinds import Line, Wrong, shown

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?=.{{4,189}}\Z){_LABEL}(?:\.{_LABEL})+")  # leaves room for selector._domainkey.
_SELECTOR = re.compile(rf"(?=.{{1,51}}\Z){_LABEL}(?:\.{_LABEL})*")  # RFC 6376 §3.1


def domain(text: str) -> str:
    """A domain as DNS has it, in lower case. Raises Wrong."""
    if not _DOMAIN.fullmatch(text.lower()):
        raise Wrong(
            f"is no domain: {shown(text)}", "write it like news.example; other letters in their xn-- form"
        )
    return text.lower()


def selector(text: str) -> str:
    """The name of a signing key. Raises Wrong."""
    if not _SELECTOR.fullmatch(text):
        raise Wrong(
            f"is no selector: {shown(text)}",
            "use lower-case letters, digits, and inner hyphens or dots, like rsa-2026-11",
        )
    return text


def is_below(signer: str, address: str) -> bool:
    """Whether `address` is at the domain `signer` or at a part of it: then mailboxes take the signature
    for the sender's own (the relaxed alignment of DMARC)."""
    return f".{address.rpartition('@')[2].lower()}".endswith(f".{signer}")


def _key_files(value: object) -> object:
    if not isinstance(value, dict):
        raise Wrong(
            "is to be a table of selectors and their key files",
            'write it like { rsa-2026-11 = "dkim-rsa-2026-11.pem" }',
        )
    for name, file in value.items():
        selector(str(name))
        if not isinstance(file, str) or not file.strip():
            raise Wrong(f"{name} is to name its key file", f'write it like {name} = "dkim-{name}.pem"')
    return value


Domain = Annotated[str, AfterValidator(domain)]
DomainOrNone = Annotated[str, AfterValidator(lambda text: domain(text) if text else text)]
KeyFiles = Annotated[dict[str, Line], BeforeValidator(_key_files)]
