"""The venue of a run over bars, one thing at a time: the open, the path inside the bar, the close.

Each call of `venue_turn` does the next thing that happens, if any, and leaves the callbacks it calls for, so that what a
strategy asks for in answer is there before the next thing happens.
"""

import numpy as np

from b25.engine.bar_fills import deliver, end_order, fill_order, liquidate
from b25.engine.bar_marks import mark_event
from b25.engine.bar_money import (
    bar_venue_at,
    funding_due,
    model_of,
    set_liquidations,
    take_funding,
)
from b25.engine.bar_records import BAR_RUN, RANGING, SHOWN
from b25.engine.records import ON_FUNDING
from b25.kernels.address import calls, record_at
from b25.kernels.bar_rules import NEVER, first_direction, leg_price, open_price
from b25.kernels.bar_tape import row_at, set_clock, tape_at
from b25.kernels.jit import kernel, late_kernel
from b25.kernels.world import head_of, live_at, order_at, position_at
from b25.model.bar_run import AT_OPEN, FIRST_LEG, LAST_LEG, OVER, SECOND_LEG
from b25.model.event import EVENT
from b25.model.order import MARKET, REDUCE_ONLY, Pending, Reason, State, Tif
from b25.model.world import CONTEXT

VENUE_TURN = "int64(uintp)"
GTC, FOK = int(Tif.GTC), int(Tif.FOK)
OPEN, PART_FILLED, NO_REQUEST = int(State.OPEN), int(State.PART_FILLED), int(Pending.NONE)
NOTHING, LIQUIDATED, WOULD_INCREASE = int(Reason.NOTHING_TO_MATCH), int(Reason.LIQUIDATED), int(Reason.WOULD_INCREASE)
NO_SLOT = -1
EVENT_SIZE = np.uint64(EVENT.itemsize)
FILLS_MAX = 64  # in one bar; orders sent in answer to still more of them wait for the next


@kernel
def is_live(order):
    """True for an order that rests at the venue."""
    state = order["state"]
    return state == OPEN or state == PART_FILLED


@kernel
def open_turn(run, ctx):
    """Do the next thing that happens at the open of this step's bars; False when nothing is left."""
    for i in range(ctx["n"]):
        venue = bar_venue_at(run, i)
        if venue["phase"] != AT_OPEN:
            continue
        bar = venue["bar"]
        if funding_due(run, ctx, i, bar["open_ns"]):
            run["unworked"] = 1
            if take_funding(run, ctx, i):
                ctx["i"] = i
                mark_event(run, ctx)
                set_liquidations(run, ctx)
                run["pending"] |= ON_FUNDING
            return True
        if liquidates_at(venue, position_at(ctx, i)["position_lots"], bar["open_ticks"]):
            close_by_force(run, ctx, i, bar["open_ticks"], bar["open_ns"])
            return True
    # What reduces comes first: it frees the money that the rest may need.
    for reducing in range(2):
        for i in range(ctx["n"]):
            if bar_venue_at(run, i)["phase"] == AT_OPEN and fill_at_open(run, ctx, i, reducing == 0):
                return True
    return expire_at_open(run, ctx)


@kernel
def liquidates_at(venue, held, ticks):
    """True when a price is at or beyond the one that liquidates."""
    if held == 0:
        return False
    return ticks <= venue["liquidation_low"] if held > 0 else ticks >= venue["liquidation_high"]


@kernel
def last_close(run, ctx, i):
    """When the bar before the one that is being lived through was complete; 0 before the first."""
    tape = tape_at(ctx, run["tapes"], i, 0)
    if tape["next"] == 0:
        return np.int64(0)
    return row_at(tape, tape["next"] - 1)["close_ns"]


