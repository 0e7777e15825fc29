"""What readers find on the web: editions by their words, and what was corrected since they went out.

Each store has a search index of its own kind over `rendition.words`. SQLite's is kept by triggers on
the table: a later migration that makes `rendition` anew there must make them anew too.
"""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

from newsletter.store.words import searchable

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("edition", sa.Column("own_intro", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column("edition", sa.Column("corrects_id", sa.Integer(), nullable=True))
    op.add_column("edition", sa.Column("corrected_rendition_id", sa.Integer(), nullable=True))
    op.add_column("rendition", sa.Column("words", sa.Text(), server_default=sa.text("''"), nullable=False))
    _make_correction()
    _index_words()
    _fill_words()


def _make_correction() -> None:
    op.create_table(
        "correction",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("edition_id", sa.Integer(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=True),
        sa.Column("headline", sa.String(), nullable=False),
        sa.Column("summary", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_correction_article_id")),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_correction_edition_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_correction")),
    )
    op.create_index(op.f("ix_correction_edition_id"), "correction", ["edition_id"], unique=False)


def _index_words() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE INDEX ix_rendition_words ON rendition USING gin (to_tsvector('simple'::regconfig, words))"
        )
        return
    op.execute(
        "CREATE VIRTUAL TABLE rendition_words USING fts5(words, content='rendition', content_rowid='id',"
        " tokenize='unicode61 remove_diacritics 0', prefix='2 3 4')"
    )
    op.execute(
        "CREATE TRIGGER rendition_words_in AFTER INSERT ON rendition BEGIN"
        " INSERT INTO rendition_words (rowid, words) VALUES (new.id, new.words); END"
    )
    op.execute(
        "CREATE TRIGGER rendition_words_out AFTER DELETE ON rendition BEGIN"
        " INSERT INTO rendition_words (rendition_words, rowid, words)"
        " VALUES ('delete', old.id, old.words); END"
    )
    op.execute(
        "CREATE TRIGGER rendition_words_anew AFTER UPDATE OF words ON rendition BEGIN"
        " INSERT INTO rendition_words (rendition_words, rowid, words)"
        " VALUES ('delete', old.id, old.words);"
        " INSERT INTO rendition_words (rowid, words) VALUES (new.id, new.words); END"
    )
    op.execute("INSERT INTO rendition_words (rendition_words) VALUES ('rebuild')")


def _fill_words() -> None:
    """Editions that went out before can be found by their subject and their entries."""
    store = op.get_bind()
    told: dict[int, list[str]] = {}
    rows = store.execute(
        sa.text(
            "SELECT r.id, r.subject, e.section, e.headline, a.title, e.summary, a.summary"
            " FROM rendition r JOIN entry e ON e.edition_id = r.edition_id"
            " JOIN article a ON a.id = e.article_id ORDER BY r.id, e.position"
        )
    )
    for number, subject, section, headline, title, own, summary in rows:
        told.setdefault(number, [subject]).extend((section, headline or title, own or summary))
    for number, words in told.items():
        store.execute(
            sa.text("UPDATE rendition SET words = :words WHERE id = :id"),
            {"id": number, "words": searchable(words)},
        )
