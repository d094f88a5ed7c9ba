"""People, programs, their sign-ins and keys."""

from __future__ import annotations

from alembic import op

from b25.store.access_tables import APPEND_ONLY, access_metadata
from b25.store.append_only import drop_keepers, keepers

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of people, sign-ins and keys."""
    bind = op.get_bind()
    access_metadata.create_all(bind)
    for statement in keepers(bind.dialect.name, APPEND_ONLY):
        bind.exec_driver_sql(statement)


def downgrade() -> None:
    """Drop them."""
    bind = op.get_bind()
    for statement in drop_keepers(bind.dialect.name, APPEND_ONLY):
        bind.exec_driver_sql(statement)
    access_metadata.drop_all(bind)