@kernel
def fill_at_open(run, ctx, i, reducing):
    """Fill the next order of an instrument that the open fills; those that reduce the position, or the others."""
    venue = bar_venue_at(run, i)
    held = position_at(ctx, i)["position_lots"]
    bar = venue["bar"]
    closed_ns = last_close(run, ctx, i)
    for index in range(2):
        side = 1 if index == 0 else -1
        if (held * side < 0) != reducing:
            continue
        slot = live_at(ctx, i, index)["first"] if live_at(ctx, i, index)["count"] > 0 else NO_SLOT
        while slot >= 0:
            order = order_at(ctx, slot)
            after = order["next"]
            if is_live(order) and order["order_id"] < venue["first_id"]:
                market = order["flags"] & MARKET != 0
                ticks = open_price(side, order["price_ticks"], order["stop_ticks"], market, bar["open_ticks"])
                if ticks != NEVER:
                    # What was sent or amended since the last bar takes; what rested through a bar is taken.
                    stopped = order["stop_ticks"] != 0
                    fresh = order["updated_ns"] >= closed_ns
                    order["stop_ticks"] = 0
                    if fill_order(run, ctx, slot, ticks, market or stopped or fresh, bar["open_ns"]):
                        return True
                elif order["stop_ticks"] != 0 and (bar["open_ticks"] - order["stop_ticks"]) * side >= 0:
                    order["stop_ticks"] = 0
            slot = after
    return False


@kernel
def expire_at_open(run, ctx):
    """End the next order that was for this open only and was not filled."""
    for i in range(ctx["n"]):
        if bar_venue_at(run, i)["phase"] != AT_OPEN:
            continue
        for index in range(2):
            slot = live_at(ctx, i, index)["first"] if live_at(ctx, i, index)["count"] > 0 else NO_SLOT
            while slot >= 0:
                order = order_at(ctx, slot)
                only_now = order["tif"] != GTC and not order["flags"] & MARKET
                if is_live(order) and only_now and order["order_id"] < bar_venue_at(run, i)["first_id"]:
                    end_order(run, ctx, order, NOTHING)
                    return True
                slot = order["next"]
    return False


@kernel
def close_by_force(run, ctx, i, ticks, at_ns):
    """Let the venue cancel the next of what rests in an instrument or, when nothing does, close what is held of it.

    What is sent in answer to these cancels stays.
    """
    venue = bar_venue_at(run, i)
    set_clock(ctx, at_ns)
    if venue["forced_id"] == 0:
        venue["forced_id"] = head_of(ctx)["next_order_id"]
    for index in range(2):
        slot = live_at(ctx, i, index)["first"] if live_at(ctx, i, index)["count"] > 0 else NO_SLOT
        while slot >= 0:
            order = order_at(ctx, slot)
            if order["order_id"] < venue["forced_id"]:
                end_order(run, ctx, order, LIQUIDATED)
                return
            slot = order["next"]
    venue["forced_id"] = 0
    liquidate(run, ctx, i, ticks, at_ns)


@kernel
def may_happen(ctx, venue, i, held):
    """True when an order of ours rests in an instrument, or its bar comes to the price that liquidates."""
    bar = venue["bar"]
    if live_at(ctx, i, 0)["count"] + live_at(ctx, i, 1)["count"] > 0:
        return True
    return held != 0 and (bar["low_ticks"] <= venue["liquidation_low"] or bar["high_ticks"] >= venue["liquidation_high"])


@kernel
def begin_range(run, ctx):
    """Leave the open: from here on each bar is lived through along its path."""
    for i in range(ctx["n"]):
        venue = bar_venue_at(run, i)
        if venue["phase"] == AT_OPEN:
            bar = venue["bar"]
            held = position_at(ctx, i)["position_lots"]
            venue["direction"] = first_direction(held, bar["open_ticks"], bar["high_ticks"], bar["low_ticks"])
            venue["at_ticks"] = bar["open_ticks"]
            venue["opened_leg"] = 0
            venue["phase"] = FIRST_LEG
    run["ranging"] = 0
    run["stage"] = RANGING


@kernel
def leg_end(venue):
    """Where the present leg leads, and its direction."""
    bar, direction = venue["bar"], venue["direction"]
    if venue["phase"] == SECOND_LEG:
        direction = -direction
    if venue["phase"] == LAST_LEG:
        return np.int64(bar["close_ticks"]), direction
    return np.int64(bar["high_ticks"] if direction > 0 else bar["low_ticks"]), direction


