"""Which addresses of a mail are looked at: those of its entries, and those that stand in every mail.

A part of drafting, checking, looking and events.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from newsletter.config import NewsletterSettings
from newsletter.models import Slot
from newsletter.render.gate import is_permitted
from newsletter.runtime import Runtime
from newsletter.services.reviewing import links_in
from newsletter.values import Candidate, Placement


def addresses_of(
    page: Iterable[Placement], pool: Mapping[int, Candidate], runtime: Runtime
) -> dict[str, bool]:
    """Every link and picture of these entries, each once; True for a picture."""
    found: dict[str, bool] = {}
    for placed in page:
        article = pool[placed.article_id]
        found |= {url: False for url in (article.url, *links_in(article)) if url not in found}
        picture = placed.picture_of(article)
        if picture and is_permitted(picture.url, runtime.plain_hosts):
            found.setdefault(picture.url, True)
    return {url: is_picture for url, is_picture in found.items() if is_asked(runtime, url)}


def standing_links(
    newsletter: NewsletterSettings, page: Iterable[Placement], runtime: Runtime
) -> dict[str, str]:
    """The addresses that a mail of this page has from the configuration, by what they are called there.

    Those that lead to ourselves are no foreign server's affair.
    """
    found = {"home_url": newsletter.home_url, "more_url": newsletter.more_url}
    found |= {f"the social link {link.name}": link.url for link in newsletter.social}
    if newsletter.sponsor and not any(placed.slot is Slot.SPONSOR for placed in page):
        found["the standing sponsor"] = newsletter.sponsor.url
    ours = urlsplit(runtime.public_url).netloc
    foreign = {key: url for key, url in found.items() if url and urlsplit(url).netloc != ours}
    return {key: url for key, url in foreign.items() if is_asked(runtime, url)}


def is_asked(runtime: Runtime, url: str) -> bool:
    """Whether an address may be looked at; of others what was seen once does not count either."""
    skipped = {host.lower() for host in runtime.settings.preflight.skip_hosts}
    return (urlsplit(url).hostname or "") not in skipped
