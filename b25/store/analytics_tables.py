"""Events of the platform, counted once, and what they add up to."""

from __future__ import annotations

from typing import Final

from sqlalchemy import MetaData

analytics_metadata = MetaData()
APPEND_ONLY: Final[tuple[str, ...]] = ()