@kernel
def too_kind(venue, order, side, held, ticks):
    """True for a profit that the bar does not prove: closing after the first leg what was opened on it.

    The price may have been there before the position was. When the bar closes at or beyond it, it was there after.
    """
    if venue["phase"] < SECOND_LEG or venue["opened_leg"] != FIRST_LEG or held * side >= 0 or order["stop_ticks"] != 0:
        return False
    return (venue["bar"]["close_ticks"] - ticks) * side > 0


@kernel
def has_volume(venue, order, side, held):
    """True when what is left of the bar's volume lets an order act: anything, but for FOK all that it wants."""
    if order["tif"] != FOK or order["flags"] & MARKET:
        return venue["lots_left"] > 0
    wanted = order["leaves_lots"]
    if order["flags"] & REDUCE_ONLY:
        wanted = min(wanted, max(np.int64(0), -side * held))
    return wanted <= venue["lots_left"]


@kernel
def next_on_leg(run, ctx, i, venue, end_ticks, direction):
    """Slot of the order that the price meets first on the present leg, and where; NO_SLOT when there is none."""
    held = position_at(ctx, i)["position_lots"]
    by_touch = model_of(run)["touch"] != 0
    best, best_ticks, best_stops = np.int64(NO_SLOT), np.int64(0), False
    for index in range(2):
        side = 1 if index == 0 else -1
        slot = np.int64(live_at(ctx, i, index)["first"]) if live_at(ctx, i, index)["count"] > 0 else np.int64(NO_SLOT)
        while slot >= 0:
            order = order_at(ctx, slot)
            waits = order["order_id"] >= venue["first_id"] and venue["fills"] >= FILLS_MAX
            if is_live(order) and not waits:
                stop, market = order["stop_ticks"], order["flags"] & MARKET != 0
                ticks = leg_price(side, order["price_ticks"], stop, market, direction, venue["at_ticks"], end_ticks, by_touch)
                acts = ticks != NEVER and (stop != 0 or has_volume(venue, order, side, held))
                if acts and not too_kind(venue, order, side, held, ticks):
                    nearer = (best_ticks - ticks) * direction
                    if best < 0 or nearer > 0 or (nearer == 0 and stop != 0 and not best_stops):
                        best, best_ticks, best_stops = slot, ticks, stop != 0
            slot = np.int64(order["next"])
    return best, best_ticks


@kernel
def range_turn(run, ctx):
    """Do the next thing that happens inside this step's bars; False when all of them are over."""
    while run["ranging"] < ctx["n"]:
        i = run["ranging"]
        venue = bar_venue_at(run, i)
        while FIRST_LEG <= venue["phase"] <= LAST_LEG:
            # Asked only now: what happened in the bars of other instruments may have led to orders in this one.
            if not may_happen(ctx, venue, i, position_at(ctx, i)["position_lots"]):
                venue["phase"] = OVER
                break
            if leg_turn(run, ctx, i, venue):
                return True
            end_ticks, _ = leg_end(venue)
            venue["at_ticks"] = end_ticks
            venue["phase"] += 1
        run["ranging"] += 1
    return False


