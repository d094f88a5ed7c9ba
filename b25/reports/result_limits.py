"""Limits of a backtest or a journal, the most of each that was used, and which of them latched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
import polars as pl

from b25.analytics.drawdown import drawdown_ratio
from b25.analytics.holdings import position_values
from b25.reports.records import Happening, LimitUse
from b25.risk.limits import OF_ACCOUNT
from b25.risk.status import controls_of
from b25.session.standing import limits_of

if TYPE_CHECKING:
    from b25.analytics.curve import EquityCurve
    from b25.analytics.series import InstrumentTrace
    from b25.research.result import Backtest

# Of a limit, the unit of its figure: {base} and {currency} are the instrument's.
UNITS: Final = {
    "position_max": "{base}", "order_qty_max": "{base}", "adv_qty_max": "{base}", "order_value_max": "{currency}",
    "gross_max": "{currency}", "net_max": "{currency}", "turnover_max": "{currency}", "daily_loss_max": "{currency}",
    "open_orders_max": "orders", "orders_per_s_max": "per s", "orders_burst_max": "orders", "messages_per_s_max": "per s",
    "messages_burst_max": "messages", "executions_max": "fills", "data_age_max_s": "s", "clock_skew_max_s": "s",
    "duplicates_window_s": "s", "executions_window_s": "s", "reject_window": "orders", "duplicates_max": "orders",
    "leverage_max": "x equity", "concentration_max": "x equity",
}  # fmt: skip
NO_LIMITS: Final = ("trading", "no_self_cross", "duplicates_window_s", "executions_window_s", "reject_window")
NOT_RECORDED: Final = "how much of it was used is not recorded"


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the limits are told from: the part of a machine that an outcome still has."""

    world: Any
    instruments: Any


def limits_used(
    result: Backtest, curve: EquityCurve, traces: list[InstrumentTrace], fills: pl.DataFrame, orders: pl.DataFrame
) -> list[LimitUse]:
    """Every limit that was in force at the end, with the most that was used of it within the span."""
    told = limits_of(cast(Any, _Seen(result.outcome.world, result.instruments)))
    account = _of_account(curve, traces)
    found: list[LimitUse] = []
    for place, (one, trace) in enumerate(zip(result.instruments, traces, strict=True)):
        own = _of_instrument(trace, one.symbol, orders, fills)
        words = {"base": trace.base or "contracts", "currency": result.currency}
        for name, value in told["symbols"][one.symbol].items():
            of_account = name in OF_ACCOUNT
            if name in NO_LIMITS or (of_account and place):
                continue
            used = (account if of_account else own).get(name)
            found.append(
                LimitUse(
                    symbol="account" if of_account else one.symbol, name=name, limit=Decimal(str(value)),
                    used=None if used is None else Decimal(repr(used)), unit=UNITS.get(name, "ratio").format(**words),
                    reason="" if used is not None else NOT_RECORDED,
                )
            )  # fmt: skip
    return found


def _of_account(curve: EquityCurve, traces: list[InstrumentTrace]) -> Mapping[str, float]:
    found: dict[str, float] = {}
    depth = drawdown_ratio(curve.index())
    if not np.isnan(depth).any():
        found["drawdown_max"] = float(depth.max())
    found["daily_loss_max"] = _daily_loss(curve)
    net, gross = position_values(traces, curve.time_ns)
    if not np.isnan(gross).any():
        found["gross_max"], found["net_max"] = float(np.max(gross)), float(np.max(np.abs(net)))
        if (curve.equity > 0).all():
            found["leverage_max"] = float(np.max(gross / curve.equity))
    return found


def _daily_loss(curve: EquityCurve) -> float:
    """Deepest fall below the equity with which its day (UTC) began."""
    day = curve.time_ns // (86_400 * 10**9)
    begins = np.concatenate(([0], np.flatnonzero(np.diff(day)) + 1))
    # A day begins with the last value of the day before.
    opened = curve.equity[np.maximum(begins - 1, 0)]
    lowest = np.minimum.reduceat(curve.equity, begins)
    return float(max(0.0, np.max(opened - lowest)))


def _of_instrument(trace: InstrumentTrace, symbol: str, orders: pl.DataFrame, fills: pl.DataFrame) -> Mapping[str, float]:
    held = trace.position.values if trace.position is not None and trace.position.values.size else trace.fills.position
    found = {"position_max": float(np.max(np.abs(held))) if held.size else 0.0}
    mine = orders.filter(pl.col("symbol") == symbol)
    if mine.height:
        found["order_qty_max"] = float(cast(Any, mine["quantity"].max()))
        found["open_orders_max"] = float(_most_open(mine))
    return found


def _most_open(orders: pl.DataFrame) -> int:
    begun = orders["decided_ns"].to_numpy()
    ended = orders["ended_ns"].drop_nulls().to_numpy()
    times = np.concatenate([begun, ended])
    change = np.concatenate([np.ones(begun.size, np.int64), -np.ones(ended.size, np.int64)])
    order = np.lexsort((change, times))  # what ends at a moment makes room for what begins at it
    return int(np.max(np.cumsum(change[order])))


def latches_of(result: Backtest, halt: str | None, end_ns: int) -> list[Happening]:
    """Limits that latched and still stand, and what halted the session."""
    risk = result.outcome.world.risk[0]
    found = [
        Happening(
            time_ns=int(risk["latched_ns"]), kind="latch", what=control.name.lower(), state="latched",
            text="nothing that adds risk passes until a person opens it",
        )
        for control in controls_of(int(risk["latched"]))
    ]  # fmt: skip
    if halt:
        found.append(Happening(time_ns=end_ns, kind="halt", what="the session halted", text=halt, state="halted"))
    return found
