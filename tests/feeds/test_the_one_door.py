"""Nothing inside our network can be reached through any feature that fetches, in any spelling.

What the program connects to is logged by the interpreter itself, below every library; the log holds
nothing but the servers that the test allowed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from newsletter.clock import Clock
from newsletter.config import FeedSource, Gathering, Settings
from newsletter.errors import FetchFailed
from newsletter.feeds.looks import Manners, look_at
from newsletter.models import LinkVerdict
from newsletter.runtime import Runtime
from newsletter.services import gathering
from newsletter.store.database import Database
from tests.feeds.server import Server
from tests.feeds.test_address import INSIDE

NOW = datetime(2026, 2, 18, 13, 0, tzinfo=UTC)
LITERALS = [f"[{address}]" if ":" in address else address for address in INSIDE if address.count(".") != 2]
SPELLED = [
    "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "127.0.1", "0", "localhost", "LOCALHOST.",
    "127。0。0。1", "①②⑦.0.0.1", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:169.254.169.254]",
    "[::ffff:0:127.0.0.1]",
    "evil@127.0.0.1", "post.example@127.0.0.1", "127.0.0.1:80@[::1]", "127.0.0.1.",
]  # fmt: skip
_connects: list[object] = []
_listening: list[bool] = []


def _hear(event: str, args: tuple[object, ...]) -> None:
    if event == "socket.connect" and _listening:
        _connects.append(args[1])


sys.addaudithook(_hear)


@pytest.fixture
def connects() -> Iterator[list[object]]:
    """Every address that a socket was told to connect to."""
    _connects.clear()
    _listening.append(True)
    yield _connects
    _listening.clear()


@pytest.fixture
def runtime(sqlite_template: Path, tmp_path: Path) -> Iterator[Runtime]:
    file = tmp_path / "newsletter.db"
    file.write_bytes(sqlite_template.read_bytes())
    database = Database(f"sqlite:///{file}")
    settings = Settings(gathering=Gathering(allow_hosts=("127.0.0.1",), timeout=5))
    yield Runtime(settings=settings, home=tmp_path, clock=Clock(NOW), database=database)
    database.close()


def by_gathering(runtime: Runtime, url: str) -> str:
    source = FeedSource.model_construct(name="f", url=url, language="")  # past the configuration's own check
    closed = Gathering(timeout=5)
    settings = runtime.settings.model_copy(update={"feeds": (source,), "gathering": closed})
    (report,) = gathering.gather(Runtime(settings, runtime.home, runtime.clock, runtime.database), NOW)
    return report.trouble


def by_trying(runtime: Runtime, url: str) -> str:
    return refused(lambda: gathering.try_feed(closed(runtime), url, NOW))


def by_adding(runtime: Runtime, url: str) -> str:
    return refused(lambda: gathering.add_by_address(closed(runtime), url, {}, NOW))


def closed(runtime: Runtime) -> Runtime:
    settings = runtime.settings.model_copy(update={"gathering": Gathering(timeout=5)})
    return Runtime(settings, runtime.home, runtime.clock, runtime.database)


def refused(errand: Callable[[], object]) -> str:
    with pytest.raises(FetchFailed) as error:
        errand()
    return error.value.sentence


def by_looking(runtime: Runtime, url: str) -> str:
    limits = runtime.settings.preflight
    found = [look_at(url, is_picture, Manners(Gathering(), limits), NOW) for is_picture in (True, False)]
    assert all(look.verdict is LinkVerdict.FAILING and not look.status for look in found)
    return found[0].trouble


FEATURES = [by_gathering, by_trying, by_adding, by_looking]
WHY = (
    "not on the public internet",
    "no web address",
    "is not an http or https address",
    "There is no host",
    "could not be made",
    "Invalid",
)


@pytest.mark.parametrize("feature", FEATURES)
def test_no_address_inside_is_connected_to(
    runtime: Runtime, feature: Callable[[Runtime, str], str], connects: list[object]
) -> None:
    for host in [*LITERALS, *SPELLED]:
        for url in (f"http://{host}/feed", f"https://{host}/feed"):
            told = feature(runtime, url)
            assert any(why in told for why in WHY), (url, told)
    assert connects == []


@pytest.mark.parametrize("target", ["http://{}/latest", "https://{}/latest", "http://{}:6379/"])
def test_no_redirect_leads_there(
    runtime: Runtime, server: Server, connects: list[object], target: str
) -> None:
    for number, host in enumerate([*LITERALS, *SPELLED]):
        if host == "127.0.0.1" or host.endswith("@127.0.0.1") or host == "127.0.0.1.":
            continue  # the one host that this newsroom allows, and what is refused for its user-info
        location = target.format(host.encode("idna").decode() if host.isascii() else "127.0.0.9")
        url = server.on(f"/{number}", status=302, Location=location)
        look = look_at(url, False, Manners(runtime.asking, runtime.settings.preflight), NOW)
        for told in (refused(lambda url=url: gathering.try_feed(runtime, url, NOW)), look.trouble):  # type: ignore[misc]
            assert any(why in told for why in (*WHY, "no web port")), (location, told)
    assert set(connects) == {("127.0.0.1", server.port)}


def test_a_page_s_canonical_link_and_pictures_are_read_and_not_asked(
    runtime: Runtime, server: Server, connects: list[object]
) -> None:
    inside = "http://169.254.169.254/latest/meta-data/"
    page = (
        f'<link rel="canonical" href="{inside}"><meta property="og:title" content="T">'
        f'<meta property="og:image" content="{inside}a.jpg"><link rel="alternate" href="{inside}">'
    )
    article = gathering.add_by_address(runtime, server.on("/story", page.encode()), {}, NOW)
    assert article.url == server.url("/story")
    assert set(connects) == {("127.0.0.1", server.port)}