@kernel
def leg_turn(run, ctx, i, venue):
    """Do the next thing that happens on the present leg of an instrument's bar."""
    end_ticks, direction = leg_end(venue)
    held = position_at(ctx, i)["position_lots"]
    if held == 0 and live_at(ctx, i, 0)["count"] + live_at(ctx, i, 1)["count"] == 0:
        return False
    at_ns = venue["bar"]["close_ns"] - 1
    if expire_reducing(run, ctx, i, held):
        return True
    forced = venue["liquidation_low"] if held > 0 else venue["liquidation_high"]
    reached = held != 0 and (held > 0) == (direction < 0) and (end_ticks - forced) * direction >= 0
    while True:
        slot, ticks = next_on_leg(run, ctx, i, venue, end_ticks, direction)
        if reached and (venue["forced_id"] != 0 or slot < 0 or (ticks - forced) * direction > 0):
            # It may lie behind the price already, when a fill of this bar moved it.
            at = forced if (forced - venue["at_ticks"]) * direction > 0 else venue["at_ticks"]
            close_by_force(run, ctx, i, at, at_ns)
            venue["at_ticks"] = at
            return True
        if slot < 0:
            return False
        order = order_at(ctx, slot)
        venue["at_ticks"] = ticks
        market, stopped = order["flags"] & MARKET != 0, order["stop_ticks"] != 0
        better = (order["price_ticks"] - ticks) * order["side"]
        order["stop_ticks"] = 0
        # A stop-limit whose limit lies behind it rests from here on; what is met beyond its own price takes.
        if market or not stopped or better >= 0:
            if fill_order(run, ctx, slot, ticks, market or stopped or better > 0, at_ns):
                return True
            if not stopped:
                return False


@kernel
def expire_reducing(run, ctx, i, held):
    """End the next reduce-only order that has nothing to reduce any more."""
    for index in range(2):
        side = 1 if index == 0 else -1
        slot = live_at(ctx, i, index)["first"] if live_at(ctx, i, index)["count"] > 0 else NO_SLOT
        while slot >= 0:
            order = order_at(ctx, slot)
            if is_live(order) and order["flags"] & REDUCE_ONLY and held * side >= 0:
                end_order(run, ctx, order, WOULD_INCREASE)
                return True
            slot = order["next"]
    return False


@kernel
def fill_at_close(run, ctx, i, index):
    """Fill the next market order of an instrument and side at the close of the bar that has just ended."""
    venue = bar_venue_at(run, i)
    bar = venue["bar"]
    # An instrument without a bar at this close has no price to fill at.
    ends_now = venue["phase"] == OVER and bar["close_ns"] == ctx["now_ns"] and venue["fills"] < FILLS_MAX
    slot = live_at(ctx, i, index)["first"] if ends_now else NO_SLOT
    while slot >= 0:
        order = order_at(ctx, slot)
        after = order["next"]
        waits = is_live(order) and order["flags"] & MARKET and order["stop_ticks"] == 0
        if waits and fill_order(run, ctx, slot, bar["close_ticks"], True, bar["close_ns"]):
            return True
        slot = after
    return False


@kernel
def close_turn(run, ctx):
    """Fill the next market order at the close of the bar that it was sent at."""
    for reducing in range(2):
        for i in range(ctx["n"]):
            held = position_at(ctx, i)["position_lots"]
            for index in range(2):
                side = 1 if index == 0 else -1
                if (held * side < 0) != (reducing == 0) or live_at(ctx, i, index)["count"] == 0:
                    continue
                if fill_at_close(run, ctx, i, index):
                    return True
    return False


@late_kernel(VENUE_TURN)
def venue_turn(address):
    """Do the next thing that the venue does at this stage; 0 when nothing is left of it."""
    run = record_at(address, BAR_RUN)
    ctx = record_at(run["context"], CONTEXT)
    if run["stage"] == SHOWN:
        return 1 if close_turn(run, ctx) else 0
    if run["stage"] == RANGING:
        return 1 if range_turn(run, ctx) else 0
    if open_turn(run, ctx):
        return 1
    begin_range(run, ctx)
    return 1 if range_turn(run, ctx) else 0


call_venue = calls(VENUE_TURN, otherwise=venue_turn)


@late_kernel("void(uintp)")
def next_answer(address):
    """Bring the next answer of the ring to the world."""
    run = record_at(address, BAR_RUN)
    ctx = record_at(run["context"], CONTEXT)
    event = record_at(run["answers"] + np.uint64(run["answer_head"] % run["answer_size"]) * EVENT_SIZE, EVENT)
    run["answer_head"] += 1
    deliver(run, ctx, event)


call_next_answer = calls("void(uintp)", otherwise=next_answer)
