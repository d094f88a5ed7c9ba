"""What a strategy, a table or a person sees of a parent order: quantities and prices, and what it cost."""

import numpy as np

from b25.kernels.jit import kernel
from b25.kernels.parent_table import is_at_work
from b25.kernels.units import price_of, quantity_of
from b25.kernels.world import books_of, instruments_of, parent_views_of, parents_of
from b25.model.parent import ROLES, Role

WORK, STOP, TARGET, CLOSE = int(Role.WORK), int(Role.STOP), int(Role.TARGET), int(Role.CLOSE)


@kernel
def mean_price(instrument, ticklots, lots):
    """Average price of executions; NaN without any."""
    if lots <= 0:
        return np.nan
    return ticklots / lots * instrument["tick_num"] / instrument["tick_den"]


@kernel
def clear_view(view):
    """Show that there is no such parent."""
    view["parent_id"] = 0
    view["algo"] = 0
    view["state"] = 0
    view["reason"] = 0
    view["side"] = 0
    view["instrument"] = 0
    view["quantity"] = np.nan
    view["filled"] = np.nan
    view["closed"] = np.nan
    view["live"] = np.nan
    view["average_price"] = np.nan
    view["exit_price"] = np.nan
    view["stop_price"] = np.nan
    view["arrival_price"] = np.nan
    view["slippage_bps"] = np.nan
    view["vwap_slippage_bps"] = np.nan


@kernel
def slippage_bps(average, against, side):
    """How much worse an average price is than another, in bps; NaN where either is unknown."""
    return (average - against) / against * side * 1e4


@kernel
def view_parent(ctx, slot):
    """Write a row's view; the row after the last is of no parent."""
    view = parent_views_of(ctx)[slot]
    if slot >= ctx["parents_size"]:
        clear_view(view)
        return
    parent = parents_of(ctx)[slot]
    instrument = instruments_of(ctx)[parent["instrument"]]
    filled, ticklots = parent["filled_lots"], parent["filled_ticklots"]
    closed = filled[STOP] + filled[TARGET] + filled[CLOSE]
    exit_price = mean_price(instrument, ticklots[STOP] + ticklots[TARGET] + ticklots[CLOSE], closed)
    has_entry = parent["exit_side"] != parent["side"]
    view["parent_id"] = parent["parent_id"]
    view["algo"] = parent["algo"]
    view["state"] = parent["state"]
    view["reason"] = parent["reason"]
    view["side"] = parent["side"]
    view["instrument"] = parent["instrument"]
    view["quantity"] = quantity_of(instrument, parent["qty_lots"])
    view["filled"] = quantity_of(instrument, filled[WORK] if has_entry else closed)
    view["closed"] = quantity_of(instrument, closed)
    live = np.int64(0)
    for role in range(ROLES):
        live += parent["live_lots"][role]
    view["live"] = quantity_of(instrument, live)
    average = mean_price(instrument, ticklots[WORK], filled[WORK]) if has_entry else exit_price
    view["average_price"] = average
    view["exit_price"] = exit_price
    view["stop_price"] = price_of(instrument, parent["stop_ticks"]) if parent["stop_ticks"] > 0 else np.nan
    arrival = mean_price(instrument, parent["arrival2_ticks"], 2 if parent["arrival2_ticks"] > 0 else 0)
    view["arrival_price"] = arrival
    view["slippage_bps"] = slippage_bps(average, arrival, parent["side"])
    lots, money = parent["traded_end_lots"], parent["traded_end_ticklots"]
    if is_at_work(parent):
        book = books_of(ctx)[parent["instrument"]]
        lots, money = book["traded_lots"], book["traded_ticklots"]
    market = mean_price(instrument, money - parent["traded_ticklots"], lots - parent["traded_lots"])
    view["vwap_slippage_bps"] = slippage_bps(average, market, parent["side"])
