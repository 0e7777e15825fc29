"""Tokens cannot be guessed, changed, read, or used for another purpose; keys are kept or refused."""

from __future__ import annotations

import re
import secrets
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from newsletter.errors import Misuse
from newsletter.mail.links import PREVIEW_LIFE, AddressKey, Keys, Links, Purpose

NOON = datetime(2026, 2, 18, 12, tzinfo=UTC)
KEY = bytes(range(32))
OTHER = bytes(range(32, 64))


@pytest.fixture
def links() -> Links:
    return Links("https://news.example/", Keys([KEY]))


def token_of(url: str) -> str:
    return url.rpartition("/")[2].rpartition("=")[2]


def test_links_lead_where_the_routes_are(links: Links) -> None:
    leave, preferences = links.leave(7, 3), links.preferences(7)
    assert re.fullmatch(r"https://news\.example/unsubscribe/[A-Za-z0-9_-]+", leave)
    assert re.fullmatch(r"https://news\.example/preferences/[A-Za-z0-9_-]+", preferences)
    assert links.read_leave(token_of(leave)) == (7, 3)
    assert links.read_preferences(token_of(preferences)) == 7
    assert links.newsletter("post") == "https://news.example/n/post"
    assert links.edition("post", "2026-02-18") == "https://news.example/n/post/2026-02-18"


def test_a_preview_ends(links: Links) -> None:
    expires = NOON + PREVIEW_LIFE
    url = links.preview("post", "2026-02-18", edition_id=5, version=2, expires=expires)
    assert url.startswith("https://news.example/n/post/2026-02-18?preview=")
    token = token_of(url)
    assert links.read_preview(token, NOON) == (5, 2)
    assert links.read_preview(token, expires - timedelta(seconds=1)) == (5, 2)
    assert links.read_preview(token, expires) is None


def test_a_hundred_thousand_tokens_share_nothing_but_key_and_version(links: Links) -> None:
    tokens = {token_of(links.leave(number, 1)) for number in range(100_000)}
    assert len(tokens) == 100_000
    assert len({token[-5:] for token in tokens}) == 1
    assert len({len(token) for token in tokens}) == 1
    assert len({token[:4] for token in tokens}) > 99_000
    for place in range(len(next(iter(tokens))) - 6):  # the last one before the tail holds two bits only
        assert len({token[place] for token in tokens}) == 64
    assert all(token[-1].isalnum() for token in tokens)


def test_the_subject_is_hidden(links: Links) -> None:
    """Neighbours have nothing in common, so nobody learns how many readers there are."""
    one, two = (token_of(links.preferences(number)) for number in (1, 2))
    assert sum(a == b for a, b in zip(one[:-5], two[:-5], strict=True)) < 8


def test_each_purpose_reads_only_its_own(links: Links) -> None:
    tokens = {
        "leave": token_of(links.leave(7, 3)),
        "preferences": token_of(links.preferences(7)),
        "preview": links.preview_token(5, 2, NOON + PREVIEW_LIFE),
        "verp": links.verp(5, 7),
        "message id": links.message_id(5, 7),
    }
    for kind, token in tokens.items():
        assert (links.read_leave(token) is not None) == (kind == "leave")
        assert (links.read_preferences(token) is not None) == (kind == "preferences")
        assert (links.read_preview(token, NOON) is not None) == (kind == "preview")


def test_every_change_of_a_token_is_refused(links: Links) -> None:
    token = token_of(links.leave(7, 3))
    alphabet = "ABCabc019-_=!% é"
    changed = {token[:n] + letter + token[n + 1 :] for n in range(len(token)) for letter in alphabet}
    changed |= {token + extra for extra in ("!", "=", "==", "%0a", "\n", " ", "A", "\udcff")}
    changed |= {
        token.upper(),
        token.lower(),
        token[1:],
        token[:-1],
        "",
        "x",
        token * 9,
        "A" * 5000 + token[-5:],
    }
    changed.discard(token)
    for attempt in changed:
        assert links.read_leave(attempt) is None


