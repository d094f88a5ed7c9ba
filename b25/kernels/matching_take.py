"""How an order takes: whom it meets and in which order, what each execution changes, and what becomes of the rest."""

import numpy as np

from b25.kernels.jit import hot_kernel, inlined_kernel
from b25.kernels.matching_book import next_level, no_price
from b25.kernels.matching_events import (
    DONE,
    EXPIRED,
    IOC_LEFTOVER,
    NO_LIQUIDITY,
    NO_REASON,
    OPENED,
    POSITION_GONE,
    PREVENTED,
    TRADE,
    ZERO,
    end,
    say,
)
from b25.kernels.matching_queue import first_maker, give_slot, line_up, reducible, shrink, step_out
from b25.model.event import BUY
from b25.model.matching import ASKS, BIDS, BY_VALUE, MARKET, REDUCE_ONLY, Stp
from b25.model.order import Tif

NO_STP, EXPIRE_TAKER, EXPIRE_MAKER = int(Stp.NONE), int(Stp.EXPIRE_TAKER), int(Stp.EXPIRE_MAKER)
EXPIRE_BOTH, DECREMENT = int(Stp.EXPIRE_BOTH), int(Stp.DECREMENT)
GTC = int(Tif.GTC)


@hot_kernel
def is_short_of(book, order):
    """True when the market cannot fill an order whole now."""
    wanted = order["leaves_lots"]
    if order["flags"] & REDUCE_ONLY and reducible(book, order["account"], order["side"]) < wanted:
        return True
    return executable_lots(book, order["side"], order["price_ticks"], order["account"], order["stp"], wanted) < wanted


@hot_kernel
def executable_lots(book, side, price_ticks, account, stp, wanted):
    """Lots that a taker would get at a price or better (0: any), counted up to `wanted`.

    What a reduce-only order will give depends on the fills before it, so it is not counted on.
    """
    queue = ASKS if side == BUY else BIDS
    at, total = np.int64(book.head[0]["best_ticks"][queue]), ZERO
    while at != no_price(queue) and total < wanted and (price_ticks == 0 or (price_ticks - at) * side >= 0):
        page = np.int64(book.page_of[queue, np.uintp(at >> 8)]) - 1
        slot = np.int64(book.levels[np.uintp(page), np.uintp(at & 255)]["first"])
        while slot >= 0:
            maker = book.orders[slot]
            if stp != NO_STP and account != 0 and maker["account"] == account:
                if stp != EXPIRE_MAKER:
                    return total
            elif not maker["flags"] & REDUCE_ONLY:
                total += maker["leaves_lots"]
            slot = np.int64(maker["next"])
        at = next_level(book, queue, at)
    return total


