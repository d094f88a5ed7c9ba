"""The controls of the gate beyond its first six, each a condition that must hold; what does not hold is a bit of the verdict.

All of them are evaluated, whatever the first says. What cannot be known does not hold.
"""

import numpy as np

from b25.kernels.book_reads import cost_to_fill
from b25.kernels.jit import kernel
from b25.kernels.risk_meters import equity_of, keeps, latch, mark2_of, requests_per_fill
from b25.kernels.world import (
    bits_of,
    books_of,
    far_of,
    instruments_of,
    limits_of,
    live_at,
    lots_of,
    order_at,
    positions_of,
    risk_of,
)
from b25.model.event import BUY, NO_ASK_TICKS, NO_BID_TICKS
from b25.model.order import MARKET, Pending
from b25.model.risk import RECENT, REDUCING, STOPPED, Control
from b25.model.world import NO_LIMIT, TRADING_NOTHING, TRADING_REDUCES

ONE = np.int64(1)
NO_MARKET = ONE << int(Control.MARKET)
STATE_STOPPED, STATE_REDUCING = ONE << int(Control.STATE_STOPPED), ONE << int(Control.STATE_REDUCING)
RESTRICTED, SYMBOL_REDUCING = ONE << int(Control.RESTRICTED), ONE << int(Control.SYMBOL_REDUCING)
DATA_AGE, CLOCK_SKEW = ONE << int(Control.DATA_AGE), ONE << int(Control.CLOCK_SKEW)
SPREAD, DIVERGENCE = ONE << int(Control.SPREAD), ONE << int(Control.DIVERGENCE)
SLIPPAGE, THROUGH = ONE << int(Control.SLIPPAGE), ONE << int(Control.THROUGH)
ORDER_QTY, ADV_SHARE = ONE << int(Control.ORDER_QTY), ONE << int(Control.ADV_SHARE)
DUPLICATES, SELF_CROSS = ONE << int(Control.DUPLICATES), ONE << int(Control.SELF_CROSS)
EQUITY_UNKNOWN = ONE << int(Control.EQUITY_UNKNOWN)
PER_FILL = int(Control.ORDERS_PER_FILL)
GROSS, NET = int(Control.GROSS), int(Control.NET)
CONCENTRATION, LEVERAGE = int(Control.CONCENTRATION), int(Control.LEVERAGE)
MODIFY = int(Pending.MODIFY)
# A ratio such as 0.3 is no float's exact value: so much of a limit is forgiven.
SLACK = 1.0 + 1e-12


@kernel
def stands_open(ctx, i, reduces):
    """Verdict on the state of the session and of the instrument, for whatever is new."""
    state = risk_of(ctx)["state"]
    trading = limits_of(ctx)[i]["trading"]
    verdict = np.int64(0)
    if state == STOPPED:
        verdict |= STATE_STOPPED
    if trading == TRADING_NOTHING:
        verdict |= RESTRICTED
    if reduces:
        return verdict
    if state == REDUCING:
        verdict |= STATE_REDUCING
    if trading == TRADING_REDUCES:
        verdict |= SYMBOL_REDUCING
    return verdict


@kernel
def break_controls(ctx, i, side, price, lots, added_lots, flags, stops):
    """Verdict on an order that adds risk.

    Parameters
    ----------
    i, side : int
    price : int
        Ticks; of a market order the touch that it would take, of a stop its own or the one it triggers at.
    lots, added_lots : int
        What the order would have at the venue in all, and how much of it is new.
    flags : int
    stops : bool
        True for an order that waits for its price.
    """
    risk, own, account = risk_of(ctx), limits_of(ctx)[i], limits_of(ctx)[0]
    book = books_of(ctx)[i]
    verdict = risk["latched"]
    verdict |= break_data(ctx, i, own, book)
    verdict |= break_price(ctx, i, own, book, side, price, lots, flags, stops)
    if own["order_lots_max"] != NO_LIMIT and lots > own["order_lots_max"]:
        verdict |= ORDER_QTY
    if own["adv_lots_max"] != NO_LIMIT and lots > own["adv_lots_max"]:
        verdict |= ADV_SHARE
    if own["no_self_cross"] != NO_LIMIT and not stops and crosses_own(ctx, i, book, side, price, lots, flags):
        verdict |= SELF_CROSS
    if account["duplicates_max"] != NO_LIMIT:
        key = recent_key(i, side, flags)
        if count_recent(risk, ctx["now_ns"] - account["duplicates_window_ns"], key, price, lots) >= account["duplicates_max"]:
            verdict |= DUPLICATES
    if account["orders_per_fill_max"] > 0 and requests_per_fill(ctx, risk, 1) > account["orders_per_fill_max"]:
        verdict |= ONE << PER_FILL
        latch(risk, PER_FILL, ctx["now_ns"])
    return verdict | break_account(ctx, i, side, added_lots, risk, account)


