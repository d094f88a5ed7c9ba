"""Configuration: keys, immutable versions, schedules, approvals."""

from __future__ import annotations

from typing import Final

from sqlalchemy import MetaData

config_metadata = MetaData()
APPEND_ONLY: Final[tuple[str, ...]] = ()
