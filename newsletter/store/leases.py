"""Leases: who alone delivers, who alone serves a SQLite file.

A lease is held by beating. It may be taken over after `SILENCE` without a beat, or at once when its
owner was a process of this very host and is gone. Lease time is machine time: on PostgreSQL the
database's, so that machines with different clocks agree; `--now` never moves it.
"""

from __future__ import annotations

import os
import socket
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func
from sqlmodel import Session, col, select, update

from newsletter.clock import machine_now
from newsletter.models import Lease
from newsletter.store.dialect import insert_for, is_postgresql

SILENCE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Holder:
    """A process as a lease names it: unlike a bare pid, no later process can look like it."""

    owner: str
    host: str
    process: str


def this_process() -> Holder:
    return Holder(uuid.uuid4().hex, _this_host(), f"{os.getpid()} {_started(os.getpid())}")


def acquire(session: Session, name: str, me: Holder) -> Holder | None:
    """Take the lease `name`; returns None when it is mine now, else who holds it."""
    now = _lease_now(session)
    session.execute(
        insert_for(session)(Lease).on_conflict_do_nothing(),
        [{"name": name, "owner": "", "host": "", "process": "", "beat_at": now - SILENCE}],
    )
    held = session.exec(select(Lease).where(Lease.name == name).with_for_update()).one()
    if held.owner not in ("", me.owner) and now - held.beat_at < SILENCE and not _is_gone(held):
        return Holder(held.owner, held.host, held.process)
    held.owner, held.host, held.process, held.beat_at = me.owner, me.host, me.process, now
    session.add(held)
    return None


def holds(session: Session, name: str, me: Holder) -> bool:
    """Whether the lease is mine; nobody takes it over before the transaction ends."""
    mine = select(Lease.name).where(Lease.name == name, Lease.owner == me.owner).with_for_update(read=True)
    return session.exec(mine).first() is not None


def beat(session: Session, name: str, me: Holder) -> bool:
    """Say that I live; False when somebody else has taken the lease meanwhile."""
    result = session.exec(
        update(Lease)
        .where(col(Lease.name) == name, col(Lease.owner) == me.owner)
        .values(beat_at=_lease_now(session))
    )
    return result.rowcount == 1


def release(session: Session, name: str, me: Holder) -> None:
    session.exec(
        update(Lease)
        .where(col(Lease.name) == name, col(Lease.owner) == me.owner)
        .values(owner="", process="")
    )


def living_holder(session: Session, name: str) -> Holder | None:
    """Who holds the lease and has beaten lately, if anybody."""
    held = session.exec(select(Lease).where(Lease.name == name)).first()
    if held is None or not held.owner or _is_gone(held):
        return None
    if _lease_now(session) - held.beat_at >= SILENCE:
        return None
    return Holder(held.owner, held.host, held.process)


def silent_for(session: Session, name: str) -> float:
    """Seconds since the lease's last beat."""
    held = session.exec(select(Lease).where(Lease.name == name)).one()
    return (_lease_now(session) - held.beat_at).total_seconds()


def sign(session: Session, name: str) -> None:
    """Note that this process does `name` just now. Nobody holds it: others may do it as well."""
    me, insert = this_process(), insert_for(session)(Lease)
    row = {
        "name": name,
        "owner": me.owner,
        "host": me.host,
        "process": me.process,
        "beat_at": _lease_now(session),
    }
    latest = {key: insert.excluded[key] for key in row if key != "name"}
    session.execute(insert.on_conflict_do_update(index_elements=["name"], set_=latest), [row])


def last_sign(session: Session, name: str) -> float | None:
    """Seconds since anybody did `name`; None when nobody ever has."""
    held = session.exec(select(Lease).where(Lease.name == name)).first()
    return None if held is None else max(0.0, (_lease_now(session) - held.beat_at).total_seconds())


def _lease_now(session: Session) -> datetime:
    if is_postgresql(session):
        now: datetime = session.execute(select(func.clock_timestamp())).scalar_one()
        return now
    return machine_now()


def _is_gone(held: Lease) -> bool:
    """True only when we can be sure: same boot, same PID namespace, and no such process any more."""
    if not held.process or held.host != _this_host():
        return False
    pid, _, started = held.process.partition(" ")
    return _started(int(pid)) != started


def _this_host() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return socket.gethostname()


def _started(pid: int) -> str:
    """When the process began, in clock ticks since boot; empty when there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return "" if Path("/proc/self").exists() or not _answers(pid) else "unknown"
    fields = stat.rpartition(")")[2].split()
    # A zombie has stopped working, though its parent has not looked yet
    return "" if fields[0] == "Z" else fields[19]


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
