"""Renditions: an edition as it was rendered, kept whole, so that what was approved is what is sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import version
from typing import Any

from sqlmodel import Session, select

from newsletter.models import Edition, Rendition
from newsletter.store.words import searchable
from newsletter.values import Body, Span
from newsletter.values import Rendition as RenditionValue

PROGRAM = version("newsletter")


def save(session: Session, edition: Edition, rendition: RenditionValue, now: datetime) -> int:
    row = Rendition(
        edition_id=edition.id or 0, edition_version=edition.version, theme=rendition.theme,
        hash=rendition.hash, subject=rendition.subject, preheader=rendition.preheader,
        body=_pack(rendition), created_at=now, program=PROGRAM, words=searchable(rendition.words),
    )  # fmt: skip
    session.add(row)
    session.flush()
    if row.id is None:
        raise RuntimeError("the store gave the rendition no id")
    return row.id


def hash_of(session: Session, rendition_id: int) -> str:
    return session.exec(select(Rendition.hash).where(Rendition.id == rendition_id)).one()


def words_of(session: Session, rendition_id: int) -> str:
    """What it can be found by: its words as they are searched."""
    return session.exec(select(Rendition.words).where(Rendition.id == rendition_id)).one()


def read(session: Session, rendition_id: int) -> RenditionValue:
    row = session.exec(select(Rendition).where(Rendition.id == rendition_id)).one()
    parts = json.loads(row.body)
    return RenditionValue(
        subject=row.subject, preheader=row.preheader, theme=row.theme, hash=row.hash,
        html=_unpack(parts["html"]), text=_unpack(parts["text"]),
    )  # fmt: skip


def _pack(rendition: RenditionValue) -> bytes:
    # Quoted-printable is ASCII, so the segments travel as plain JSON strings
    parts = {
        name: {
            "literals": [part.decode("ascii") for part in body.literals],
            "holes": body.holes,
            "spans": [(span.section, span.first, span.end) for span in body.spans],
        }
        for name, body in (("html", rendition.html), ("text", rendition.text))
    }
    return json.dumps(parts).encode("ascii")


def _unpack(part: Mapping[str, Any]) -> Body:
    spans = tuple(Span(*span) for span in part.get("spans", ()))  # an old rendition has none
    return Body(tuple(text.encode("ascii") for text in part["literals"]), tuple(part["holes"]), spans)
