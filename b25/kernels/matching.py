"""The matching engine: price-time priority, order by order, in whole ticks and lots.

One command goes in, its events come out, and the book is whole again before the next. Nobody trades worse than its limit;
the price is the maker's. A stop that the trades of a command reach fires before the next command, the nearest price first
and in order of arrival. An order that may only reduce ends with the position that it was to reduce.
"""

import numpy as np

from b25.kernels.jit import hot_kernel, inlined_kernel, kernel
from b25.kernels.matching_book import find_order
from b25.kernels.matching_events import (
    AMENDED,
    CANCELLED,
    DUPLICATE_ORDER,
    EXPIRED,
    FOK_UNFILLABLE,
    INVALID,
    NO_LIQUIDITY,
    NO_REASON,
    NOTHING_CHANGED,
    REJECTED,
    TRIGGERED,
    WAITING,
    WOULD_INCREASE,
    WOULD_TAKE,
    WOULD_TRIGGER,
    ZERO,
    end,
    say,
    say_unknown,
)
from b25.kernels.matching_queue import crossed_by, first_maker, give_slot, line_up, reducible, shrink, step_out, take_slot
from b25.kernels.matching_take import end_reducers, is_short_of, match
from b25.model.event import BUY, SELL
from b25.model.matching import (
    AMEND,
    BY_MARK,
    BY_VALUE,
    CANCEL,
    FALLING_LAST,
    FALLING_MARK,
    MARKET,
    NOTIFY_ONLY,
    PLACE,
    POST_ONLY,
    REDUCE_ONLY,
    RISING,
    RISING_LAST,
    RISING_MARK,
    SET_MARK,
    SET_POSITION,
    STOP,
)
from b25.model.order import Tif

FOK = int(Tif.FOK)
EVENTS_KEPT = 8192  # of a batch, before its caller is asked to read them


@kernel
def run_commands(book, commands, first):
    """Execute commands from `first` on, while there is room for what one may cause.

    Returns
    -------
    int
        The first command not executed. Room is made by reading the events and changes, or by larger arrays.
    """
    head = book.head[0]
    for k in range(first, commands.shape[0]):
        if not has_room(book) or head["events"] > EVENTS_KEPT:
            return k
        execute(book, commands[k])
    return commands.shape[0]


@inlined_kernel
def has_room(book):
    """True when whatever one command may cause finds its place: every order may trade, end and fire once."""
    head = book.head[0]
    return (
        head["orders"] + 1 < book.orders.shape[0]
        and head["free_pages"] > 1 + head["waiting"]
        and head["events"] + 4 * head["orders"] + 16 <= book.events.shape[0]
        and head["changes"] + 4 * head["orders"] + 16 <= book.changes.shape[0]
    )


@inlined_kernel
def execute(book, command):
    """Execute one command; there must be room."""
    kind, head = command["kind"], book.head[0]
    head["high_ticks"] = head["low_ticks"] = 0
    if kind == CANCEL:
        cancel(book, command["order_id"])
        return
    if kind == PLACE:
        place(book, command)
    elif kind == AMEND:
        amend(book, command)
    elif kind == STOP:
        wait(book, command)
    elif kind == SET_MARK:
        head["mark_ticks"] = command["price_ticks"]
        fire_marked(book, command["price_ticks"])
    elif kind == SET_POSITION:
        book.positions[command["account"]] = command["qty_lots"]
        end_reducers(book, np.int64(command["account"]))
    fire_traded(book)


@inlined_kernel
def order_from(book, command):
    """Slot with the order that a command describes; it stands nowhere yet."""
    slot = take_slot(book)
    order = book.orders[slot]
    order["order_id"], order["account"] = command["order_id"], command["account"]
    order["leaves_lots"], order["price_ticks"] = command["qty_lots"], command["price_ticks"]
    order["stop_ticks"] = 0
    order["side"], order["tif"], order["flags"], order["stp"] = command["side"], command["tif"], command["flags"], command["stp"]
    return slot


@inlined_kernel
def is_sound(book, command):
    """True when price, quantity, side and account are such as an order can have."""
    market = command["flags"] & MARKET != 0
    price_ticks = command["price_ticks"]
    if price_ticks < 0 or price_ticks >> 8 >= book.page_of.shape[1] or (price_ticks == 0 and not market):
        return False
    if command["flags"] & BY_VALUE:
        if command["budget_ticklots"] <= 0 or not market:
            return False
    elif command["qty_lots"] <= 0:
        return False
    side = command["side"]
    return (side == BUY or side == SELL) and 0 <= command["account"] < book.positions.shape[0] and command["order_id"] > 0


@inlined_kernel
def place(book, command):
    """Take a new order in."""
    known = find_order(book, command["order_id"]) >= 0
    slot = order_from(book, command)
    if known:
        end(book, slot, REJECTED, DUPLICATE_ORDER)
    elif not is_sound(book, command):
        end(book, slot, REJECTED, INVALID)
    else:
        enter(book, slot, command["budget_ticklots"])


