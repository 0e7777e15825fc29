"""How fast mail may go, as all workers share it; and a ledger that a million rows are quickly written to.

A delivery is written once for every reader of every edition. What it refers to is there whenever one is
written, and never goes away; so nothing is looked up again for each row (which on PostgreSQL also locks
every subscriber), and one index fewer is kept: the unique one finds a person's, edition by edition.
"""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rate",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("level", sa.Float(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("slowed_to", sa.Float(), nullable=False),
        sa.Column("usual", sa.Float(), nullable=False),
        sa.Column("slowed_at", UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_rate")),
    )
    op.drop_index("ix_delivery_subscriber_id", table_name="delivery")
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("fk_delivery_edition_id", "delivery", type_="foreignkey")
        op.drop_constraint("fk_delivery_subscriber_id", "delivery", type_="foreignkey")
    else:
        _write_anew()


def _write_anew() -> None:
    """SQLite drops no constraint; and a table without row numbers is one tree fewer to write to."""
    op.rename_table("delivery", "delivery_before")
    op.create_table(
        "delivery",
        sa.Column("edition_id", sa.Integer(), nullable=False),
        sa.Column("batch_no", sa.Integer(), nullable=False),
        sa.Column("pos", sa.Integer(), nullable=False),
        sa.Column("subscriber_id", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("fate", sa.String(length=16), nullable=False),
        sa.Column("next_at", UTCDateTime(), nullable=True),
        sa.Column("settled_at", UTCDateTime(), nullable=True),
        sa.Column("relay", sa.String(length=64), nullable=False),
        sa.Column("reply", sa.String(), nullable=False),
        sa.CheckConstraint(
            "state IN ('queued', 'sent', 'deferred', 'failed', 'unknown', 'expired', 'cancelled')",
            name=op.f("ck_delivery_state"),
        ),
        sa.PrimaryKeyConstraint("edition_id", "batch_no", "pos", name=op.f("pk_delivery")),
        sa.UniqueConstraint("edition_id", "subscriber_id", name=op.f("uq_delivery_edition_id_subscriber_id")),
        sqlite_with_rowid=False,
    )
    op.execute("INSERT INTO delivery SELECT * FROM delivery_before ORDER BY edition_id, batch_no, pos")
    op.drop_table("delivery_before")
