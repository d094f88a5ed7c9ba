"""What a strategy may read of its own: position, money, and its notes."""

import numpy as np

from b25.kernels.jit import kernel
from b25.kernels.ledger import equity_change, other_flows
from b25.kernels.ledger import unrealised as unrealised_money
from b25.kernels.units import money_of, quantity_of
from b25.kernels.world import books_of, fill_view_of, head_of, instruments_of, notes_of, order_view_of, positions_of
from b25.model.event import NO_ASK_TICKS, NO_BID_TICKS
from b25.model.world import NOTES_FULL


@kernel
def position(ctx, i=0):
    """Signed holding in base units (contracts for inverse instruments), as far as the venue has told us."""
    return quantity_of(instruments_of(ctx)[i], positions_of(ctx)[i]["position_lots"])


@kernel
def entry_price(ctx, i=0):
    """Average price of what is held; NaN when flat."""
    held = positions_of(ctx)[i]
    if held["position_lots"] == 0:
        return np.nan
    instrument = instruments_of(ctx)[i]
    if instrument["inverse"] != 0:
        ticks = abs(held["position_lots"]) * (instrument["inverse_num"] / abs(held["cost"]))
    else:
        ticks = held["cost"] / held["position_lots"]
    return ticks * instrument["tick_num"] / instrument["tick_den"]


@kernel
def mark2_ticks(ctx, i):
    """Twice the mid in ticks; 0 while a side is empty."""
    book = books_of(ctx)[i]
    if book["best_bid_ticks"] == NO_BID_TICKS or book["best_ask_ticks"] == NO_ASK_TICKS:
        return np.int64(0)
    return book["best_bid_ticks"] + book["best_ask_ticks"]


@kernel
def unrealized(ctx, i=0):
    """Profit of the holding at the mid, settlement currency; 0 when flat, NaN when there is no mid."""
    held = positions_of(ctx)[i]
    if held["position_lots"] == 0:
        return 0.0
    mark2 = mark2_ticks(ctx, i)
    if mark2 == 0:
        return np.nan
    instrument = instruments_of(ctx)[i]
    return money_of(instrument, unrealised_money(held, instrument, mark2))


@kernel
def realized(ctx, i=0):
    """Profit of what was closed, before fees and funding, settlement currency."""
    return money_of(instruments_of(ctx)[i], positions_of(ctx)[i]["realised"])


@kernel
def fees(ctx, i=0):
    """Fees paid so far, settlement currency; negative when rebates prevail."""
    held = positions_of(ctx)[i]
    return money_of(instruments_of(ctx)[i], held["fees"] + held["fees_e8"] / 1e8)


@kernel
def equity(ctx):
    """Starting balance plus everything earned and lost, holdings at the mid; NaN when a held instrument has no mid."""
    total = ctx["balance"]
    for i in range(ctx["n"]):
        held = positions_of(ctx)[i]
        mark2 = mark2_ticks(ctx, i)
        if held["position_lots"] != 0 and mark2 == 0:
            return np.nan
        instrument = instruments_of(ctx)[i]
        total += money_of(instrument, equity_change(held, instrument, mark2))
    return total


@kernel
def cash(ctx):
    """Starting balance plus realised profit, fees, funding and borrowing booked: the wallet of a margin account."""
    total = ctx["balance"]
    for i in range(ctx["n"]):
        held = positions_of(ctx)[i]
        instrument = instruments_of(ctx)[i]
        total += money_of(instrument, held["realised"] + other_flows(held))
    return total


@kernel
def order(ctx):
    """The order that `on_order` is about: order_id, side, price, quantity, leaves, filled, state, pending, reason, instrument."""
    return order_view_of(ctx)


@kernel
def fill(ctx):
    """The fill that `on_fill` is about: order_id, side, price, quantity, fee, maker, instrument."""
    return fill_view_of(ctx)


@kernel
def log(ctx, code, value):
    """Note a number under a number; the result lists them with their times."""
    head = head_of(ctx)
    notes = notes_of(ctx)
    k = head["notes"]
    if k >= notes.shape[0]:
        head["status"] = NOTES_FULL
        return
    notes[k]["time_ns"] = ctx["now_ns"]
    notes[k]["code"] = code
    notes[k]["value"] = value
    head["notes"] = k + 1


@kernel
def every(ctx, period_ns):
    """Call `on_timer` every `period_ns` from now on; 0 stops it."""
    head = head_of(ctx)
    head["timer_ns"] = period_ns
    head["timer_next_ns"] = ctx["now_ns"] + period_ns
