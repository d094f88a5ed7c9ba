"""Executions of a run over bars: book one, tell the ledger, the logs and the figures of a point, and what follows from it."""

import numpy as np

from b25.engine.apply import CALL_FILL, CALL_ORDER, apply_order
from b25.engine.bar_marks import mark_event, point_of
from b25.engine.bar_money import affordable_lots, bar_venue_at, may_short, model_of, pay_borrowing, set_liquidations
from b25.engine.logs import log_fill, log_order
from b25.engine.records import ON_FILL, ON_ORDER
from b25.kernels.address import record_at
from b25.kernels.bar_rules import slipped
from b25.kernels.bar_tape import set_clock, set_touch
from b25.kernels.jit import kernel
from b25.kernels.ledger import notional, share
from b25.kernels.units import money_of
from b25.kernels.world import instrument_at, order_at, position_at
from b25.model.event import EVENT, MAKER, ORDER_EXPIRED, ORDER_FILLED
from b25.model.order import MARKET, ORDER, REDUCE_ONLY, Reason, Tif
from b25.model.world import FEES
from b25.venue.fees import fee_of

FOK = int(Tif.FOK)
MOST_E8 = 2**62
RATE_E8_MAX = 1_000_000  # the largest fee that b25.venue.models takes, as a ratio in 1e-8
FEES_SIZE, EVENT_SIZE = np.uint64(FEES.itemsize), np.uint64(EVENT.itemsize)
INSUFFICIENT, WOULD_INCREASE, NO_SHORT = int(Reason.INSUFFICIENT_FUNDS), int(Reason.WOULD_INCREASE), int(Reason.SHORT_NOT_ALLOWED)


@kernel
def fees_of(run, ctx, i):
    """Return the FEES record of an instrument."""
    return record_at(run["fees"] + np.uint64(i) * FEES_SIZE, FEES)


@kernel
def answer_of(run):
    """Return the EVENT in which an answer of the venue is made; it lies behind the ring."""
    event = record_at(run["answers"] + np.uint64(run["answer_size"]) * EVENT_SIZE, EVENT)
    event["seq"] = 0
    event["amount"] = 0
    event["flags"] = 0
    event["status"] = 0
    return event


@kernel
def deliver(run, ctx, event):
    """Bring one answer to the world and note what it calls for."""
    finished = record_at(run["finished"], ORDER)
    ctx["i"] = event["instrument"]
    run["unworked"] = 1
    calls = apply_order(ctx, event, finished)
    if event["kind"] == ORDER_FILLED and run["compact"] == 0:
        log_fill(run, ctx, event)
    if finished["state"] != 0 and run["compact"] == 0:
        log_order(run, finished)
    if calls & CALL_FILL:
        run["pending"] |= ON_FILL
    if calls & CALL_ORDER:
        run["pending"] |= ON_ORDER


@kernel
def end_order(run, ctx, order, reason):
    """Let the venue end an order that is still live."""
    event = answer_of(run)
    event["kind"] = ORDER_EXPIRED
    event["order_id"] = order["order_id"]
    event["instrument"] = order["instrument"]
    event["side"] = order["side"]
    event["price_ticks"] = order["price_ticks"]
    event["qty_lots"] = order["leaves_lots"]
    event["exch_ns"] = ctx["now_ns"]
    event["local_ns"] = ctx["now_ns"]
    event["status"] = reason
    deliver(run, ctx, event)


@kernel
def fill_order(run, ctx, slot, level_ticks, takes, at_ns):
    """Fill an order at a price, as far as its bar, its account and its flags allow; returns whether anything happened.

    Parameters
    ----------
    run : BAR_RUN record
    ctx : CONTEXT record
    slot : int
        Of the order in its table.
    level_ticks : int
        Price before slippage.
    takes : bool
        Whether it takes liquidity: slippage and the taker's fee are its.
    at_ns : int
    """
    order = order_at(ctx, slot)
    i, side, lots, flags = np.int64(order["instrument"]), np.int64(order["side"]), order["leaves_lots"], order["flags"]
    venue, model, fees = bar_venue_at(run, i), model_of(run), fees_of(run, ctx, i)
    position = position_at(ctx, i)
    set_clock(ctx, at_ns)
    set_touch(ctx, i, level_ticks, at_ns)
    if flags & REDUCE_ONLY:
        lots = min(lots, max(np.int64(0), -side * position["position_lots"]))
        if lots == 0:
            end_order(run, ctx, order, WOULD_INCREASE)
            return True
    wanted = lots
    lots = min(lots, venue["lots_left"])
    if lots == 0 or (order["tif"] == FOK and lots < wanted):
        return False
    ticks = np.int64(level_ticks)
    if takes:
        slip, impact = model["slippage_e12"], model["impact_e12"]
        ticks = slipped(side, level_ticks, slip, impact, lots, venue["bar"]["volume_lots"])
        if not flags & MARKET:
            ticks = min(ticks, order["price_ticks"]) if side > 0 else max(ticks, order["price_ticks"])
    value, flat = notional(instrument_at(ctx, i), ticks, lots), fees["flat_e8"]
    rate = (fee_of(fees, value, lots, not takes, position["volume"]) - flat) / 1e8 / max(value, 1)
    # What the account is worth is judged at the price of the fill, slippage included; the market is where it was.
    set_touch(ctx, i, ticks, at_ns)
    paid_for = affordable_lots(run, ctx, i, side, lots, ticks, rate, money_of(instrument_at(ctx, i), flat / 1e8))
    set_touch(ctx, i, level_ticks, at_ns)
    refuse = INSUFFICIENT if side > 0 or may_short(model, venue) else NO_SHORT
    if paid_for == 0 or (order["tif"] == FOK and paid_for < lots):
        end_order(run, ctx, order, refuse)
        return True
    short_of_money = paid_for < lots
    order_id = order["order_id"]
    execute(run, ctx, i, order_id, side, ticks, paid_for, takes, at_ns)
    mark_event(run, ctx)
    set_liquidations(run, ctx)
    if order["order_id"] == order_id and order["state"] != 0:
        if short_of_money:
            end_order(run, ctx, order, refuse)
        elif flags & REDUCE_ONLY and position["position_lots"] * side >= 0:
            end_order(run, ctx, order, WOULD_INCREASE)
    return True


