"""What happened in each instrument of a run, as the statistics want it: fills, mids and positions over time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from b25.engine.backtest import Outcome
from b25.research.dataset import Dataset

if TYPE_CHECKING:
    from b25.analytics.series import InstrumentTrace


def trace_of(outcome: Outcome, data: Dataset, i: int, n: int) -> InstrumentTrace:
    """Return the trace of instrument `i` of `n`; fills stand at the time the strategy learned of them.

    Parameters
    ----------
    outcome : Outcome
    data : Dataset
        The instrument's.
    i, n : int
    """
    from b25.analytics.series import FillSeries, InstrumentTrace, TimeSeries

    instrument = data.instrument
    marks = outcome.marks[i::n]
    rows = outcome.fills[outcome.fills["instrument"] == i]
    fills = FillSeries.from_records(rows, instrument, clock="local")
    orders = np.sort(outcome.orders, order="order_id")
    if fills.order_id is not None and fills.size:
        sent = orders["created_ns"][np.searchsorted(orders["order_id"], fills.order_id)]
        fills = replace(fills, submit_ns=sent)
    messages = data.tape.messages
    known = messages[messages["bid_lots"].astype(bool) & messages["ask_lots"].astype(bool)]
    mid2 = known["bid_ticks"].astype(np.int64) + known["ask_ticks"]
    moved = np.flatnonzero(np.diff(mid2, prepend=-1))
    return InstrumentTrace(
        name=instrument.symbol,
        fills=fills,
        mids=TimeSeries(known["local_ns"][moved], mid2[moved] * (float(instrument.tick) / 2)),
        quote=instrument.quote,
        base="contracts" if instrument.inverse else instrument.base,
        position=TimeSeries(marks["time_ns"], marks["position_lots"] * float(instrument.lot)),
    )
