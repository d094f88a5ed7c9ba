"""The account and the sessions over time: snapshots, signals, performance."""

from __future__ import annotations

from typing import Final

from sqlalchemy import MetaData

history_metadata = MetaData()
APPEND_ONLY: Final[tuple[str, ...]] = ()
