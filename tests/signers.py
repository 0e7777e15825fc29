"""Fresh keys to sign a test's mails with, and what DNS would say about them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from newsletter.mail.dkim import Signing
from newsletter.mail.signing_keys import Algorithm, create_key, load_key, record_name


def signers(
    folder: Path, domain: str, algorithms: Iterable[Algorithm] = Algorithm
) -> tuple[Signing, dict[str, str]]:
    """A key of each algorithm, its selector the algorithm's name; and the TXT records by their names."""
    records, keys = {}, []
    for algorithm in algorithms:
        file = folder / f"dkim-{algorithm}.pem"
        records[record_name(algorithm, domain)] = create_key(file, algorithm)
        keys.append(load_key(algorithm, file))
    return Signing(tuple(keys)), records
