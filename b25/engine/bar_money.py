"""Money of a run over bars beside its fills: what an order may cost, funding, borrowing, and the price that liquidates."""

import math

import numpy as np

from b25.engine.bar_marks import equity_now
from b25.kernels.address import array_at, record_at
from b25.kernels.jit import kernel
from b25.kernels.ledger import E12, book_funding, notional, scaled, unrealised
from b25.kernels.margin import maintenance_margin, tiered_liquidation_price
from b25.kernels.units import money_of
from b25.kernels.world import book_at, instrument_at, position_at
from b25.model.bar import FUNDING_RATE
from b25.model.bar_run import BAR_MODEL, BAR_VENUE
from b25.model.event import SELL
from b25.model.margin import TIERS

DAY_NS = 86_400_000_000_000
NO_LOW, NO_HIGH = -1, 2**31
# Part of a lot's cost by which rounding may overstate it: buying all that the cash pays for must not fail by a hair.
HAIR = 1e-9
VENUE_SIZE = np.uint64(BAR_VENUE.itemsize)


@kernel
def model_of(run):
    """Return the BAR_MODEL record."""
    return record_at(run["model"], BAR_MODEL)


@kernel
def bar_venue_at(run, i):
    """Return the BAR_VENUE of instrument `i`."""
    return record_at(run["venues"] + np.uint64(i) * VENUE_SIZE, BAR_VENUE)


@kernel
def value_of(instrument, ticks, lots):
    """Absolute value of so many lots at a price, settlement currency; float."""
    return money_of(instrument, notional(instrument, ticks, abs(lots)))


@kernel
def exposure_of_others(ctx, i):
    """Absolute value of everything held in other instruments at their last prices, settlement currency."""
    total = 0.0
    for j in range(ctx["n"]):
        if j != i and position_at(ctx, j)["position_lots"] != 0:
            total += value_of(instrument_at(ctx, j), book_at(ctx, j)["best_bid_ticks"], position_at(ctx, j)["position_lots"])
    return total


@kernel
def may_short(model, venue):
    """True when more of an instrument may be sold than is held."""
    return model["short"] == 1 or (model["short"] != 0 and venue["spot"] == 0)


@kernel
def affordable_lots(run, ctx, i, side, lots, ticks, fee_rate, flat):
    """How many of `lots` the account can take at a price: all that reduces, and of the rest what its equity carries.

    The value held after the fill, in all instruments, may not exceed leverage x equity at these prices, the fee paid. The
    touch of the instrument is the price of the fill.

    Parameters
    ----------
    run : BAR_RUN record
    ctx : CONTEXT record
    i, side, lots, ticks : int
    fee_rate, flat : float
        Fee as a ratio of the value, and what every fill costs beside it, settlement currency.
    """
    model = model_of(run)
    held = position_at(ctx, i)["position_lots"]
    closing = np.int64(0)
    if held * side < 0:
        closing = min(abs(held), lots)
    opening = lots - closing
    if opening == 0:
        return lots
    if side == SELL and not may_short(model, bar_venue_at(run, i)):
        return closing
    instrument = instrument_at(ctx, i)
    leverage = model["leverage"]
    unit = value_of(instrument, ticks, 1)
    fees = fee_rate * unit
    keeps = abs(held) if held * side > 0 else np.int64(0)
    room = leverage * (equity_now(run, ctx) - fees * closing - flat) - exposure_of_others(ctx, i) - unit * keeps
    each = unit + leverage * max(fees, 0.0)
    if each * opening * (1.0 - HAIR) <= room:
        return lots
    if not room > 0.0:
        return closing
    return closing + min(opening, np.int64(math.floor(room / each * (1.0 + HAIR))))


@kernel
def pay_funding(run, ctx, i, rate_e12, mark_ticks):
    """Book one payment of funding: a long pays a positive rate, a short receives it."""
    book_funding(position_at(ctx, i), instrument_at(ctx, i), rate_e12, mark_ticks)


@kernel
def funding_due(run, ctx, i, until_ns):
    """True when a payment of an instrument is due by then."""
    venue = bar_venue_at(run, i)
    if venue["funding_next"] >= venue["funding_count"]:
        return False
    return array_at(venue["funding"], venue["funding_count"], FUNDING_RATE)[venue["funding_next"]]["time_ns"] <= until_ns