@hot_kernel
def wait(book, command):
    """Take a stop in, which waits for its price."""
    known = find_order(book, command["order_id"]) >= 0
    slot = order_from(book, command)
    order, head = book.orders[slot], book.head[0]
    stop_ticks = command["stop_ticks"]
    at = head["mark_ticks"] if command["flags"] & BY_MARK else head["last_ticks"]
    if known:
        end(book, slot, REJECTED, DUPLICATE_ORDER)
    elif not is_sound(book, command) or stop_ticks <= 0 or stop_ticks >> 8 >= book.page_of.shape[1]:
        end(book, slot, REJECTED, INVALID)
    elif at != 0 and (at >= stop_ticks if command["flags"] & RISING else at <= stop_ticks):
        end(book, slot, REJECTED, WOULD_TRIGGER)
    else:
        order["stop_ticks"] = stop_ticks
        line_up(book, slot)
        head["waiting"] += 1
        say(book, WAITING, order, stop_ticks, order["leaves_lots"], order["leaves_lots"], NO_REASON)


@inlined_kernel
def cancel(book, order_id):
    """Take an order out, resting or waiting."""
    slot = find_order(book, order_id)
    if slot < 0:
        say_unknown(book, order_id)
        return
    order = book.orders[slot]
    step_out(book, slot)
    if order["stop_ticks"] != 0:
        book.head[0]["waiting"] -= 1
    price_ticks = order["stop_ticks"] if order["stop_ticks"] != 0 else order["price_ticks"]
    say(book, CANCELLED, order, price_ticks, order["leaves_lots"], ZERO, NO_REASON)
    give_slot(book, slot)


@hot_kernel
def amend(book, command):
    """Give a resting order another price or quantity. Less at the same price keeps its place; anything else does not."""
    order_id, qty_lots, price_ticks = command["order_id"], command["qty_lots"], command["price_ticks"]
    slot = find_order(book, order_id)
    if slot < 0 or book.orders[slot]["stop_ticks"] != 0:
        say_unknown(book, order_id)
        return
    order = book.orders[slot]
    leaves_lots = order["leaves_lots"]
    if qty_lots <= 0:
        cancel(book, order_id)
    elif price_ticks <= 0 or price_ticks >> 8 >= book.page_of.shape[1]:
        say(book, REJECTED, order, order["price_ticks"], leaves_lots, leaves_lots, INVALID)
    elif price_ticks == order["price_ticks"] and qty_lots == leaves_lots:
        say(book, REJECTED, order, order["price_ticks"], leaves_lots, leaves_lots, NOTHING_CHANGED)
    elif order["flags"] & POST_ONLY and crossed_by(book, order["side"], price_ticks):
        say(book, REJECTED, order, order["price_ticks"], leaves_lots, leaves_lots, WOULD_TAKE)
    elif price_ticks == order["price_ticks"] and qty_lots < leaves_lots:
        shrink(book, slot, leaves_lots - qty_lots)
        say(book, AMENDED, order, price_ticks, qty_lots, qty_lots, NO_REASON)
    else:
        step_out(book, slot)
        order["price_ticks"], order["leaves_lots"] = price_ticks, qty_lots
        say(book, AMENDED, order, price_ticks, qty_lots, qty_lots, NO_REASON)
        match(book, slot, ZERO)


@inlined_kernel
def enter(book, slot, budget):
    """Let an order into the market, unless its own conditions forbid it."""
    order = book.orders[slot]
    flags, side = order["flags"], order["side"]
    if flags & REDUCE_ONLY and reducible(book, order["account"], side) == 0:
        end(book, slot, REJECTED, WOULD_INCREASE)
    elif flags & POST_ONLY and crossed_by(book, side, order["price_ticks"]):
        end(book, slot, REJECTED, WOULD_TAKE)
    elif flags & MARKET and first_maker(book, side) < 0:
        end(book, slot, REJECTED, NO_LIQUIDITY)
    elif order["tif"] == FOK and not flags & BY_VALUE and is_short_of(book, order):
        end(book, slot, EXPIRED, FOK_UNFILLABLE)
    else:
        match(book, slot, budget)


@hot_kernel
def fire_traded(book):
    """Fire the stops that the trades of this command have reached; what they trade may reach others."""
    head = book.head[0]
    while head["high_ticks"] != 0 and head["waiting"] > 0:
        if head["best_ticks"][RISING_LAST] <= head["high_ticks"]:
            fire(book, RISING_LAST)
        elif head["best_ticks"][FALLING_LAST] >= head["low_ticks"]:
            fire(book, FALLING_LAST)
        else:
            return


@hot_kernel
def fire_marked(book, mark_ticks):
    """Fire the stops that the mark has reached."""
    best = book.head[0]["best_ticks"]
    while True:
        if best[RISING_MARK] <= mark_ticks:
            fire(book, RISING_MARK)
        elif best[FALLING_MARK] != 0 and best[FALLING_MARK] >= mark_ticks:
            fire(book, FALLING_MARK)
        else:
            return


@hot_kernel
def fire(book, queue):
    """Let the first stop of a queue become an order, or only say that it has fired."""
    head = book.head[0]
    at = np.int64(head["best_ticks"][queue])
    page = np.int64(book.page_of[queue, np.uintp(at >> 8)]) - 1
    slot = np.int64(book.levels[np.uintp(page), np.uintp(at & 255)]["first"])
    order = book.orders[slot]
    step_out(book, slot)
    head["waiting"] -= 1
    order["stop_ticks"] = 0
    say(book, TRIGGERED, order, at, order["leaves_lots"], order["leaves_lots"], NO_REASON)
    if order["flags"] & NOTIFY_ONLY:
        give_slot(book, slot)
    else:
        enter(book, slot, ZERO)
