"""The account and the sessions over time: snapshots, signals, performance."""

from __future__ import annotations

from alembic import op

from b25.store.append_only import drop_keepers, keepers
from b25.store.history_tables import APPEND_ONLY, history_metadata

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of what was over time."""
    bind = op.get_bind()
    history_metadata.create_all(bind)
    for statement in keepers(bind.dialect.name, APPEND_ONLY):
        bind.exec_driver_sql(statement)


def downgrade() -> None:
    """Drop them."""
    bind = op.get_bind()
    for statement in drop_keepers(bind.dialect.name, APPEND_ONLY):
        bind.exec_driver_sql(statement)
    history_metadata.drop_all(bind)