@kernel
def take_funding(run, ctx, i):
    """Let the next payment of an instrument happen, at its own mark or else at the last price; returns whether it was held."""
    venue = bar_venue_at(run, i)
    payment = array_at(venue["funding"], venue["funding_count"], FUNDING_RATE)[venue["funding_next"]]
    venue["funding_next"] += 1
    if position_at(ctx, i)["position_lots"] == 0:
        return False
    mark = payment["mark_ticks"]
    if mark == 0:
        mark = book_at(ctx, i)["best_bid_ticks"]
    pay_funding(run, ctx, i, payment["rate_e12"], mark)
    return True


@kernel
def spot_bought(run, ctx):
    """Value of all spot held long at the last prices, settlement currency."""
    total = 0.0
    for j in range(ctx["n"]):
        held = position_at(ctx, j)["position_lots"]
        if bar_venue_at(run, j)["spot"] != 0 and held > 0:
            total += value_of(instrument_at(ctx, j), book_at(ctx, j)["best_bid_ticks"], held)
    return total


@kernel
def pay_borrowing(run, ctx, i, now_ns):
    """Charge what is borrowed since it was last charged: a spot short by its value, spot bought beyond the equity by the debt.

    A debt is shared by the spot instruments held long, in proportion to their values.
    """
    model, venue = model_of(run), bar_venue_at(run, i)
    since, venue["borrowed_ns"] = venue["borrowed_ns"], now_ns
    position, instrument = position_at(ctx, i), instrument_at(ctx, i)
    held = position["position_lots"]
    if model["borrow_day_e12"] == 0 or venue["spot"] == 0 or held == 0 or since == 0:
        return False
    owed = notional(instrument, book_at(ctx, i)["best_bid_ticks"], abs(held))
    if held > 0:
        bought = spot_bought(run, ctx)
        owed = np.int64(owed * max(0.0, 1.0 - equity_now(run, ctx) / bought)) if bought > 0.0 else np.int64(0)
    rate_e12 = min(np.int64(model["borrow_day_e12"] * ((now_ns - since) / DAY_NS)), np.int64(E12))
    position["borrow"] += scaled(owed, rate_e12)
    return owed > 0


@kernel
def set_liquidations(run, ctx):
    """Work out the prices at which the venue would close each instrument."""
    for j in range(ctx["n"]):
        set_liquidation(run, ctx, j)


@kernel
def set_liquidation(run, ctx, i):
    """Work out at which low or high the venue would close what is held of an instrument, the others' prices as they are."""
    venue, model = bar_venue_at(run, i), model_of(run)
    venue["liquidation_low"] = NO_LOW
    venue["liquidation_high"] = NO_HIGH
    held = position_at(ctx, i)["position_lots"]
    if held == 0 or model["liquidates"] == 0:
        return
    instrument = instrument_at(ctx, i)
    tiers = record_at(venue["tiers"], TIERS)
    inverse = instrument["inverse"] != 0
    wallet, demanded, earned = 0.0, 0.0, 0.0
    if model["isolated"] != 0:
        wallet = money_of(instrument, abs(position_at(ctx, i)["cost"])) / model["leverage"]
    else:
        wallet = equity_now(run, ctx)
        for j in range(ctx["n"]):
            if position_at(ctx, j)["position_lots"] == 0:
                continue
            mark = book_at(ctx, j)["best_bid_ticks"]
            open_profit = money_of(instrument_at(ctx, j), unrealised(position_at(ctx, j), instrument_at(ctx, j), 2 * mark))
            wallet -= open_profit
            if j != i:
                other = record_at(bar_venue_at(run, j)["tiers"], TIERS)
                demanded += maintenance_margin(other, value_of(instrument_at(ctx, j), mark, position_at(ctx, j)["position_lots"]))
                earned += open_profit
    side = 1 if held > 0 else -1
    tick = instrument["tick_num"] / instrument["tick_den"]
    if inverse:
        entry = abs(held) * (instrument["inverse_num"] / abs(position_at(ctx, i)["cost"])) * tick
        quantity = money_of(instrument, abs(held) * float(instrument["inverse_num"])) * tick
    else:
        entry = position_at(ctx, i)["cost"] / held * tick
        quantity = money_of(instrument, float(abs(held))) / tick
    price = tiered_liquidation_price(tiers, wallet, demanded, earned, side, quantity, entry, 0.0, inverse)
    if not price > 0.0:
        return
    ticks = min(price / tick, float(NO_HIGH))
    if held > 0:
        venue["liquidation_low"] = np.int64(math.floor(ticks + 1e-9))
    else:
        venue["liquidation_high"] = np.int64(math.ceil(ticks - 1e-9))
