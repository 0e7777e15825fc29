"""What was told to whom it concerns, how many people there are, and since when a feed fails."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alert",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("what", sa.String(length=16), nullable=False),
        sa.Column("what_id", sa.Integer(), nullable=False),
        sa.Column("mark", sa.String(length=32), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_at", UTCDateTime(), nullable=False),
        sa.Column("trouble", sa.String(), nullable=False),
        sa.CheckConstraint("state IN ('waiting', 'told', 'failed')", name=op.f("ck_alert_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
        sa.UniqueConstraint(
            "kind",
            "what",
            "what_id",
            "mark",
            "channel",
            name=op.f("uq_alert_kind_what_what_id_mark_channel"),
        ),
    )
    op.create_index("ix_alert_waiting", "alert", ["state", "next_at"], unique=False)
    op.create_table(
        "headcount",
        sa.Column("newsletter_id", sa.Integer(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["newsletter_id"], ["newsletter.id"], name=op.f("fk_headcount_newsletter_id")
        ),
        sa.PrimaryKeyConstraint("newsletter_id", name=op.f("pk_headcount")),
    )
    op.add_column("feed", sa.Column("failing_since", UTCDateTime(), nullable=True))
    op.create_index(
        "ix_batch_in_doubt",
        "batch",
        ["edition_id"],
        sqlite_where=sa.text("unknown > 0"),
        postgresql_where=sa.text("unknown > 0"),
    )