@hot_kernel
def match(book, slot, budget):
    """Let an order take what it meets; then it rests or ends."""
    order = book.orders[slot]
    side, limit, flags, account = order["side"], order["price_ticks"], order["flags"], np.int64(order["account"])
    by_value, guarded = flags & BY_VALUE != 0, order["stp"] != NO_STP and account != 0
    while order["leaves_lots"] > 0 or by_value:
        maker_slot = first_maker(book, side)
        if maker_slot < 0:
            break
        maker = book.orders[maker_slot]
        price_ticks = maker["price_ticks"]
        if (limit != 0 and (limit - price_ticks) * side < 0) or (flags & REDUCE_ONLY and reducible(book, account, side) == 0):
            break
        if guarded and maker["account"] == account:
            if prevent(book, order, maker_slot):
                give_slot(book, slot)
                return
            continue
        lots = min(budget // price_ticks if by_value else order["leaves_lots"], maker["leaves_lots"])
        if lots == 0:
            break
        if flags & REDUCE_ONLY:
            lots = min(lots, reducible(book, account, side))
        if maker["flags"] & REDUCE_ONLY:
            lots = min(lots, reducible(book, maker["account"], maker["side"]))
        if by_value:
            budget -= lots * price_ticks
        else:
            order["leaves_lots"] -= lots
        trade(book, order, maker_slot, lots)
    finish(book, slot, budget)


@inlined_kernel
def finish(book, slot, budget):
    """Let what is left of an order rest, or end."""
    order = book.orders[slot]
    flags = order["flags"]
    if flags & BY_VALUE:
        order["leaves_lots"] = 0
        maker = first_maker(book, order["side"])
        spent = maker >= 0 and budget // book.orders[maker]["price_ticks"] == 0
        end(book, slot, DONE if spent else EXPIRED, NO_REASON if spent else NO_LIQUIDITY)
    elif order["leaves_lots"] == 0:
        give_slot(book, slot)
    elif flags & REDUCE_ONLY and reducible(book, order["account"], order["side"]) == 0:
        end(book, slot, EXPIRED, POSITION_GONE)
    elif flags & MARKET:
        end(book, slot, EXPIRED, NO_LIQUIDITY)
    elif order["tif"] != GTC:
        end(book, slot, EXPIRED, IOC_LEFTOVER)
    else:
        line_up(book, slot)
        say(book, OPENED, order, order["price_ticks"], order["leaves_lots"], order["leaves_lots"], NO_REASON)


@hot_kernel
def prevent(book, order, maker_slot):
    """Take from two orders of one account what self-trade prevention takes; True when the taker is gone."""
    maker, stp = book.orders[maker_slot], order["stp"]
    by_value = order["flags"] & BY_VALUE != 0
    less = min(order["leaves_lots"], maker["leaves_lots"])
    maker_loses = maker["leaves_lots"] if stp == EXPIRE_MAKER or stp == EXPIRE_BOTH else ZERO
    taker_loses = order["leaves_lots"] if stp == EXPIRE_TAKER or stp == EXPIRE_BOTH else ZERO
    if stp == DECREMENT and not by_value:
        maker_loses = taker_loses = less
    if by_value:
        taker_loses = ZERO  # a budget has no lots to take away: the order ends
    if maker_loses > 0:
        say(book, PREVENTED, maker, maker["price_ticks"], maker_loses, maker["leaves_lots"] - maker_loses, NO_REASON)
        shrink(book, maker_slot, maker_loses)
    if stp != EXPIRE_MAKER:
        order["leaves_lots"] -= taker_loses
        say(book, PREVENTED, order, order["price_ticks"], taker_loses, order["leaves_lots"], NO_REASON)
    return stp != EXPIRE_MAKER and (by_value or order["leaves_lots"] == 0)


@inlined_kernel
def trade(book, order, maker_slot, lots):
    """Book one execution: the event, the maker's rest, both positions, and what the price may set off."""
    head, maker = book.head[0], book.orders[maker_slot]
    price_ticks, account, maker_account = maker["price_ticks"], np.int64(order["account"]), np.int64(maker["account"])
    head["trade_id"] += 1
    head["last_ticks"] = price_ticks
    head["high_ticks"] = max(head["high_ticks"], price_ticks)
    head["low_ticks"] = min(head["low_ticks"], price_ticks) if head["low_ticks"] != 0 else price_ticks
    event = book.events[head["events"]]
    head["events"] += 1
    event["kind"], event["order_id"], event["account"], event["side"] = TRADE, order["order_id"], account, order["side"]
    event["price_ticks"], event["qty_lots"], event["leaves_lots"] = price_ticks, lots, order["leaves_lots"]
    event["maker_order_id"], event["maker_account"] = maker["order_id"], maker_account
    event["maker_leaves_lots"], event["trade_id"], event["reason"] = maker["leaves_lots"] - lots, head["trade_id"], NO_REASON
    shrink(book, maker_slot, lots)
    if account != 0:
        head["taken_lots"] += order["side"] * lots
        book.positions[account] += order["side"] * lots
    if maker_account != 0:
        book.positions[maker_account] -= order["side"] * lots
    if head["first_reducer"] >= 0:
        end_reducers(book, account)
        if maker_account != account:
            end_reducers(book, maker_account)


@hot_kernel
def end_reducers(book, account):
    """End an account's resting orders that may only reduce and have nothing left to reduce."""
    if account == 0:
        return
    slot = np.int64(book.head[0]["first_reducer"])
    while slot >= 0:
        order = book.orders[slot]
        following = np.int64(order["reducer_next"])
        if order["account"] == account and reducible(book, account, order["side"]) == 0:
            step_out(book, slot)
            end(book, slot, EXPIRED, POSITION_GONE)
        slot = following
