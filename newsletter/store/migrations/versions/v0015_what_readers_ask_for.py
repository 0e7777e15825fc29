"""Links that are mailed and work once; what a place's proof of consent holds besides; the sign-up's breaker."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mailed_link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("nonce", sa.String(length=32), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("address_key", sa.String(length=64), nullable=False),
        sa.Column("mailbox_key", sa.String(length=64), nullable=False),
        sa.Column("domain", sa.String(length=255), nullable=False),
        sa.Column("network", sa.String(length=64), nullable=False),
        sa.Column(
            "newsletters",
            sa.JSON().with_variant(JSONB(), "postgresql"),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
        sa.Column("subscriber_id", sa.Integer(), nullable=True),
        sa.Column("consent_text", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("browser", sa.String(length=64), nullable=False),
        sa.Column("asked_at", UTCDateTime(), nullable=False),
        sa.Column("expires_at", UTCDateTime(), nullable=False),
        sa.Column("used_at", UTCDateTime(), nullable=True),
        sa.CheckConstraint(
            "purpose IN ('confirm', 'own data', 'new address')", name=op.f("ck_mailed_link_purpose")
        ),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscriber.id"], name=op.f("fk_mailed_link_subscriber_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailed_link")),
    )
    op.create_index("ix_mailed_link_mailbox", "mailed_link", ["mailbox_key", "asked_at"], unique=False)
    for column in ("address_key", "asked_at", "subscriber_id"):
        op.create_index(op.f(f"ix_mailed_link_{column}"), "mailed_link", [column], unique=False)
    op.add_column(
        "subscription",
        sa.Column("consent_network", sa.String(length=64), server_default=sa.text("''"), nullable=False),
    )
    op.add_column("subscription", sa.Column("confirmed_at", UTCDateTime(), nullable=True))
    control = sa.table("control", sa.column("name"), sa.column("value"), sa.column("who"))
    op.bulk_insert(control, [{"name": "sign-up", "value": "", "who": ""}])
