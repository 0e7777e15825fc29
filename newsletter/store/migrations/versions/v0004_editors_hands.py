"""Editors' hands: what they did to an edition's articles, when, and extras that wait to be sent."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _make_touch()
    op.create_table(
        "mark",
        sa.Column("edition_id", sa.Integer(), nullable=False),
        sa.Column("what", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_mark_edition_id")),
        sa.PrimaryKeyConstraint("edition_id", "what", name=op.f("pk_mark")),
    )
    op.add_column(
        "edition", sa.Column("own_subject", sa.String(), server_default=sa.text("''"), nullable=False)
    )
    op.add_column(
        "edition", sa.Column("by_hand", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column("edition", sa.Column("own_due_at", UTCDateTime(), nullable=True))
    op.add_column("edition", sa.Column("approved_rendition_id", sa.Integer(), nullable=True))
    op.add_column(
        "rendition", sa.Column("program", sa.String(), server_default=sa.text("''"), nullable=False)
    )


def _make_touch() -> None:
    op.create_table(
        "touch",
        sa.Column("edition_id", sa.Integer(), nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("dropped", sa.Boolean(), nullable=False),
        sa.Column("placed", sa.String(length=16), nullable=False),
        sa.Column("slot", sa.String(length=16), nullable=False),
        sa.Column("section", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("headline", sa.String(), nullable=False),
        sa.Column("summary", sa.String(), nullable=False),
        sa.CheckConstraint("placed IN ('', 'pinned', 'moved', 're-worded')", name=op.f("ck_touch_placed")),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_touch_article_id")),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_touch_edition_id")),
        sa.PrimaryKeyConstraint("edition_id", "article_id", name=op.f("pk_touch")),
    )
    op.create_index(op.f("ix_touch_article_id"), "touch", ["article_id"], unique=False)
