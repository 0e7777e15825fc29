"""Posting to the one foreign address that the operator wrote down: the alerts' webhook.

It goes through the same door as every other connection of ours. Its host may lie inside, for the
configuration named it; nothing that it answers moves us elsewhere, and but for its status no byte
of the answer is read.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import httpcore
import httpx

from newsletter.errors import FetchFailed
from newsletter.feeds import door


def post(url: str, body: bytes, headers: Mapping[str, str], seconds: float) -> int:
    """The status that the server answers, redirects not followed, within `seconds` all in.

    Raises FetchFailed with a sentence that does not repeat the address, for it may hold a token.
    """
    deadline = door.Deadline(seconds)
    hosts = [urlsplit(url).hostname or ""]
    try:
        with (
            httpx.Client(transport=door.Door(deadline, hosts, _hurried(deadline)), trust_env=False) as client,
            client.stream(
                "POST", url, content=body, headers={**headers, "Connection": "close"}, follow_redirects=False
            ) as response,
        ):
            return response.status_code
    except (httpcore.TimeoutException, TimeoutError) as error:
        raise deadline.missed() from error
    except (httpcore.NetworkError, httpcore.ProtocolError, httpx.HTTPError, OSError) as error:
        raise FetchFailed(f"The connection broke: {type(error).__name__}.") from error
    except (httpx.InvalidURL, ValueError) as error:
        raise FetchFailed("The request could not be made; the address is no web address.") from error


def _hurried(deadline: door.Deadline) -> door.Resolve:
    """Name servers may take half a minute to say nothing; they get what time there is."""

    def resolve(host: str, port: int) -> Sequence[str]:
        found: list[Sequence[str]] = []
        trouble: list[FetchFailed] = []

        def ask() -> None:
            try:
                found.append(door.resolve(host, port))
            except FetchFailed as error:
                trouble.append(error)

        asking = threading.Thread(target=ask, name="resolve", daemon=True)
        asking.start()
        asking.join(deadline.remaining())
        if trouble:
            raise trouble[0]
        if not found:
            raise deadline.missed()
        return found[0]

    return resolve
