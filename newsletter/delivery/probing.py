"""Trying a relay without a message: connect, greet, secure, sign in, say goodbye."""

from __future__ import annotations

from newsletter.config import Relay
from newsletter.mail.smtp import NotOpened, Timeouts, open_session

# Whoever asks wants to know soon; a send itself is more patient
PATIENCE = Timeouts(connect=5, greeting=10, command=10, quit=2)


async def probe(relay: Relay) -> NotOpened | None:
    """What keeps the relay from being used; None when it would take mail now."""
    try:
        session = await open_session(relay, timeouts=PATIENCE)
    except NotOpened as trouble:
        return trouble
    await session.close()
    return None
