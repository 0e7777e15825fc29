"""What makes two addresses the same article, whichever way a feed writes them.

The link itself stays as it was told, for that is what the mail leads to; this is only the key that the
pool keeps it under. In doubt two addresses are two articles: a double is seen, a swallowed story is not.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_DEFAULT_PAGE = re.compile(r"/(?:index|default)\.(?:html?|php|aspx?|jsp)$", re.IGNORECASE)


def identity(address: str) -> str:
    """The key of a canonical address: without scheme, `www.`, default page and final slash.

    The order of parameters does not count (RFC 3986 §6.2.3 and §6.2.4 name what servers treat alike).
    """
    parts = urlsplit(address)
    host = parts.netloc.removeprefix("www.").removesuffix(".")
    path = _DEFAULT_PAGE.sub("", parts.path).rstrip("/")
    query = "&".join(sorted(filter(None, parts.query.split("&"))))
    return f"{host}{path}?{query}" if query else f"{host}{path}"
