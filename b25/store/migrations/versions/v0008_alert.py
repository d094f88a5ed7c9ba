"""Alerts, their deliveries, and what people did about them."""

from __future__ import annotations

from alembic import op

from b25.store.alert_tables import APPEND_ONLY, alert_metadata
from b25.store.append_only import drop_keepers, keepers

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of alerts."""
    bind = op.get_bind()
    alert_metadata.create_all(bind)
    for statement in keepers(bind.dialect.name, APPEND_ONLY):
        bind.exec_driver_sql(statement)


def downgrade() -> None:
    """Drop them."""
    bind = op.get_bind()
    for statement in drop_keepers(bind.dialect.name, APPEND_ONLY):
        bind.exec_driver_sql(statement)
    alert_metadata.drop_all(bind)
