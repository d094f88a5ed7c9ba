"""Events of the platform, counted once, and what they add up to."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Float, Index, Integer, LargeBinary, MetaData, PrimaryKeyConstraint, Table, Text

analytics_metadata = MetaData()
APPEND_ONLY: Final[tuple[str, ...]] = ()


def _text(name: str, *, null: bool = False) -> Column[str]:
    return Column(name, Text, nullable=null)


def _big(name: str, *, null: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=null)


def _float(name: str) -> Column[float]:
    return Column(name, Float(53), nullable=True)


def _number() -> Column[int]:
    return Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)


# Hash of every message id that was ever counted; it outlives the event, so that one told again years later counts once.
event_key = Table(
    "event_key", analytics_metadata, Column("key", Text, primary_key=True), Column("day", Integer, nullable=False),
    sqlite_with_rowid=False,
)  # fmt: skip
domain_event = Table(
    "domain_event", analytics_metadata, _number(), _big("ts_ns"), _big("stored_ns"), _text("id"), _text("type"),
    _text("principal"), _text("account"), _text("session"), _text("strategy"), _text("symbol"), _text("source"),
    _text("properties"), sqlite_autoincrement=True,
)  # fmt: skip
Index("ix_domain_event_type", domain_event.c.type, domain_event.c.ts_ns, domain_event.c.seq)
Index("ix_domain_event_time", domain_event.c.ts_ns, domain_event.c.seq)
# How many events of each type there are in each minute: kept in the transaction that stores them, so it is always exact.
event_count = Table(
    "event_count", analytics_metadata, _big("minute_ns"), _text("type"), _text("account"), _big("count"),
    PrimaryKeyConstraint("minute_ns", "type", "account"),
)  # fmt: skip
# Buckets whose aggregate is older than an event in them; `mark` rises with every such event.
bucket_pending = Table(
    "bucket_pending", analytics_metadata, _text("interval"), _big("open_ns"), _text("type"), _big("mark"),
    PrimaryKeyConstraint("interval", "open_ns", "type"),
)  # fmt: skip
# `dimension` says what the rows of a bucket are told apart by, `member` which of them it is; "all" has one, the empty one.
aggregate = Table(
    "aggregate", analytics_metadata, _text("interval"), _big("open_ns"), _text("type"), _text("name"), _text("dimension"),
    _text("member"), _big("count"), _float("sum"), _float("mean"), _float("min"), _float("max"), _float("p50"), _float("p95"),
    _float("p99"), _big("as_of_ns"),
    PrimaryKeyConstraint("name", "interval", "dimension", "member", "open_ns"),
)  # fmt: skip
Index("ix_aggregate_bucket", aggregate.c.interval, aggregate.c.open_ns, aggregate.c.type)
# What could not be read; it waits until somebody replays or drops it. `state` is waiting, replayed or dropped.
dead_letter = Table(
    "dead_letter", analytics_metadata, _number(), Column("key", Text, nullable=False, unique=True), _big("ts_ns"),
    _text("subject"), _text("id"), _text("reason"), Column("payload", LargeBinary, nullable=False), _text("state"),
    _big("settled_ns", null=True), Column("tries", Integer, nullable=False), sqlite_autoincrement=True,
)  # fmt: skip
maintenance = Table(
    "maintenance", analytics_metadata, Column("name", Text, primary_key=True), _big("done_ns"), _text("body"),
)  # fmt: skip
# One row an order, folded from its events as they come. Decimals are text; what is not known is null.
order_analytics = Table(
    "order_analytics", analytics_metadata, _text("account"), _text("client_id"), _text("venue"), _text("symbol"),
    _text("strategy"), _text("side", null=True), _text("type", null=True), _text("quantity", null=True),
    _text("price", null=True), _text("status"), _big("intent_ns", null=True), _big("acked_ns", null=True),
    _big("first_fill_ns", null=True), _big("done_ns", null=True), _text("filled"), _text("notional"), _text("maker_quantity"),
    Column("maker_unknown", Integer, nullable=False), _text("fees"), _text("realised", null=True),
    _text("arrival_mid", null=True), _text("mid_notional", null=True), _big("seen_ns"),
    PrimaryKeyConstraint("client_id", "account"),
)  # fmt: skip
Index("ix_order_analytics_seen", order_analytics.c.seen_ns)
# One row a strategy, symbol and day (UTC), of its fills; the realised profit is the ledger's own, of each fill.
strategy_performance = Table(
    "strategy_performance", analytics_metadata, _big("day_ns"), _text("account"), _text("strategy"), _text("symbol"),
    _big("fills"), _text("volume"), _text("maker_volume"), _big("maker_unknown"), _text("fees"), _text("realised"),
    _big("realised_unknown"), _big("closing"), _big("wins"), _big("losses"), _text("won"), _text("lost"),
    PrimaryKeyConstraint("day_ns", "account", "strategy", "symbol"),
)  # fmt: skip
# One row a closed candle of a session's symbol, with what was seen of the spread meanwhile.
market_analytics = Table(
    "market_analytics", analytics_metadata, _text("symbol"), _big("open_ns"), _big("close_ns"), _text("source"), _text("open"),
    _text("high"), _text("low"), _text("close"), _text("volume"), _big("trades"), _float("spread_bps_mean"),
    _float("spread_bps_max"), _big("samples"), PrimaryKeyConstraint("symbol", "open_ns", "close_ns", "source"),
)  # fmt: skip
system_metrics = Table(
    "system_metrics", analytics_metadata, _text("component"), _big("ts_ns"), _text("state"), _text("mode", null=True),
    _text("strategy", null=True), _big("events"), _big("messages"), _big("live_orders"), _text("fault", null=True),
    _big("bus_waiting"), _big("bus_overtaken"), _big("bus_refused"), PrimaryKeyConstraint("component", "ts_ns"),
)  # fmt: skip
Index("ix_system_metrics_time", system_metrics.c.ts_ns)
