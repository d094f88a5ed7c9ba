"""Events of the platform, counted once, and what they add up to."""

from __future__ import annotations

from alembic import op

from b25.store.analytics_tables import APPEND_ONLY, analytics_metadata
from b25.store.append_only import drop_keepers, keepers

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of events and aggregates."""
    bind = op.get_bind()
    analytics_metadata.create_all(bind)
    for statement in keepers(bind.dialect.name, APPEND_ONLY):
        bind.exec_driver_sql(statement)


def downgrade() -> None:
    """Drop them."""
    bind = op.get_bind()
    for statement in drop_keepers(bind.dialect.name, APPEND_ONLY):
        bind.exec_driver_sql(statement)
    analytics_metadata.drop_all(bind)
