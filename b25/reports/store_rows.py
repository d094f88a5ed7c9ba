"""Fills and orders of an account as the store has them, in the columns that every report reads."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import polars as pl
from sqlalchemy import and_, func, select

from b25.model.instrument import Instrument
from b25.reports.exact import EXACT, texts
from b25.reports.records import FILLS, ORDERS, empty
from b25.store.analytics_tables import order_analytics
from b25.store.history import order_history
from b25.store.store import Store
from b25.store.tables import fill, intent, order_event

NS_PER_MS: Final = 1_000_000
ROWS_MAX: Final = 2_000_000
ACCEPTED: Final = ("NEW", "PARTIAL", "FILLED")
FILLED: Final = ("PARTIAL", "FILLED")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Whose rows: an account at a venue, or the lives of a session in it.

    Attributes
    ----------
    epochs : collection of int or None
        Of the lives; None is everything of the account.
    instruments : mapping of str to Instrument
        As far as the account's state names them.
    """

    venue: str
    account: str
    start_ns: int
    end_ns: int
    epochs: Collection[int] | None = None
    instruments: Mapping[str, Instrument]

    def owned(self) -> list[Any]:
        """Conditions on the intent of an order."""
        found: list[Any] = [intent.c.account == self.account, intent.c.venue == self.venue]
        return found if self.epochs is None else [*found, intent.c.epoch.in_(sorted(self.epochs))]


def stored_fills(store: Store, scope: Scope) -> pl.DataFrame:
    """Fills of the span, by the venue's time. `realised` is the venue's own figure where it gives one."""
    c = fill.c
    wanted = (
        select(
            c.venue_ts_ms, intent.c.strategy, c.symbol, c.side, c.price, c.qty, c.fee, c.fee_asset, c.maker, c.realized,
            func.coalesce(c.coid, c.venue_oid),
        )
        .outerjoin(intent, and_(intent.c.coid == c.coid, intent.c.kind == "NEW"))
        .where(c.venue == scope.venue, c.account == scope.account)
        .where(c.venue_ts_ms >= -(-scope.start_ns // NS_PER_MS), c.venue_ts_ms < -(-scope.end_ns // NS_PER_MS))
        .order_by(c.venue_ts_ms, c.symbol, c.trade_id)
    )  # fmt: skip
    if scope.epochs is not None:
        wanted = wanted.where(*scope.owned())
    rows = store.rows(wanted)
    if not rows:
        return empty(FILLS)
    time_ms, strategy, symbol, side, price, quantity, fee, asset, maker, realised, order = zip(*rows, strict=True)
    frame = pl.DataFrame(
        {
            "time_ns": pl.Series(time_ms, dtype=pl.Int64) * NS_PER_MS,
            "strategy": pl.Series(strategy, dtype=pl.String).fill_null(""),
            "symbol": symbol,
            "side": pl.Series([1 if one == "buy" else -1 for one in side], dtype=pl.Int8),
            "price": texts(price),
            "quantity": texts(quantity),
            "fee": texts(fee),
            "fee_asset": pl.Series(asset, dtype=pl.String),
            "maker": pl.Series([None if one is None else bool(one) for one in maker], dtype=pl.Boolean),
            "realised": texts(realised),
            "order": pl.Series(order, dtype=pl.String),
        }
    )
    return _with_worth(frame, scope.instruments).select(list(FILLS))


def _with_worth(frame: pl.DataFrame, instruments: Mapping[str, Instrument]) -> pl.DataFrame:
    """What each fill was worth in the settlement currency."""
    symbols = frame["symbol"].unique().to_list()
    sizes = {one: instruments[one].contract_size if one in instruments else Decimal(1) for one in symbols}
    inverse = [one for one in symbols if one in instruments and instruments[one].inverse]
    size = texts([f"{sizes[one]:f}" for one in frame["symbol"].to_list()])
    worth = pl.col("quantity") * pl.lit(size)
    linear = (worth * pl.col("price")).cast(EXACT)
    if inverse:
        linear = pl.when(pl.col("symbol").is_in(inverse)).then((worth / pl.col("price")).cast(EXACT)).otherwise(linear)
    return frame.with_columns(linear.alias("notional"))


def stored_orders(store: Store, scope: Scope) -> pl.DataFrame:
    """Orders of the span, by their intents, with the times of what was said of them."""
    told = order_history(
        store, scope.start_ns, scope.end_ns, after=(), limit=ROWS_MAX, accounts=(scope.account,)
    )  # fmt: skip
    told = [row for row in told if row["venue"] == scope.venue]
    if scope.epochs is not None:
        owned = {row[0] for row in store.rows(select(intent.c.coid).where(*scope.owned(), *_span(scope)))}
        told = [row for row in told if row["client_id"] in owned]
    if not told:
        return empty(ORDERS)
    times = _times(store, scope)
    arrivals = _arrivals(store, scope)
    ids = [row["client_id"] for row in told]
    ended = {"FILLED", "CANCELED", "EXPIRED", "REJECTED", "DENIED", "NOT_SENT", "NOT_ACCEPTED"}
    return pl.DataFrame(
        {
            "order": ids,
            "strategy": [row["strategy"] for row in told],
            "symbol": [row["symbol"] for row in told],
            "side": [1 if row["side"] == "buy" else -1 for row in told],
            "quantity": texts([row["qty"] for row in told]),
            "filled": texts([row["filled"] or "0" for row in told]),
            "price": texts([row["price"] for row in told]),
            "decided_ns": [row["ts_ns"] for row in told],
            "sent_ns": [_first(times, one, ("SENDING",)) for one in ids],
            "acked_ns": [_first(times, one, ACCEPTED) for one in ids],
            "first_fill_ns": [_first(times, one, FILLED) for one in ids],
            "ended_ns": [row["changed_ns"] if row["status"] in ended else None for row in told],
            "state": [(row["status"] or "INTENT").lower().replace("canceled", "cancelled") for row in told],
            "reason": [row["text"] or row["code"] or "" for row in told],
            "arrival_mid": [arrivals.get(one) for one in ids],
        },
        schema=ORDERS,
    )


def _span(scope: Scope) -> list[Any]:
    return [intent.c.kind == "NEW", intent.c.ts_ns >= scope.start_ns, intent.c.ts_ns < scope.end_ns]


def _times(store: Store, scope: Scope) -> dict[tuple[str, str], int]:
    """When each state of each order was first known."""
    c = order_event.c
    wanted = (
        select(c.coid, c.status, func.min(c.ts_ns))
        .join(intent, intent.c.coid == c.coid)
        .where(*scope.owned(), *_span(scope))
        .group_by(c.coid, c.status)
    )
    return {(row[0], row[1]): int(row[2]) for row in store.rows(wanted)}


def _first(times: Mapping[tuple[str, str], int], coid: str, states: tuple[str, ...]) -> int | None:
    return min((times[coid, state] for state in states if (coid, state) in times), default=None)


def _arrivals(store: Store, scope: Scope) -> dict[str, float]:
    """Mid at the decision, of the orders of which the analytics process kept it."""
    c = order_analytics.c
    wanted = select(c.client_id, c.arrival_mid).join(intent, intent.c.coid == c.client_id)
    wanted = wanted.where(c.account == scope.account, c.arrival_mid.is_not(None), *scope.owned(), *_span(scope))
    return {row[0]: float(row[1]) for row in store.rows(wanted)}
