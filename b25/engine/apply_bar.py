"""Apply a complete bar, or a payment of funding, that comes as an event: what the loop over bars reads from its tapes.

An EVENT holds a bar so: `exch_ns` its open and `seq` its close time, `local_ns` when it became known, which live is a little
later; `price_ticks` the open (upper half) and the close in ticks, `amount` the high (upper half) and the low, `qty_lots` the
volume, `order_id` what of it aggressors bought or -1, `status` the number of its timeframe. The bars of all instruments and
timeframes that become known at one moment come one after the other, the last with LAST_OF_MESSAGE.

A MARK event tells a price between two closes: a bar has opened there, or an order of ours was filled.
"""

import numpy as np

from b25.engine.apply import count_traded
from b25.engine.records import ON_BAR
from b25.kernels.address import record_at
from b25.kernels.bar_tape import set_touch
from b25.kernels.jit import kernel
from b25.kernels.ledger import book_funding
from b25.kernels.units import price_of, quantity_of
from b25.kernels.world import bar_mark_at, bar_place_at, book_at, head_of, instrument_at, position_at
from b25.model.bar import BAR_VIEW
from b25.model.event import LAST_OF_MESSAGE
from b25.model.world import NO_BARS

HALF = 32
LOW_HALF = 2**HALF - 1
BECOMES_FRESH = 2  # until the moment is complete


@kernel
def bar_slot(ctx, i, frame):
    """Return the BAR_VIEW that holds the last complete bar of an instrument and timeframe, in a world fed by events."""
    return record_at(bar_place_at(ctx, i, frame)["address"], BAR_VIEW)


@kernel
def apply_bar(ctx, event):
    """Make a bar the last complete one of its instrument and timeframe; returns ON_BAR when it is the last of its moment."""
    i, frame = np.int64(event["instrument"]), np.int64(event["status"])
    if frame >= ctx["frames"]:
        head_of(ctx)["status"] = NO_BARS
        return 0
    instrument, view = instrument_at(ctx, i), bar_slot(ctx, i, frame)
    close_ticks = event["price_ticks"] & LOW_HALF
    view["open_ns"] = event["exch_ns"]
    view["close_ns"] = event["seq"]
    view["open"] = price_of(instrument, event["price_ticks"] >> HALF)
    view["high"] = price_of(instrument, event["amount"] >> HALF)
    view["low"] = price_of(instrument, event["amount"] & LOW_HALF)
    view["close"] = price_of(instrument, close_ticks)
    view["volume"] = quantity_of(instrument, event["qty_lots"])
    view["buy_volume"] = quantity_of(instrument, event["order_id"]) if event["order_id"] >= 0 else np.nan
    mark = bar_mark_at(ctx, i, frame)
    mark["seen"] += 1
    mark["fresh"] = BECOMES_FRESH
    if frame == 0:
        set_touch(ctx, i, close_ticks, event["local_ns"])
        high, low = event["amount"] >> HALF, event["amount"] & LOW_HALF
        count_traded(ctx, book_at(ctx, i), (high + low + close_ticks) // 3, event["qty_lots"])
    if not event["flags"] & LAST_OF_MESSAGE:
        return 0
    for j in range(ctx["n"]):
        for f in range(ctx["frames"]):
            bar_mark_at(ctx, j, f)["fresh"] = 1 if bar_mark_at(ctx, j, f)["fresh"] == BECOMES_FRESH else 0
    ctx["i"] = 0
    return ON_BAR


@kernel
def apply_mark(ctx, event):
    """Let a price be the touch, in a world of bars; a world of ticks has its book."""
    if ctx["frames"] > 0:
        set_touch(ctx, np.int64(event["instrument"]), event["price_ticks"], event["local_ns"])


@kernel
def apply_funding(ctx, event):
    """Book a payment of funding; returns whether anything was held."""
    i = np.int64(event["instrument"])
    if position_at(ctx, i)["position_lots"] == 0:
        return False
    mark = event["price_ticks"]
    if mark == 0:
        mark = book_at(ctx, i)["best_bid_ticks"]
    book_funding(position_at(ctx, i), instrument_at(ctx, i), event["amount"], mark)
    return True
