"""The arithmetic of pace, pure: time is given, and what comes out is a flow and how many mails may go.

A limit lets mails flow in by the second, and a little may gather: so much that workers who look some
times a second lose none of it, and so little that ten seconds hold hardly more than ten seconds' worth.
A flow that was slowed down gets faster again by itself, twice as fast every half minute without another
burst, until it is as it was. That is a function of time alone, so nobody has to write it down.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from math import floor

from newsletter.values import Flow

GATHERS = 0.4  # seconds' worth of mail that may gather while nobody takes any
RECOVERY = timedelta(seconds=30)  # in which a flow that was slowed down doubles
BETWEEN_HALVINGS = timedelta(seconds=10)  # so long the answers to what was sent before still come in
SLOWEST = 1.0  # mails a second, unless the limit itself is lower
MOST_DOUBLINGS = 40
A_HAIR = 1e-6  # by which sums of fractions may miss a whole mail


def new_flow(now: datetime) -> Flow:
    """One mail may go at once."""
    return Flow(level=1.0, at=now)


def speed(flow: Flow | None, limit: float, now: datetime) -> float:
    """Mails a second just now; 0 when nothing holds it back. So is a `limit` of 0."""
    if flow is None or flow.slowed_at is None:
        return limit
    doublings = min(max(0, (now - flow.slowed_at) // RECOVERY), MOST_DOUBLINGS)
    recovered = flow.slowed_to * 2.0**doublings
    return recovered if recovered < (limit or flow.usual) else limit


def take(
    flows: Mapping[str, Flow], limits: Mapping[str, float], wanted: int, now: datetime, *, owed: int = 0
) -> tuple[int, dict[str, Flow]]:
    """How many of `wanted` mails may go now through all `flows` at once, and how these stand then.

    `owed` mails went without asking, and are taken off whatever the level.
    """
    stand = {name: _filled(flow, speed(flow, limits[name], now), now) for name, flow in flows.items()}
    tight = {name: flow for name, flow in stand.items() if speed(flow, limits[name], now)}
    levels = [flow.level - owed for flow in tight.values()]
    granted = max(0, min([wanted, *(floor(level + A_HAIR) for level in levels)]))
    less = granted + owed
    return granted, stand | {name: replace(flow, level=flow.level - less) for name, flow in tight.items()}


def seconds_to_next(flows: Mapping[str, Flow], limits: Mapping[str, float], now: datetime) -> float:
    """Until the next mail may go through all of them."""
    waits = [0.0]
    for name, flow in flows.items():
        per_second = speed(flow, limits[name], now)
        if per_second:
            waits.append((1.0 - _filled(flow, per_second, now).level) / per_second)
    return max(waits)


def slowed(flow: Flow, limit: float, measured: float, now: datetime) -> Flow:
    """Half as fast: than its limit, or as it has recovered so far, or as was `measured` without either.

    A flow that was slowed down a moment ago stays as it is: what is answered now was sent before.
    """
    if flow.slowed_at is not None and now - flow.slowed_at < BETWEEN_HALVINGS:
        return flow
    before = speed(flow, limit, now)
    is_slow = flow.slowed_at is not None and before != limit
    usual = flow.usual if is_slow else limit or measured
    slowest = min(SLOWEST, limit) if limit else SLOWEST
    return replace(
        flow, slowed_to=max(slowest, (before or measured) / 2), usual=usual, slowed_at=now,
        level=min(flow.level, 1.0), at=now,
    )  # fmt: skip


def _filled(flow: Flow, per_second: float, now: datetime) -> Flow:
    """What has flowed in since; a clock that was set back brings nothing, and starts anew from there."""
    passed = max(0.0, (now - flow.at).total_seconds())
    room = max(1.0, per_second * GATHERS)
    return replace(flow, level=min(room, flow.level + passed * per_second), at=now)
