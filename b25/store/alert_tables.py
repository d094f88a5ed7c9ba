"""Alerts, their deliveries, and what people did about them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import MetaData

alert_metadata = MetaData()
APPEND_ONLY: Final[tuple[str, ...]] = ()
