"""What a check of the doctor says: how it came out, what was seen, how old that is, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """How a check came out."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"
    UNKNOWN = "unknown"  # it could not be looked at, which is not the same as good


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check saw.

    Attributes
    ----------
    age_s : float
        How old the fact is that it rests on: 0 when it was looked at just now.
    took_ms : float
    remedy : str
        What to do; empty when all is well.
    """

    name: str
    health: Health
    what: str
    remedy: str = ""
    age_s: float = 0.0
    took_ms: float = 0.0
