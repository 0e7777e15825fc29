"""A new key to sign our mail with, and what DNS must say about it.

Nothing signs with it yet: the world has to know a key before the first mail that is signed with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from newsletter.config.domains import domain, is_below, selector
from newsletter.config.kinds import Wrong
from newsletter.errors import Misuse
from newsletter.mail.addresses import parse_address
from newsletter.mail.signing_keys import Algorithm, create_key, record_name
from newsletter.runtime import Runtime


@dataclass(frozen=True, slots=True)
class NewKey:
    """`names` are those under which DNS must have the TXT record `value`. `domain` is what the
    configuration must say beside the key; empty when it says so already."""

    selector: str
    algorithm: Algorithm
    file: Path
    names: tuple[str, ...]
    value: str
    domain: str


def new_key(
    runtime: Runtime, now: datetime, *, algorithm: Algorithm, wanted_selector: str, wanted_domain: str
) -> NewKey:
    """Write a key beside the configuration; without wishes, for its domains, under a selector of this month.

    Raises Misuse for a selector or a domain that is none, or a key that exists already.
    """
    name = _checked(selector, "--selector", wanted_selector or f"{algorithm}-{now:%Y-%m}")
    domains = _domains(runtime, wanted_domain)
    file = runtime.home / f"dkim-{name}.pem"
    if name in runtime.settings.dkim.keys or file.exists():
        raise Misuse(
            f"There is a key {name} already; nothing was changed.",
            next_step="newsletter dkim new --selector NAME, with a name that was never used",
        )
    value = create_key(file, algorithm)
    names = tuple(record_name(name, domain) for domain in domains)
    return NewKey(name, algorithm, file, names, value, "" if domains == _domains(runtime, "") else domains[0])


def _domains(runtime: Runtime, wanted: str) -> list[str]:
    addresses = [parse_address(each.from_address) for each in runtime.settings.newsletters]
    if wanted:
        signer = _checked(domain, "--domain", wanted)
        for address in addresses:
            if not is_below(signer, address.domain):
                raise Misuse(
                    f"{signer} is not the domain of {address.normalised}, so its signature would not count"
                    " for that sender.",
                    next_step="name its domain, or one above it",
                )
        return [signer]
    if runtime.settings.dkim.domain:
        return [runtime.settings.dkim.domain]
    if not addresses:
        raise Misuse("No newsletter says whose mail is to be signed.", next_step="name the --domain")
    return sorted({address.domain for address in addresses})


def _checked(kind: Callable[[str], str], option: str, text: str) -> str:
    try:
        return kind(text)
    except Wrong as wrong:
        raise Misuse(f"{option} {wrong.sentence}.", next_step=wrong.mend) from None
