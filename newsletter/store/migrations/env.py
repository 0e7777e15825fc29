"""Alembic's entry: runs on the connection that `store.schema` hands over, one set for both stores."""

from alembic import context

from newsletter.models import Table

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Table.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
