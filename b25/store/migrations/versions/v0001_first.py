"""The first schema."""

from __future__ import annotations

from alembic import op

from b25.store.tables import append_only, metadata

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table and the triggers that keep the append-only ones."""
    bind = op.get_bind()
    metadata.create_all(bind)
    for statement in append_only(bind.dialect.name):
        bind.exec_driver_sql(statement)


def downgrade() -> None:
    """Drop everything; only for a store without history."""
    bind = op.get_bind()
    metadata.drop_all(bind)
    if bind.dialect.name == "postgresql":
        bind.exec_driver_sql("DROP FUNCTION b25_append_only()")
