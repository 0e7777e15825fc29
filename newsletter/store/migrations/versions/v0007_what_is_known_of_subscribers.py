"""Subscribers have attributes, and their places a time zone."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    attributes = sa.JSON().with_variant(JSONB(), "postgresql")
    op.add_column(
        "subscriber",
        sa.Column("attributes", attributes, server_default=sa.text("'{}'"), nullable=False),
    )
    op.add_column(
        "subscription", sa.Column("zone", sa.String(length=64), server_default=sa.text("''"), nullable=False)
    )
