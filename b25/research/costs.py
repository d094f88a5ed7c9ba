"""What a run's trading cost: its records and its market, laid out for the cost report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from b25.analytics.metric import NS_PER_DAY
from b25.analytics.slippage import OrderSeries, Touch, Traded
from b25.market.bars import Bars
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

    kind = _on_bars if isinstance(result.made.datasets[0], Bars) else _on_ticks
    traded = [kind(result, i) for i in range(len(result.instruments))]
    held = result.outcome.world.positions
    sums = {
        name: float(sum(int(row[name]) * float(i.money_unit) for row, i in zip(held, result.instruments, strict=True)))
        for name in ("funding", "borrow", "insurance")
        if name in (held.dtype.names or ())
    }
    return cost_report(traded, curve=result.curve, currency=result.currency, **sums)


def _on_bars(result: Any, i: int) -> Traded:
    """Fills and orders of one instrument against its bars: what they met is the open, or their own price inside a bar."""
    bars, trace = result.made.datasets[i], result.traces[i]
    rows = np.sort(result.outcome.orders[result.outcome.orders["instrument"] == i], order="order_id")
    view = bars.view
    opens = view["open_ns"]
    # What is decided at a close has its first chance at the next open.
    place = np.searchsorted(opens, rows["created_ns"], side="left")
    first = np.minimum(place, opens.size - 1)
    orders = OrderSeries.from_records(
        rows, bars.instrument, end_ns=int(result.curve.time_ns[-1]), reached_ns=np.where(place < opens.size, opens[first], 2**62)
    )
    fills = trace.fills
    met = fills.mid if fills.mid is not None else fills.price
    chance = np.full(fills.size, np.nan)
    if rows.size and fills.order_id is not None:
        mine = np.minimum(np.searchsorted(rows["order_id"], fills.order_id), rows.size - 1)
        own = rows["order_id"][mine] == fills.order_id
        chance = np.where(own, view["open"][first][mine], np.nan)
    if result.made.fills.price == "close":
        chance = met
    slip = result.made.fills.slippage_bps / 1e4
    reach = met * (1 + fills.side * slip)
    # Where price and slippage are rounded to the tick, no more than the whole distance is the spread's.
    spread = np.where(fills.side > 0, np.minimum(reach, fills.price), np.maximum(reach, fills.price))
    span_days = float(np.sum(view["close_ns"] - opens)) / NS_PER_DAY
    return Traded(
        trace=trace,
        orders=orders,
        before_fill=met,
        at_chance=chance,
        at_touch=spread if result.made.fills.impact_bps else fills.price,
        volume_day=float(bars.volume.sum()) / span_days if bars.volume.any() else None,
        bar_ns=int(bars.frame_ns),
    )


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
