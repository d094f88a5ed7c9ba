"""Accounts: entries, state and snapshots."""

from __future__ import annotations

from alembic import op

from b25.store.account_tables import account_metadata, append_only

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables and their triggers."""
    bind = op.get_bind()
    account_metadata.create_all(bind)
    for statement in append_only(bind.dialect.name):
        bind.exec_driver_sql(statement)


def downgrade() -> None:
    """Drop them; fills stay."""
    account_metadata.drop_all(op.get_bind())
