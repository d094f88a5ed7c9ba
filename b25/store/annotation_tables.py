"""What people wrote about runs, sessions, orders, alerts and reports."""

from __future__ import annotations

from typing import Final

from sqlalchemy import MetaData

annotation_metadata = MetaData()
APPEND_ONLY: Final[tuple[str, ...]] = ()
