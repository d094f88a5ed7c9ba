"""The account and the sessions over time: snapshots, signals, performance."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, MetaData, PrimaryKeyConstraint, Table, Text

history_metadata = MetaData()


def _text(name: str, *, null: bool = False) -> Column[str]:
    return Column(name, Text, nullable=null)


def _big(name: str, *, null: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=null)


# What a session was worth at a moment of the clock: every half minute, and at midnight (UTC), whose reason is "day". Decimals
# are text; null is what was not known. `told_ns` is when the newest of it was told.
session_snapshot = Table(
    "session_snapshot", history_metadata, _text("session"), _big("ts_ns"), _text("reason"), _text("account"), _text("asset"),
    _text("equity", null=True), _text("realised", null=True), _text("unrealised", null=True), _text("fees", null=True),
    _big("told_ns"), PrimaryKeyConstraint("session", "ts_ns"),
)  # fmt: skip
position_snapshot = Table(
    "position_snapshot", history_metadata, _text("session"), _text("symbol"), _big("ts_ns"), _text("account"), _text("quantity"),
    _text("entry_price", null=True), PrimaryKeyConstraint("session", "symbol", "ts_ns"),
)  # fmt: skip
Index("ix_session_snapshot_time", session_snapshot.c.ts_ns)
Index("ix_position_snapshot_time", position_snapshot.c.ts_ns)

APPEND_ONLY: Final = ("session_snapshot", "position_snapshot")
