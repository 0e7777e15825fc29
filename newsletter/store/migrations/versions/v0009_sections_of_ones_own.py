"""Readers choose the sections that they get."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "subscription", sa.Column("sections", sa.Text(), server_default=sa.text("''"), nullable=False)
    )
    op.add_column("subscription", sa.Column("sections_since", UTCDateTime(), nullable=True))
