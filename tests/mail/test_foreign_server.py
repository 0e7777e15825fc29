"""The same session against a server that others wrote: aiosmtpd."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from pydantic import SecretStr

from newsletter.config import Relay
from newsletter.mail.smtp import open_session
from newsletter.values import Fate, Outcome, Phase
from tests.mail.certificates import Authority
from tests.mail.test_message import OLENA, compiled


class Mailbox:
    """Takes everybody but `nobody@…`."""

    def __init__(self) -> None:
        self.contents: list[bytes] = []

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("nobody"):
            return "550 5.1.1 nobody of this name"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        self.contents.append(envelope.content)
        return "250 taken"


class AnyPort(Controller):
    """Listens on a free port; aiosmtpd itself would knock at port 0."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


def authenticate(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any
) -> AuthResult:
    assert isinstance(given, LoginPassword)
    return AuthResult(success=(given.login, given.password) == (b"post", b"sesam"))


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_starttls_sign_in_refusal_and_a_whole_mail(tmp_path: Path, mechanism: str) -> None:
    authority = Authority(tmp_path)
    mailbox = Mailbox()
    controller = AnyPort(
        mailbox,
        hostname="127.0.0.1",
        port=0,
        tls_context=authority.server("127.0.0.1"),
        require_starttls=True,
        authenticator=authenticate,
        auth_required=True,
        auth_exclude_mechanism=["PLAIN" if mechanism == "LOGIN" else "LOGIN"],
    )
    mail = compiled().fill(OLENA)

    async def run(port: int) -> list[Outcome]:
        relay = Relay(
            name="foreign", host="127.0.0.1", port=port, tls="starttls", ca_file=str(authority.ca_file),
            user="post", password=SecretStr("sesam"),
        )  # fmt: skip
        session = await open_session(relay)
        outcomes = [
            await session.send("bounces@harbour.example", address, mail)
            for address in ("nobody@readers.example", OLENA.address)
        ]
        await session.close()
        return outcomes

    controller.start()
    try:
        refused, taken = asyncio.run(run(controller.port))
    finally:
        controller.stop()
    assert (refused.fate, refused.phase) == (Fate.DEAD, Phase.RCPT)
    assert taken.fate is Fate.ACCEPTED
    assert mailbox.contents == [mail]
