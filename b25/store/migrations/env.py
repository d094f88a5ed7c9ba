"""What Alembic runs: the connection is handed over by `b25.store.schema`."""

from __future__ import annotations

from alembic import context

from b25.store.account_tables import account_metadata
from b25.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=[metadata, account_metadata])
with context.begin_transaction():
    context.run_migrations()
