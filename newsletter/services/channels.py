"""How an alert leaves the house: a program of the operator's, a signed post to their webhook, or letters.

A part of telling. No channel may hold us up, read our secrets or be steered by what it is told:
the program's arguments are the configuration's own, and the event is data on its standard input.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import signal
import subprocess
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from newsletter.config import Alerts, is_loopback
from newsletter.config.kinds import host_of
from newsletter.errors import FetchFailed
from newsletter.feeds.posting import post
from newsletter.models import AlertKind
from newsletter.runtime import Runtime
from newsletter.services import lettering
from newsletter.services.lettering import Addressee
from newsletter.store import relays

COMMAND, WEBHOOK, MAIL = "command", "webhook", "mail"
# After these the relay that carried the editions is the last that should carry the news of it
ABOUT_RELAYS = frozenset({AlertKind.STOPPED, AlertKind.BREAKER, AlertKind.DOUBT})
SECONDS = 10.0
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}


def open_channels(runtime: Runtime) -> tuple[str, ...]:
    """The channels that the configuration names. A rehearsal (`--now`) posts to this machine only."""
    alerts = runtime.settings.alerts
    found = [COMMAND] if alerts.command else []
    if alerts.webhook and not (runtime.clock.is_moved and not is_loopback(host_of(alerts.webhook))):
        found.append(WEBHOOK)
    if alerts.mail:
        found.append(MAIL)
    return tuple(found)


def carry(runtime: Runtime, channel: str, told: Mapping[str, Any], now: datetime) -> str:
    """Tell it over the channel, in ten seconds at most; returns what went wrong, or nothing.

    By mail it is told once the letters are asked for: they have attempts of their own.
    """
    if channel not in open_channels(runtime):
        return "it is no longer configured"
    if channel == MAIL:
        return _mail(runtime, told, now)
    body = json.dumps(told, ensure_ascii=False).encode()
    alerts = runtime.settings.alerts
    return _run(alerts.command, body, runtime.home) if channel == COMMAND else _post(alerts, body, now)


def _mail(runtime: Runtime, told: Mapping[str, Any], now: datetime) -> str:
    with runtime.database.writing() as session:
        avoid = relays.carrier(session) if told["event"] in ABOUT_RELAYS else ""
        for address in runtime.settings.alerts.mail:
            key = f"alert/{told['id']}/{hashlib.sha256(address.encode()).hexdigest()[:16]}"
            lettering.alert(session, Addressee(address), key, now, told=told, avoid=avoid)
    return ""


def signature(secret: str, moment: str, body: bytes) -> str:
    """HMAC-SHA256 over the moment, a full stop and the body, as hexadecimal digits."""
    return hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()


def _run(argv: tuple[str, ...], body: bytes, home: Path) -> str:
    try:
        process = subprocess.Popen(  # noqa: S603 - the configuration's own words, and no shell
            argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=home,
            env=ENVIRONMENT, start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        return f"it cannot be run: {error.strerror}"
    try:
        process.communicate(body, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return f"it took longer than {SECONDS:g} seconds and was ended"
    return f"it ended with {process.returncode}" if process.returncode else ""


def _post(alerts: Alerts, body: bytes, now: datetime) -> str:
    moment = str(int(now.timestamp()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "newsletter",
        "Newsletter-Timestamp": moment,
        "Newsletter-Signature": f"v1={signature(alerts.secret.get_secret_value(), moment, body)}",
    }
    try:
        status = post(alerts.webhook, body, headers, SECONDS)
    except FetchFailed as error:
        return error.sentence.rstrip(".")
    return "" if 200 <= status < 300 else f"it answered {status}"
