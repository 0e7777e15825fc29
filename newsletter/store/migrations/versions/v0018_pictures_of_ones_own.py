"""An editor's own picture of an entry, and what stood at the source when they gave words of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

COLUMNS = {
    "entry": ("picture", "picture_alt"),
    "touch": ("picture", "picture_alt", "came_headline", "came_summary"),
}


def upgrade() -> None:
    for table, columns in COLUMNS.items():
        for name in columns:
            op.add_column(table, sa.Column(name, sa.String(), server_default="", nullable=False))
