"""Keys that are made once, kept for their owner, and refused when they are none."""

from __future__ import annotations

import re
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from newsletter.errors import Misuse
from newsletter.mail.signing_keys import Algorithm, create_key, load_key, strings

PEM = serialization.Encoding.PEM
PKCS8 = serialization.PrivateFormat.PKCS8
OPEN = serialization.NoEncryption()


@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_key_is_its_owners_alone_and_never_written_over(tmp_path: Path, algorithm: Algorithm) -> None:
    file = tmp_path / "key.pem"
    create_key(file, algorithm)
    before = file.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(Misuse, match="File exists"):
        create_key(file, algorithm)
    (tmp_path / "link.pem").symlink_to(tmp_path / "elsewhere.pem")
    with pytest.raises(Misuse, match="cannot be written"):
        create_key(tmp_path / "link.pem", algorithm)
    assert file.read_bytes() == before and not (tmp_path / "elsewhere.pem").exists()


def test_the_record_is_cut_where_dns_must(tmp_path: Path) -> None:
    record = create_key(tmp_path / "rsa.pem", Algorithm.RSA)
    assert re.fullmatch(r"v=DKIM1; k=rsa; p=[A-Za-z0-9+/]+=*", record)
    assert [len(part) for part in strings(record)] == [255, len(record) - 255]
    assert "".join(strings(record)) == record
    (short,) = strings(create_key(tmp_path / "ed25519.pem", Algorithm.ED25519))
    assert re.fullmatch(r"v=DKIM1; k=ed25519; p=[A-Za-z0-9+/]{43}=", short)


@pytest.mark.parametrize("algorithm", Algorithm)
def test_nothing_of_a_key_shows_when_it_is_printed(tmp_path: Path, algorithm: Algorithm) -> None:
    create_key(tmp_path / "key.pem", algorithm)
    assert repr(load_key("news", tmp_path / "key.pem")) == (
        f"SigningKey(selector='news', algorithm={algorithm!r})"
    )


def test_a_key_of_another_program_is_taken(tmp_path: Path) -> None:
    """OpenDKIM's opendkim-genkey writes the older form of PEM."""
    private = rsa.generate_private_key(65_537, 2048)
    old = private.private_bytes(PEM, serialization.PrivateFormat.TraditionalOpenSSL, OPEN)
    assert old.startswith(b"-----BEGIN RSA PRIVATE KEY-----")
    (tmp_path / "old.pem").write_bytes(old)
    assert load_key("old", tmp_path / "old.pem").algorithm is Algorithm.RSA


def locked() -> bytes:
    key = ed25519.Ed25519PrivateKey.generate()
    return key.private_bytes(PEM, PKCS8, serialization.BestAvailableEncryption(b"hunter2"))


def public() -> bytes:
    key = ed25519.Ed25519PrivateKey.generate().public_key()
    return key.public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", "holds no private key in PEM"),
    "garbage": (lambda: b"\x00hunter2\xff", "holds no private key in PEM"),
    "a passphrase": (locked, "without a passphrase"),
    "the public half": (public, "holds no private key in PEM"),
    "another kind": (
        lambda: ec.generate_private_key(ec.SECP256R1()).private_bytes(PEM, PKCS8, OPEN),
        "is neither RSA nor Ed25519",
    ),
    "short": (
        lambda: rsa.generate_private_key(65_537, 1024).private_bytes(PEM, PKCS8, OPEN),  # noqa: S505
        "has 1024 bits, and mailboxes want 2048",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_key_is_refused_with_its_place_and_the_mend(tmp_path: Path, what: str) -> None:
    made, sentence = REFUSED[what]
    (tmp_path / "key.pem").write_bytes(made())
    with pytest.raises(Misuse, match=sentence) as refused:
        load_key("news", tmp_path / "key.pem")
    assert refused.value.sentence.startswith(f"[dkim.keys] news: {tmp_path / 'key.pem'}")
    assert refused.value.next_step == "newsletter dkim new"
    assert "hunter2" not in str(refused.value)


def test_a_key_that_is_missing_or_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match=r"is missing, and no mail goes out unsigned") as refused:
        load_key("news", tmp_path / "key.pem")
    assert "newsletter dkim new" in refused.value.next_step
    with pytest.raises(Misuse, match=r"cannot be read: Is a directory"):
        load_key("news", tmp_path)
