"""Runs of reports, their schedules, and who may enter what is due."""

from __future__ import annotations

from alembic import op

from b25.store.report_tables import report_metadata

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of reports."""
    report_metadata.create_all(op.get_bind())


def downgrade() -> None:
    """Drop them."""
    report_metadata.drop_all(op.get_bind())
