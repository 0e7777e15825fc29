"""Connecting, securing and signing in: what is not right gets no password and no mail."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from newsletter.config import Relay
from newsletter.mail.smtp import NotOpened, Timeouts, open_session
from newsletter.values import Fate, Outcome, Phase
from tests.mail.certificates import Authority
from tests.mail.hostile import relay_saying
from tests.smtpd import SmtpServer

LETTER = b"Subject: x\r\n\r\nx\r\n"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def send(relay: Relay) -> Outcome:
    async def run() -> Outcome:
        session = await open_session(relay)
        try:
            return await session.send("post@harbour.example", "alice@readers.example", LETTER)
        finally:
            await session.close()

    return asyncio.run(run())


def refused(relay: Relay, timeouts: Timeouts | None = None) -> NotOpened:
    with pytest.raises(NotOpened) as caught:
        asyncio.run(open_session(relay, timeouts=timeouts))
    assert caught.value.exit_code == 5
    return caught.value


def relay_of(server: SmtpServer, authority: Authority, **settings: Any) -> Relay:
    return Relay(name="house", host="127.0.0.1", port=server.port, ca_file=str(authority.ca_file), **settings)


@pytest.mark.parametrize("tls", ["implicit", "starttls", "opportunistic"])
def test_encrypted_with_a_verified_name(authority: Authority, tls: Any) -> None:
    context = authority.server("127.0.0.1")
    implicit = tls == "implicit"
    with SmtpServer(
        certificate=context, implicit_tls=implicit, starttls="none" if implicit else "good"
    ) as server:
        outcome = send(relay_of(server, authority, tls=tls))
    assert outcome.fate is Fate.ACCEPTED
    assert server.count("EHLO") == (1 if implicit else 2)  # RFC 3207: what was said before does not count
    assert server.mails[0].content == LETTER


@pytest.mark.parametrize("tls", ["implicit", "starttls", "opportunistic"])
@pytest.mark.parametrize("fault", ["wrong name", "expired", "unknown authority"])
def test_a_certificate_that_proves_nothing(
    authority: Authority, tmp_path: Path, tls: Any, fault: str
) -> None:
    context = authority.server(
        "elsewhere.test" if fault == "wrong name" else "127.0.0.1", expired=fault == "expired"
    )
    trusted = Authority(tmp_path) if fault == "unknown authority" else authority
    implicit = tls == "implicit"
    with SmtpServer(
        certificate=context, implicit_tls=implicit, starttls="none" if implicit else "good", user="me"
    ) as server:
        error = refused(relay_of(server, trusted, tls=tls, user="me", password=SecretStr("secret")))
    assert error.outcome.phase is (Phase.CONNECT if implicit else Phase.STARTTLS)
    assert "certificate verify failed" in str(error)
    assert server.count("AUTH") == server.count("MAIL") == 0


@pytest.mark.parametrize(
    ("starttls", "fate", "words"),
    [
        ("none", Fate.LOST, "does not offer STARTTLS"),
        ("busy", Fate.BUSY, "454 4.7.0 TLS not available"),
        ("stuffed", Fate.LOST, "out of turn"),
        ("half-stuffed", Fate.LOST, "out of turn"),
    ],
)
def test_starttls_stripped_refused_or_stuffed(
    authority: Authority, starttls: Any, fate: Fate, words: str
) -> None:
    with SmtpServer(certificate=authority.server("127.0.0.1"), starttls=starttls, user="me") as server:
        error = refused(relay_of(server, authority, tls="starttls", user="me", password=SecretStr("secret")))
    assert (error.outcome.phase, error.outcome.fate) == (Phase.STARTTLS, fate)
    assert words in str(error)
    assert str(server.port) in str(error)
    assert server.count("AUTH") == server.count("MAIL") == 0


def test_opportunistic_goes_without_where_nothing_is_offered(authority: Authority) -> None:
    with SmtpServer() as server:
        assert send(relay_of(server, authority, tls="opportunistic")).fate is Fate.ACCEPTED


@pytest.mark.parametrize("host", ["mail.example.org", "192.0.2.1", "127.0.0.1.example.org", "0.0.0.0"])  # noqa: S104
def test_without_encryption_only_to_this_machine(host: str) -> None:
    error = refused(Relay(name="far", host=host, port=25, tls="none"))
    assert error.outcome.phase is Phase.CONNECT
    assert "loopback" in str(error)


@pytest.mark.parametrize("mechanisms", [b"PLAIN LOGIN", b"LOGIN", b"CRAM-MD5 PLAIN"])
def test_signing_in(authority: Authority, mechanisms: bytes) -> None:
    settings = {"user": "post", "password": "sesam öffne dich", "mechanisms": mechanisms}
    with SmtpServer(certificate=authority.server("127.0.0.1"), implicit_tls=True, **settings) as server:
        right = relay_of(server, authority, user="post", password=SecretStr("sesam öffne dich"))
        assert send(right).fate is Fate.ACCEPTED
        error = refused(relay_of(server, authority, user="post", password=SecretStr("guess")))
    assert (error.outcome.fate, error.outcome.phase, error.outcome.code) == (Fate.STOP, Phase.AUTH, 535)
    assert "guess" not in str(error)
    assert server.count("MAIL") == 1


def test_no_password_over_a_way_of_signing_in_that_we_do_not_know(authority: Authority) -> None:
    with SmtpServer(user="post", mechanisms=b"CRAM-MD5") as server:
        error = refused(relay_of(server, authority, tls="none", user="post", password=SecretStr("x")))
    assert (error.outcome.phase, error.outcome.fate) == (Phase.AUTH, Fate.LOST)


def test_a_password_never_travels_unencrypted_to_another_machine(authority: Authority) -> None:
    """127.1 leads to this very machine, but it is not written as a loopback address."""
    with SmtpServer(user="post", password="x") as server:
        relay = relay_of(server, authority, tls="opportunistic", user="post", password=SecretStr("x"))
        error = refused(relay.model_copy(update={"host": "127.1"}))
    assert error.outcome.phase is Phase.AUTH
    assert "not encrypted" in str(error)
    assert server.count("AUTH") == 0


@pytest.mark.parametrize(
    ("greeting", "fate"), [(b"554 5.3.2 go away", Fate.STOP), (b"421 4.3.2 not now", Fate.BUSY)]
)
def test_a_greeting_that_refuses(authority: Authority, greeting: bytes, fate: Fate) -> None:
    with SmtpServer(greeting=greeting) as server:
        error = refused(relay_of(server, authority, tls="none"))
    assert (error.outcome.phase, error.outcome.fate) == (Phase.GREETING, fate)
    assert greeting.decode() in str(error)


@pytest.mark.parametrize(
    ("answers", "phase"),
    [
        ((b"220 hi\r\n",), Phase.EHLO),
        ((b"220 hi\r\n", b"250-hi\r\n250 STARTTLS\r\n"), Phase.STARTTLS),
        ((b"220 hi\r\n", b"250-hi\r\n250 AUTH PLAIN\r\n"), Phase.AUTH),
        ((b"220 hi\r\n", b"250-hi\r\n250 AUTH LOGIN\r\n", b"334 \r\n"), Phase.AUTH),
    ],
    ids=["to EHLO", "to STARTTLS", "to AUTH PLAIN", "in the middle of AUTH LOGIN"],
)
def test_a_goodbye_at_any_step(answers: tuple[bytes, ...], phase: Phase) -> None:
    """RFC 5321 §3.8: a 421 may come to every command. It is about the moment, and nobody's mail."""
    tls = "starttls" if phase is Phase.STARTTLS else "none"

    async def run() -> NotOpened:
        async with relay_saying(*answers, b"421 4.3.2 going down\r\n") as heard:
            known = {"tls": tls, "user": "post", "password": SecretStr("x")}
            with pytest.raises(NotOpened) as caught:
                await open_session(heard.relay.model_copy(update=known))
            return caught.value

    outcome = asyncio.run(run()).outcome
    assert (outcome.phase, outcome.fate, outcome.reply) == (phase, Fate.BUSY, "421 4.3.2 going down")


