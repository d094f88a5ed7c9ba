"""What the server keeps, and for how long. Nothing that must survive is kept here only: orders and fills are in the store."""

from __future__ import annotations

from typing import Any, Final

from b25.bus.message import BYTES_MAX
from b25.bus.subjects import SUBJECTS, Delivery

DAY_S: Final = 86_400.0
DEDUP_S: Final = 600.0
PENDING_BYTES_MAX: Final = 256 * 2**20
# Name, first words of its subjects, age at which a message goes.
STREAMS: Final = (
    ("B25_ORDERS", ("orders", "fills"), 7 * DAY_S),
    ("B25_COMMANDS", ("commands", "command_results"), DAY_S / 24),
    ("B25_NOTICES", ("alerts", "risk", "config", "alert_states", "annotations", "drift"), 7 * DAY_S),
)


def stream_configs() -> list[Any]:
    """Configurations of the streams, out of the declared subjects."""
    from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig

    made = []
    for name, words, age_s in STREAMS:
        subjects = sorted(
            one.filter() for one in SUBJECTS if one.delivery is Delivery.AT_LEAST_ONCE and first(one.pattern) in words
        )
        made.append(
            StreamConfig(
                name=name, subjects=subjects, retention=RetentionPolicy.LIMITS, storage=StorageType.FILE,
                discard=DiscardPolicy.OLD, max_age=age_s, max_bytes=PENDING_BYTES_MAX, max_msg_size=BYTES_MAX,
                duplicate_window=min(DEDUP_S, age_s),
            )
        )  # fmt: skip
    return made


def stream_of(pattern: str) -> str:
    """Name of the stream that keeps a subject."""
    return next(name for name, words, _ in STREAMS if first(pattern) in words)


def first(pattern: str) -> str:
    """First word of a subject."""
    return pattern.partition(".")[0]