@kernel
def break_data(ctx, i, own, book):
    """Verdict on the market data that an order is judged by."""
    now_ns = ctx["now_ns"]
    verdict = np.int64(0)
    oldest_ns = own["data_age_ns_max"]
    if oldest_ns != NO_LIMIT:
        for j in range(ctx["n"]):
            if (j == i or positions_of(ctx)[j]["position_lots"] != 0) and now_ns - books_of(ctx)[j]["local_ns"] > oldest_ns:
                verdict |= DATA_AGE
    if own["clock_skew_ns_max"] != NO_LIMIT:
        newest_ns = max(book["exch_ns"], book["last_trade_ns"])
        if abs(book["local_ns"] - newest_ns) > own["clock_skew_ns_max"]:
            verdict |= CLOCK_SKEW
    mark2 = mark2_of(book)
    if own["spread_max"] > 0:
        if mark2 == 0:
            verdict |= NO_MARKET
        elif (book["best_ask_ticks"] - book["best_bid_ticks"]) * 2.0 > mark2 * own["spread_max"] * SLACK:
            verdict |= SPREAD
    if own["divergence_max"] > 0:
        last = book["last_trade_ticks"]
        if mark2 == 0:
            verdict |= NO_MARKET
        elif last == NO_BID_TICKS or abs(2.0 * last - mark2) > mark2 * own["divergence_max"] * SLACK:
            verdict |= DIVERGENCE
    return verdict


@kernel
def break_price(ctx, i, own, book, side, price, lots, flags, stops):
    """Verdict on what an order would pay."""
    verdict = np.int64(0)
    market = flags & MARKET != 0
    touch = book["best_ask_ticks"] if side == BUY else book["best_bid_ticks"]
    known = touch != NO_ASK_TICKS and touch != NO_BID_TICKS
    if own["through_max"] > 0 and not market and not stops:
        if not known:
            verdict |= NO_MARKET
        elif (price - touch) * side > touch * own["through_max"] * SLACK:
            verdict |= THROUGH
    if own["slippage_max"] > 0 and market and not stops:
        mark2 = mark2_of(book)
        if mark2 == 0:
            return verdict | NO_MARKET
        shown = book["best_ask_lots"] if side == BUY else book["best_bid_lots"]
        cost, left = lots * touch, np.int64(0)
        if lots > shown:
            # Beyond the touch only a book that is kept can tell.
            left = lots - shown
            if ctx["depth_kept"] != 0:
                index = 1 if side == BUY else 0
                cost, left = cost_to_fill(book, lots_of(ctx, i), bits_of(ctx, i), far_of(ctx, i), index, lots)
        if left > 0 or (2.0 * cost / lots - mark2) * side > mark2 * own["slippage_max"] * SLACK:
            verdict |= SLIPPAGE
    return verdict


@kernel
def crosses_own(ctx, i, book, side, price, lots, flags):
    """True when an order would meet one of ours that rests, or is on its way, on the other side."""
    reach = price
    if flags & MARKET:
        shown = book["best_ask_lots"] if side == BUY else book["best_bid_lots"]
        if lots > shown:
            reach = np.int64(NO_ASK_TICKS) if side == BUY else np.int64(NO_BID_TICKS)
    ends = live_at(ctx, i, 1 if side == BUY else 0)
    slot = ends["first"] if ends["count"] > 0 else -1
    while slot >= 0:
        order = order_at(ctx, slot)
        if order["stop_ticks"] == 0 and not order["flags"] & MARKET:
            if (reach - order["price_ticks"]) * side >= 0:
                return True
            if order["pending"] == MODIFY and (reach - order["want_price_ticks"]) * side >= 0:
                return True
        slot = order["next"]
    return False


@kernel
def recent_key(i, side, flags):
    """Number of an instrument, a side and whether the order takes the market's price."""
    return np.int64(4 * i + (2 if side == BUY else 0) + (1 if flags & MARKET else 0))