def test_nobody_there(authority: Authority) -> None:
    with SmtpServer() as server:
        relay = relay_of(server, authority, tls="none")
    error = refused(relay)
    assert (error.outcome.phase, error.outcome.fate) == (Phase.CONNECT, Fate.LOST)
    assert f"The relay house (127.0.0.1:{relay.port}) gives no session at connect" in str(error)


def test_a_server_that_never_shakes_hands(authority: Authority) -> None:
    with SmtpServer() as server:
        error = refused(relay_of(server, authority), Timeouts(connect=0.2))
    assert error.outcome.phase is Phase.CONNECT


@pytest.mark.parametrize("poison", ["\r\nMAIL FROM:<x@y.example>", "a b", "\n", "\0", "\x85", "\u2028", "x>"])
def test_a_helo_name_that_is_none(authority: Authority, poison: str) -> None:
    with SmtpServer() as server:
        relay = relay_of(server, authority, tls="none").model_copy(update={"helo": f"post{poison}.example"})
        error = refused(relay)
        good = relay.model_copy(update={"helo": "mail.harbour.example"})
        assert send(good).fate is Fate.ACCEPTED
    assert error.outcome.phase is Phase.EHLO
    assert server.count("EHLO") == 1
    assert server.commands[1][0] == "EHLO mail.harbour.example"


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_a_ca_file_that_is_missing_is_named(authority: Authority, tmp_path: Path, tls: Any) -> None:
    with SmtpServer(certificate=authority.server("127.0.0.1"), starttls="good") as server:
        relay = relay_of(server, authority, tls=tls)
        error = refused(relay.model_copy(update={"ca_file": str(tmp_path / "gone.pem")}))
    assert "gone.pem" in str(error)
