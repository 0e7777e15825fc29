"""A new key to sign our mail with, and what DNS must say about it.

Nothing signs with it yet: the world has to know a key before the first mail that is signed with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
    """`names` are those under which DNS must have the TXT record `value`. `keys` are all that the
    configuration will then name, with their files; `domain` is what it must say beside them, empty
    when it says so already."""

    selector: str
    algorithm: Algorithm
    file: Path
    names: tuple[str, ...]
    value: str
    keys: Mapping[str, str]
    domain: str


def new_key(
    runtime: Runtime, now: datetime, *, algorithm: Algorithm, wanted_selector: str, wanted_domain: str
) -> NewKey:
    """Write a key beside the configuration; without wishes, for its domains, under a selector of this month.

    Raises Misuse for a selector or a domain that is none, or a key that exists already.
    """
    name = _checked(selector, "--selector", wanted_selector or f"{algorithm}-{now:%Y-%m}")
    usual = _usual_domains(runtime)
    domains = [_checked_domain(runtime, wanted_domain)] if wanted_domain else usual
    if not domains:
        raise Misuse("No newsletter says whose mail is to be signed.", next_step="name the --domain")
    file, known = runtime.home / f"dkim-{name}.pem", runtime.settings.dkim.keys
    if name in known or file.exists():
        raise Misuse(
            f"There is a key {name} already; nothing was changed.",
            next_step="newsletter dkim new --selector NAME, with a name that was never used",
        )
    value = create_key(file, algorithm)
    return NewKey(
        selector=name,
        algorithm=algorithm,
        file=file,
        names=tuple(record_name(name, signer) for signer in domains),
        value=value,
        keys={**known, name: file.name},
        domain="" if domains == usual else domains[0],
    )


def _usual_domains(runtime: Runtime) -> list[str]:
    """Those that sign by the configuration."""
    if runtime.settings.dkim.domain:
        return [runtime.settings.dkim.domain]
    return sorted({parse_address(each.from_address).domain for each in runtime.settings.newsletters})


def _checked_domain(runtime: Runtime, wanted: str) -> str:
    signer = _checked(domain, "--domain", wanted)
    for newsletter in runtime.settings.newsletters:
        if not is_below(signer, newsletter.from_address):
            raise Misuse(
                f"{signer} is not the domain of {newsletter.from_address}, so its signature would not count"
                " for that sender.",
                next_step="name its domain, or one above it",
            )
    return signer


def _checked(kind: Callable[[str], str], option: str, text: str) -> str:
    try:
        return kind(text)
    except Wrong as wrong:
        raise Misuse(f"{option} {wrong.sentence}.", next_step=wrong.mend) from None
