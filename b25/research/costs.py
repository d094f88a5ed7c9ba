"""What a run's trading cost: its records and its market, laid out for the cost report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from b25.analytics.metric import NS_PER_DAY
from b25.analytics.slippage import OrderSeries, Touch, Traded
from b25.model.event import NO_ASK_TICKS, NO_BID_TICKS, TRADE
from b25.research.dataset import Dataset
from b25.venue.models import ConstantLatency

if TYPE_CHECKING:
    from b25.analytics.costs import CostReport
    from b25.research.result import Backtest


def costs_of(result: Backtest) -> CostReport:
    """Measure what a backtest's trading cost, per order and in sum.

    Parameters
    ----------
    result : Backtest

    Returns
    -------
    CostReport
        With `.orders`, `.metrics` and a display of its own.
    """
    from b25.analytics.costs import cost_report

    traded = [_on_ticks(result, i) for i in range(len(result.instruments))]
    return cost_report(traded, curve=result.curve, currency=result.currency)


def _on_ticks(result: Backtest, i: int) -> Traded:
    """Fills and orders of one instrument against the venue's own touch."""
    data: Dataset = result.made.datasets[i]
    instrument, trace = data.instrument, result.traces[i]
    rows = np.sort(result.outcome.orders[result.outcome.orders["instrument"] == i], order="order_id")
    fills = result.outcome.fills[result.outcome.fills["instrument"] == i]
    latency = result.made.models[i].latency
    reached = rows["created_ns"] + latency.entry_ns if isinstance(latency, ConstantLatency) else None
    return Traded(
        trace=trace,
        orders=OrderSeries.from_records(rows, instrument, end_ns=int(result.curve.time_ns[-1]), reached_ns=reached),
        happened_ns=fills["venue_ns"][np.argsort(fills["local_ns"], kind="stable")],
        touch=_touch(data),
        volume_day=_volume_day(data),
    )


def _touch(data: Dataset) -> Touch:
    rows = data.tape.venue_messages
    record = data.instrument.record()[0]
    bid, ask = (rows[name].astype(np.int64) * record["tick_num"] / record["tick_den"] for name in ("bid_ticks", "ask_ticks"))
    return Touch(
        rows["exch_ns"].astype(np.int64),
        np.where(rows["bid_ticks"] != NO_BID_TICKS, bid, np.nan),
        np.where(rows["ask_ticks"] != NO_ASK_TICKS, ask, np.nan),
    )


def _volume_day(data: Dataset) -> float | None:
    messages: np.ndarray[Any, Any] = data.tape.messages
    span_ns = data.end_ns - data.start_ns
    prints = messages["qty_lots"][messages["kind"] == TRADE]
    if not prints.size or span_ns <= 0:
        return None
    return float(prints.sum()) * float(data.instrument.lot) * NS_PER_DAY / span_ns
