"""A list of people on its way in: laid down in tables of this transaction's own, then taken in at once.

Laying down touches no table of the store, so a long file keeps nobody from writing. Taking in is a handful
of statements over everything that was laid down: they judge each place, note what became of it, and write.
A suppressed address is not written, an ended subscription stays ended, and what is known stays as it is
unless the caller asks for it to be brought up to date; consent is never touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import JSON, Column, Integer, MetaData, String, Table, Text, TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Session
from sqlmodel.sql.sqltypes import UTCDateTime

from newsletter.store.dialect import is_postgresql
from newsletter.store.postgresql import copy_in


class Arrival(NamedTuple):
    """A person who is to get a newsletter, as line `line` of a file says; empty is what it does not say.

    `attributes` is a JSON object, `sections` what the store keeps of their names.
    """

    line: int
    newsletter: str
    address: str
    address_key: str
    lane: str
    name: str
    zone: str
    cadence: str
    state: str
    consent_text: str
    consent_source: str
    consent_at: datetime | None
    attributes: str
    sections: str


class Became(NamedTuple):
    """What became of the lines, each counted once; `updated` are known people of whom something changed."""

    new: int
    known: int
    repeated: int
    suppressed: int
    updated: int


_OWN: Any = MetaData()
_ARRIVAL = Table(
    "arrival", _OWN,
    Column("line", Integer), Column("newsletter", String(64)), Column("address", String(320)),
    Column("address_key", String(64)), Column("lane", String(32)), Column("name", String(200)),
    Column("zone", String(64)), Column("cadence", String(16)), Column("state", String(16)),
    Column("consent_text", Text), Column("consent_source", Text), Column("consent_at", UTCDateTime()),
    Column("attributes", JSON().with_variant(JSONB(), "postgresql")), Column("sections", Text),
    prefixes=["TEMPORARY"],
)  # fmt: skip
_JUDGED = Table(
    "judged", _OWN,
    Column("line", Integer), Column("newsletter_id", Integer), Column("subscriber_id", Integer),
    Column("verdict", Integer), Column("nth_person", Integer),
    *(Column(column.name, column.type) for column in list(_ARRIVAL.columns)[2:]),
    prefixes=["TEMPORARY"],
)  # fmt: skip
# The verdicts, as the statements below write them; that on a line with several places is the highest
_REPEATED, _KNOWN, _NEW, _SUPPRESSED = 1, 2, 3, 4


def begin(session: Session) -> None:
    """Make room for arrivals; it is gone when the transaction ends."""
    _OWN.create_all(session.connection(), checkfirst=False)


def lay_down(session: Session, people: Sequence[Arrival]) -> None:
    if not people:
        return
    if is_postgresql(session):
        copy_in(session, "COPY arrival FROM STDIN", people)
        return
    instant = "{:%Y-%m-%d %H:%M:%S.%f}".format  # as the store keeps instants
    session.connection().exec_driver_sql(
        "INSERT INTO arrival VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(*person[:11], person.consent_at and instant(person.consent_at), *person[12:]) for person in people],
    )


def take_in(session: Session, now: datetime, *, update: bool) -> tuple[Became, dict[int, int]]:
    """Write everything that was laid down; tells what became of it, and newsletter → new places."""
    session.execute(_JUDGE)
    if is_postgresql(session):
        session.execute(text("ANALYZE judged"))
    counts = _pairs(session, _COUNT)
    places = _pairs(session, _COUNT_PLACES)
    updated = _bring_up_to_date(session) if update else 0
    session.execute(_WRITE_PEOPLE, {"now": now})
    session.execute(_WRITE_PLACES, {"now": now})
    became = Became(
        counts.get(_NEW, 0), counts.get(_KNOWN, 0), counts.get(_REPEATED, 0), counts.get(_SUPPRESSED, 0),
        updated,
    )  # fmt: skip
    return became, places


def end(session: Session) -> None:
    _OWN.drop_all(session.connection(), checkfirst=False)


def _pairs(session: Session, query: TextClause) -> dict[int, int]:
    return {row[0]: row[1] for row in session.execute(query)}


def _bring_up_to_date(session: Session) -> int:
    """Write what the file says of known people; returns how many of them changed."""
    merge = _MERGE_POSTGRESQL if is_postgresql(session) else _MERGE_SQLITE
    changed = set(session.execute(merge).scalars())
    changed |= set(session.execute(_UPDATE_PLACES).scalars())
    return len(changed)


# min(id + 0): of min(id) alone PostgreSQL believes that walking all ids in order would be quick
_JUDGE = text(
    "INSERT INTO judged (line, newsletter_id, subscriber_id, verdict, nth_person, address, address_key,"
    " lane, name, zone, cadence, state, consent_text, consent_source, consent_at, attributes,"
    " sections)"
    " SELECT a.line, a.newsletter_id, a.subscriber_id,"
    "  CASE WHEN EXISTS (SELECT 1 FROM suppression x WHERE x.address_key = a.address_key) THEN 4"
    "   WHEN a.nth > 1 THEN 1"
    "   WHEN EXISTS (SELECT 1 FROM subscription p WHERE p.subscriber_id = a.subscriber_id"
    "    AND p.newsletter_id = a.newsletter_id) THEN 2"
    "   ELSE 3 END,"
    "  a.nth_person, a.address, a.address_key, a.lane, a.name, a.zone, a.cadence, a.state,"
    "  a.consent_text, a.consent_source, a.consent_at, a.attributes, a.sections"
    " FROM (SELECT arrival.*, n.id AS newsletter_id,"
    "  (SELECT min(s.id + 0) FROM subscriber s"
    "   WHERE s.address_key = arrival.address_key AND s.address IS NOT NULL) AS subscriber_id,"
    "  row_number() OVER (PARTITION BY arrival.address_key, arrival.newsletter ORDER BY arrival.line) AS nth,"
    "  row_number() OVER (PARTITION BY arrival.address_key ORDER BY arrival.line, arrival.newsletter)"
    "   AS nth_person"
    "  FROM arrival JOIN newsletter n ON n.slug = arrival.newsletter) a"
)
_COUNT = text(
    "SELECT verdict, count(*) FROM (SELECT max(verdict) AS verdict FROM judged GROUP BY line) l"
    " GROUP BY verdict"
)
_COUNT_PLACES = text(
    "SELECT newsletter_id, sum(CASE WHEN verdict = 3 THEN 1 ELSE 0 END) FROM judged GROUP BY newsletter_id"
)
# In one order everywhere: two imports at once then wait for each other instead of deadlocking
_WRITE_PEOPLE = text(
    "INSERT INTO subscriber (address, address_key, lane, name, attributes, created_at)"
    " SELECT j.address, j.address_key, j.lane, j.name, j.attributes, :now FROM judged j"
    " WHERE j.subscriber_id IS NULL AND j.nth_person = 1 AND j.verdict = 3"
    " ORDER BY j.address ON CONFLICT (address) DO NOTHING"
).bindparams(bindparam("now", type_=UTCDateTime()))
_WRITE_PLACES = text(
    "INSERT INTO subscription (subscriber_id, newsletter_id, state, cadence, zone, active_since, ended_at,"
    " consent_text, consent_source, consent_at, sections, sections_since)"
    " SELECT j.id, j.newsletter_id, j.state,"
    "  CASE WHEN j.cadence = '' THEN 'daily' ELSE j.cadence END, j.zone,"
    "  CASE WHEN j.state = 'active' THEN :now END, CASE WHEN j.state = 'ended' THEN :now END,"
    "  j.consent_text, j.consent_source, j.consent_at,"
    "  j.sections, CASE WHEN j.sections <> '' THEN :now END"
    " FROM (SELECT judged.*, (SELECT min(s.id + 0) FROM subscriber s"
    "   WHERE s.address_key = judged.address_key AND s.address IS NOT NULL) AS id"
    "  FROM judged WHERE verdict = 3) j"
    " WHERE j.id IS NOT NULL"
    " ORDER BY j.id, j.newsletter_id ON CONFLICT (subscriber_id, newsletter_id) DO NOTHING"
).bindparams(bindparam("now", type_=UTCDateTime()))
_MERGE_SQLITE = text(
    "UPDATE subscriber SET name = CASE WHEN j.name = '' THEN subscriber.name ELSE j.name END,"
    " attributes = json_patch(subscriber.attributes, j.attributes)"
    " FROM judged AS j WHERE j.subscriber_id = subscriber.id AND j.nth_person = 1 AND j.verdict < 4"
    " AND ((j.name <> '' AND j.name <> subscriber.name)"
    "  OR json_patch(subscriber.attributes, j.attributes) <> json(subscriber.attributes))"
    " RETURNING subscriber.id"
)
_MERGE_POSTGRESQL = text(
    "UPDATE subscriber SET name = CASE WHEN j.name = '' THEN subscriber.name ELSE j.name END,"
    " attributes = subscriber.attributes || j.attributes"
    " FROM judged AS j WHERE j.subscriber_id = subscriber.id AND j.nth_person = 1 AND j.verdict < 4"
    " AND ((j.name <> '' AND j.name <> subscriber.name)"
    "  OR subscriber.attributes || j.attributes <> subscriber.attributes)"
    " RETURNING subscriber.id"
)
_UPDATE_PLACES = text(
    "UPDATE subscription SET cadence = CASE WHEN j.cadence = '' THEN subscription.cadence ELSE j.cadence END,"
    " zone = CASE WHEN j.zone = '' THEN subscription.zone ELSE j.zone END"
    " FROM judged AS j WHERE j.subscriber_id = subscription.subscriber_id"
    " AND j.newsletter_id = subscription.newsletter_id AND j.verdict = 2"
    " AND subscription.state <> 'ended'"
    " AND ((j.cadence <> '' AND j.cadence <> subscription.cadence)"
    "  OR (j.zone <> '' AND j.zone <> subscription.zone))"
    " RETURNING subscription.subscriber_id"
)