def test_rotation(links: Links) -> None:
    old = token_of(links.leave(7, 3))
    rotated = Links("https://news.example", Keys([OTHER, KEY]))
    new = token_of(rotated.leave(7, 3))
    assert rotated.read_leave(old) == rotated.read_leave(new) == (7, 3)
    assert new != old
    assert links.read_leave(new) is None
    assert Links("", Keys([OTHER])).read_leave(old) is None


def test_envelope_tokens_survive_folded_case(links: Links) -> None:
    token = links.verp(5, 7)
    assert re.fullmatch(r"[a-z0-9]+", token)
    assert len(f"bounces+{token}") <= 64
    assert token != links.verp(5, 8)


def test_message_ids_are_stable_and_say_nothing(links: Links) -> None:
    assert links.message_id(5, 7) == Links("https://x.example", Keys([KEY])).message_id(5, 7)
    assert re.fullmatch(r"[0-9a-f]{32}", links.message_id(5, 7))
    assert len({links.message_id(e, s) for e in range(40) for s in range(40)}) == 1600


def test_the_format_of_tokens_does_not_change_by_accident(links: Links) -> None:
    """Mails of years ago carry these."""
    assert token_of(links.leave(7, 3)) == "hkrfOEosJmVRVsZMok4fKjRGxxUVABv0v2xFDAaa451"
    assert links.verp(5, 7) == "jha2lcwajuyiihyyjmm343cazizvkwjcriiwuq5eoarbkaa451"
    assert links.message_id(5, 7) == "cf88fb462dd8ac0385e0e6b092a38787"


def test_keys_come_from_a_file_of_our_own(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    Keys.create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    token = Keys.load(path).token(Purpose.LEAVE, b"x")
    path.write_text(secrets.token_hex(32) + "\n" + path.read_text())
    assert Keys.load(path).read(Purpose.LEAVE, token) == b"x"
    with pytest.raises(Misuse, match="cannot be written"):
        Keys.create(path)


# Test names must not differ from run to run, so this key is no random one
GOOD = bytes(range(32)).hex()


@pytest.mark.parametrize("kind", [Keys, AddressKey])
@pytest.mark.parametrize(
    ("text", "mode", "words"),
    [
        (None, 0, "cannot be read"),
        ("", 0o600, "no secret key|exactly one"),
        ("5a" * 15 + "c3" * 16, 0o600, "short"),
        ("00" * 32, 0o600, "example"),
        ("change-me-please", 0o600, "hexadecimal"),
        ("\xff", 0o600, "hexadecimal"),
        (GOOD, 0o640, "others"),
        (GOOD, 0o604, "others"),
    ],
)
def test_keys_that_are_refused(
    tmp_path: Path, kind: type[Keys] | type[AddressKey], text: str | None, mode: int, words: str
) -> None:
    path = tmp_path / "some.key"
    if text is not None:
        path.write_text(text)
        path.chmod(mode)
    with pytest.raises(Misuse, match=words) as caught:
        kind.load(path)
    assert caught.value.exit_code == 2
    assert caught.value.next_step
    if "others" in words:
        assert caught.value.next_step == f"chmod 600 {path}"


def test_an_address_is_known_by_its_keyed_hash(tmp_path: Path) -> None:
    path = tmp_path / "suppression.key"
    AddressKey.create(path)
    key = AddressKey.load(path)
    assert key.of("alice@readers.example") == key.of("Alice@Readers.example")
    assert key.of("alice@readers.example") != key.of("bob@readers.example")
    assert key.of("alice@readers.example") != AddressKey(KEY).of("alice@readers.example")
    assert re.fullmatch(r"[0-9a-f]{64}", key.of("alice@readers.example"))


def test_the_suppression_key_never_rotates(tmp_path: Path) -> None:
    path = tmp_path / "suppression.key"
    AddressKey.create(path)
    path.write_text(path.read_text() * 2)
    with pytest.raises(Misuse, match="exactly one"):
        AddressKey.load(path)
