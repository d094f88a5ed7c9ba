"""People, programs, their sign-ins and keys."""

from __future__ import annotations

from typing import Final

from sqlalchemy import MetaData

access_metadata = MetaData()
APPEND_ONLY: Final[tuple[str, ...]] = ()
