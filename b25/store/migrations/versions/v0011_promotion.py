"""States of promoted versions: moves, pointers, requests, what ran, and drift."""

from __future__ import annotations

from alembic import op

from b25.store.append_only import drop_keepers, keepers
from b25.store.promotion_tables import APPEND_ONLY, promotion_metadata

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of promoted versions."""
    bind = op.get_bind()
    promotion_metadata.create_all(bind)
    for statement in keepers(bind.dialect.name, APPEND_ONLY):
        bind.exec_driver_sql(statement)


def downgrade() -> None:
    """Drop them."""
    bind = op.get_bind()
    for statement in drop_keepers(bind.dialect.name, APPEND_ONLY):
        bind.exec_driver_sql(statement)
    promotion_metadata.drop_all(bind)
