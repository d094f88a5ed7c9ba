"""Keys of requests that change something, so that one that comes again is not done again."""

from __future__ import annotations

from alembic import op

from b25.store.idempotency import idempotency_metadata

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    idempotency_metadata.create_all(op.get_bind())


def downgrade() -> None:
    """Drop it."""
    idempotency_metadata.drop_all(op.get_bind())
