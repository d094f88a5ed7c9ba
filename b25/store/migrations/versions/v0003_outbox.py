"""What was committed and is not yet told to others."""

from __future__ import annotations

from alembic import op

from b25.store.outbox import metadata, triggers

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table and the triggers that fill it."""
    bind = op.get_bind()
    metadata.create_all(bind)
    for statement in triggers(bind.dialect.name):
        bind.exec_driver_sql(statement)


def downgrade() -> None:
    """Drop them; what was not delivered is in the tables that it came from."""
    bind = op.get_bind()
    for name in ("order_event", "fill"):
        if bind.dialect.name == "postgresql":
            bind.exec_driver_sql(f"DROP TRIGGER {name}_outbox ON {name}")
            bind.exec_driver_sql(f"DROP FUNCTION b25_outbox_{name}()")
        else:
            bind.exec_driver_sql(f"DROP TRIGGER {name}_outbox")
    metadata.drop_all(bind)
