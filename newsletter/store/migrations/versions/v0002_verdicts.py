"""What editors decided of two articles: one story, or two."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "verdict",
        sa.Column("one_id", sa.Integer(), nullable=False),
        sa.Column("other_id", sa.Integer(), nullable=False),
        sa.Column("same", sa.Boolean(), nullable=False),
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.CheckConstraint("one_id < other_id", name=op.f("ck_verdict_order")),
        sa.ForeignKeyConstraint(["one_id"], ["article.id"], name=op.f("fk_verdict_one_id")),
        sa.ForeignKeyConstraint(["other_id"], ["article.id"], name=op.f("fk_verdict_other_id")),
        sa.PrimaryKeyConstraint("one_id", "other_id", name=op.f("pk_verdict")),
    )
    op.create_index(op.f("ix_verdict_other_id"), "verdict", ["other_id"], unique=False)