@kernel
def execute(run, ctx, i, order_id, side, ticks, lots, takes, at_ns):
    """Book one execution, at its fee."""
    instrument, fees, venue = instrument_at(ctx, i), fees_of(run, ctx, i), bar_venue_at(run, i)
    position = position_at(ctx, i)
    fee_e8 = fee_of(fees, notional(instrument, ticks, lots), lots, not takes, position["volume"])
    held = position["position_lots"]
    pay_borrowing(run, ctx, i, at_ns)
    event = answer_of(run)
    event["kind"] = ORDER_FILLED
    event["order_id"] = order_id
    event["instrument"] = i
    event["side"] = side
    event["price_ticks"] = ticks
    event["qty_lots"] = lots
    event["amount"] = fee_e8
    event["flags"] = 0 if takes else MAKER
    event["exch_ns"] = at_ns
    event["local_ns"] = at_ns
    deliver(run, ctx, event)
    venue["lots_left"] = max(np.int64(0), venue["lots_left"] - lots)
    venue["fills"] += 1
    now_held = position["position_lots"]
    if abs(now_held) > abs(held) or (now_held > 0 and held < 0) or (now_held < 0 and held > 0):
        venue["opened_leg"] = venue["phase"]
    if run["compact"] != 0:
        count_trade(run, venue, position, instrument, held, side, lots, fee_e8)


@kernel
def count_trade(run, venue, position, instrument, held, side, lots, fee_e8):
    """Count a trade of a point when the position has come back to flat or gone through it; the fee is shared by quantity."""
    point = point_of(run)
    point["fills"] += 1
    if held * side >= 0 or lots < abs(held):
        return
    opening = lots - abs(held)
    fees = position["fees"] + position["fees_e8"] / 1e8
    opening_fee = fee_e8 / 1e8 * (opening / lots)
    earned = position["realised"] - fees + opening_fee
    net = money_of(instrument, earned - venue["earned"])
    venue["earned"] = earned
    point["trades"] += 1
    if net > 0.0:
        point["wins"] += 1
        point["win_money"] += net
    elif net < 0.0:
        point["losses"] += 1
        point["loss_money"] -= net


@kernel
def liquidate(run, ctx, i, ticks, at_ns):
    """Close what is held of an instrument at a price, whatever it costs; the venue bears what the margin does not."""
    model, instrument, position = model_of(run), instrument_at(ctx, i), position_at(ctx, i)
    held = position["position_lots"]
    margin = share(abs(position["cost"]), np.int64(1_000_000), np.int64(max(1.0, model["leverage"]) * 1e6))
    before = position["realised"] - position["fees"]
    set_clock(ctx, at_ns)
    set_touch(ctx, i, ticks, at_ns)
    side = -1 if held > 0 else 1
    fees = fees_of(run, ctx, i)
    kept = fees["flat_e8"]
    left = abs(held)
    while left > 0:
        # In parts of which each one's fee fits: this fee is larger than the one that bounds the value of an order.
        lots = left
        while lots > 1 and notional(instrument, ticks, lots) > MOST_E8 // (model["liquidation_fee_e8"] + RATE_E8_MAX):
            lots = (lots + 1) // 2
        fees["flat_e8"] = kept + notional(instrument, ticks, lots) * model["liquidation_fee_e8"]
        execute(run, ctx, i, np.int64(0), side, ticks, lots, True, at_ns)
        left -= lots
    fees["flat_e8"] = kept
    lost = before - position["realised"] + position["fees"] + 1
    if model["isolated"] != 0 and lost > margin:
        position["insurance"] += lost - margin
    mark_event(run, ctx)
    set_liquidations(run, ctx)
