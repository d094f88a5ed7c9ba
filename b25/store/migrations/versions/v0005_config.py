"""Configuration: keys, immutable versions, schedules, approvals."""

from __future__ import annotations

from alembic import op

from b25.store.append_only import drop_keepers, keepers
from b25.store.config_tables import APPEND_ONLY, config_metadata

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of the configuration."""
    bind = op.get_bind()
    config_metadata.create_all(bind)
    for statement in keepers(bind.dialect.name, APPEND_ONLY):
        bind.exec_driver_sql(statement)


def downgrade() -> None:
    """Drop them."""
    bind = op.get_bind()
    for statement in drop_keepers(bind.dialect.name, APPEND_ONLY):
        bind.exec_driver_sql(statement)
    config_metadata.drop_all(bind)