@kernel
def count_recent(risk, since_ns, key, price, lots):
    """Approved orders like this one after a time; a market order's price is not compared."""
    found = 0
    for k in range(min(risk["recent"], RECENT)):
        priced = (key & 1) == 1 or risk["recent_price"][k] == price
        same = priced and risk["recent_key"][k] == key and risk["recent_lots"][k] == lots
        if same and risk["recent_ns"][k] > since_ns:
            found += 1
    return found


@kernel
def note_recent(ctx, intent):
    """Remember an approved order."""
    risk = risk_of(ctx)
    k = risk["recent"] % RECENT
    risk["recent_ns"][k] = ctx["now_ns"]
    risk["recent_price"][k] = intent["price_ticks"]
    risk["recent_lots"][k] = intent["qty_lots"]
    risk["recent_key"][k] = recent_key(np.int64(intent["instrument"]), intent["side"], intent["flags"])
    risk["recent"] += 1


@kernel
def worth(instrument, mark2, signed_lots):
    """Exposure of a holding, settlement currency, signed as the holding."""
    if instrument["inverse_num"] == 0:
        value = signed_lots * (mark2 / 2.0)
    else:
        value = signed_lots * (instrument["inverse_num"] / (mark2 / 2.0))
    return value * instrument["money_num"] / instrument["money_den"]


@kernel
def break_account(ctx, i, side, added_lots, risk, limits):
    """Verdict on what the account would come to: positions with all that is under way, each at its worst, and this order."""
    gross_max, net_max = limits["gross_max"], limits["net_max"]
    shares = limits["concentration_max"] > 0 or limits["leverage_max"] > 0
    losses = limits["daily_loss_max"] > 0 or limits["drawdown_max"] > 0
    verdict = np.int64(0)
    equity = 0.0
    if shares or losses:
        equity = equity_of(ctx)
        if not np.isfinite(equity) or equity <= 0.0:
            verdict |= EQUITY_UNKNOWN
    if not shares and gross_max <= 0 and net_max <= 0:
        return verdict
    gross, net, here = 0.0, 0.0, 0.0
    positions, instruments = positions_of(ctx), instruments_of(ctx)
    for j in range(ctx["n"]):
        position = positions[j]
        held = position["position_lots"]
        up, down = held + position["open_buy_lots"], held - position["open_sell_lots"]
        if j == i and side == BUY:
            up += added_lots
        elif j == i:
            down -= added_lots
        if up == 0 and down == 0:
            continue
        mark2 = mark2_of(books_of(ctx)[j])
        if mark2 == 0:
            return verdict | NO_MARKET
        worst = abs(worth(instruments[j], mark2, max(abs(up), abs(down))))
        gross += worst
        net += worth(instruments[j], mark2, up if side == BUY else down)
        if j == i:
            here = worst
    if gross_max > 0 and not keeps(risk, GROSS, gross, gross_max * SLACK):
        verdict |= ONE << GROSS
    if net_max > 0 and not keeps(risk, NET, net * side, net_max * SLACK):
        verdict |= ONE << NET
    share = limits["concentration_max"]
    if equity > 0.0 and share > 0 and not keeps(risk, CONCENTRATION, here / equity, share * SLACK):
        verdict |= ONE << CONCENTRATION
    if equity > 0.0 and limits["leverage_max"] > 0 and not keeps(risk, LEVERAGE, gross / equity, limits["leverage_max"] * SLACK):
        verdict |= ONE << LEVERAGE
    return verdict


@kernel
def fill_bucket(tokens_e9, filled_ns, now_ns, rate, burst):
    """Tokens of a bucket now, in 1e-9."""
    full = burst * 1_000_000_000
    gained_ns = min(now_ns - filled_ns, full // max(rate, 1) + 1)
    return min(full, tokens_e9 + gained_ns * rate)


@kernel
def refill_messages(ctx, limits):
    """Bring the bucket of requests up to date; returns its tokens in 1e-9."""
    risk = risk_of(ctx)
    tokens = fill_bucket(
        risk["message_tokens_e9"], risk["message_filled_ns"], ctx["now_ns"], limits["messages_per_s_max"],
        limits["messages_burst_max"],
    )  # fmt: skip
    risk["message_tokens_e9"] = tokens
    risk["message_filled_ns"] = ctx["now_ns"]
    return tokens


@kernel
def spend_message(ctx):
    """Take the token of a request that leaves. Cancels and exits leave without one, too."""
    limits = limits_of(ctx)[0]
    if limits["messages_per_s_max"] == NO_LIMIT:
        return
    tokens = refill_messages(ctx, limits)
    risk_of(ctx)["message_tokens_e9"] = max(tokens - 1_000_000_000, 0)
