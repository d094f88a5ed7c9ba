"""What people wrote about runs, sessions, orders, alerts and reports."""

from __future__ import annotations

from alembic import op

from b25.store.annotation_tables import APPEND_ONLY, annotation_metadata
from b25.store.append_only import drop_keepers, keepers

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of annotations."""
    bind = op.get_bind()
    annotation_metadata.create_all(bind)
    for statement in keepers(bind.dialect.name, APPEND_ONLY):
        bind.exec_driver_sql(statement)


def downgrade() -> None:
    """Drop them."""
    bind = op.get_bind()
    for statement in drop_keepers(bind.dialect.name, APPEND_ONLY):
        bind.exec_driver_sql(statement)
    annotation_metadata.drop_all(bind)
