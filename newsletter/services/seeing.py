"""Which addresses of a page are looked at. A part of drafting, checking and looking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from newsletter.render.gate import is_permitted
from newsletter.runtime import Runtime
from newsletter.values import Candidate, Placement


def addresses_of(
    page: Sequence[Placement], pool: Mapping[int, Candidate], runtime: Runtime
) -> dict[str, bool]:
    """Every link and picture that a mail of this page shows, each once; True for a picture."""
    found: dict[str, bool] = {}
    for placed in page:
        article = pool[placed.article_id]
        found.setdefault(article.url, False)
        picture = placed.picture_of(article)
        if picture and is_permitted(picture.url, runtime.plain_hosts):
            found.setdefault(picture.url, True)
    return {url: is_picture for url, is_picture in found.items() if is_asked(runtime, url)}


def is_asked(runtime: Runtime, url: str) -> bool:
    """Whether an address may be looked at; of others what was seen once does not count either."""
    skipped = {host.lower() for host in runtime.settings.preflight.skip_hosts}
    return (urlsplit(url).hostname or "") not in skipped
