"""Articles are known by one key in all forms of their address, and feeds that fail wait."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

from newsletter.store.identity import identity

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("feed", sa.Column("retry_at", UTCDateTime(), nullable=True))
    for name in ("identity", "by_hand", "date_note"):
        op.add_column("article", sa.Column(name, sa.String(), server_default=sa.text("''"), nullable=False))
    op.add_column("article", sa.Column("renewed_at", UTCDateTime(), nullable=True))
    _identify()
    op.create_index(op.f("ix_article_identity"), "article", ["identity"], unique=True)


def _identify() -> None:
    """Of two old articles that are one the first keeps the key; the other stays as it is, under its address."""
    article = sa.table("article", sa.column("id", sa.Integer), sa.column("url"), sa.column("identity"))
    connection = op.get_bind()
    taken: set[str] = set()
    for number, url in connection.execute(
        sa.select(article.c.id, article.c.url).order_by(article.c.id)
    ).all():
        key = identity(url)
        key = url if key in taken else key
        taken.add(key)
        connection.execute(sa.update(article).where(article.c.id == number).values(identity=key))
