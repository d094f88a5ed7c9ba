"""Write the touch beside each row of a tape, by the crossing rule that makes results comparable with hftbacktest.

Every level is kept as it was sent; a bid that reaches or passes the best ask moves the best ask to the next level
strictly above it, and the mirror of it, row by row. This is a compatibility profile; our own rule is kernels/book.py.
"""

from b25.kernels.jit import kernel
from b25.model.event import BUY, CLEAR, DEPTH, FAR, NO_ASK_TICKS, NO_BID_TICKS, SNAPSHOT


@kernel
def next_below(lots, base, ticks, low):
    """Highest tick in `[low, ticks]` with lots, else NO_BID_TICKS."""
    while ticks >= low:
        if lots[ticks - base] > 0:
            return ticks
        ticks -= 1
    return NO_BID_TICKS


@kernel
def next_above(lots, base, ticks, high):
    """Lowest tick in `[ticks, high]` with lots, else NO_ASK_TICKS."""
    while ticks <= high:
        if lots[ticks - base] > 0:
            return ticks
        ticks += 1
    return NO_ASK_TICKS


@kernel
def annotate_row(touch, lots, base, row):
    """Apply one row to the venue's levels and to `touch` = [best bid, best ask, lowest bid, highest ask] in ticks."""
    kind = row["kind"]
    price = row["price_ticks"]
    side = 0 if row["side"] == BUY else 1
    if kind == CLEAR:
        if side == 0:
            stop = max(price, base)
            for t in range(stop, touch[0] + 1):
                lots[0, t - base] = 0
            if touch[0] >= stop:
                touch[0] = next_below(lots[0], base, stop - 1, touch[2])
        else:
            stop = min(price, base + lots.shape[1] - 1)
            if touch[1] != NO_ASK_TICKS:
                for t in range(touch[1], stop + 1):
                    lots[1, t - base] = 0
                if touch[1] <= stop:
                    touch[1] = next_above(lots[1], base, stop + 1, touch[3])
        return
    if (kind != DEPTH and kind != SNAPSHOT) or row["flags"] & FAR:
        return
    qty = row["qty_lots"]
    lots[side, price - base] = qty
    if side == 0:
        if qty == 0:
            if price == touch[0]:
                touch[0] = next_below(lots[0], base, price - 1, touch[2])
            return
        touch[2] = min(touch[2], price)
        if price > touch[0]:
            touch[0] = price
            if price >= touch[1]:
                touch[1] = next_above(lots[1], base, price + 1, touch[3])
    else:
        if qty == 0:
            if price == touch[1]:
                touch[1] = next_above(lots[1], base, price + 1, touch[3])
            return
        touch[3] = max(touch[3], price)
        if price < touch[1]:
            touch[1] = price
            if price <= touch[0]:
                touch[0] = next_below(lots[0], base, price - 1, touch[2])


@kernel
def annotate_venue(rows, touch, lots, base):
    """Fill `bid_ticks` and `ask_ticks` of VENUE_ROW `rows`."""
    for k in range(rows.shape[0]):
        annotate_row(touch, lots, base, rows[k])
        rows[k]["bid_ticks"] = touch[0]
        rows[k]["ask_ticks"] = touch[1]


@kernel
def annotate_messages(rows, messages, touch, lots, base):
    """Fill the touch of MESSAGE `messages` from VENUE_ROW `rows` that stand in the trader's order."""
    k = 0
    for m in range(messages.shape[0]):
        while k < messages[m]["row_end"]:
            annotate_row(touch, lots, base, rows[k])
            k += 1
        bid, ask = touch[0], touch[1]
        messages[m]["bid_ticks"] = bid
        messages[m]["ask_ticks"] = ask
        if bid != NO_BID_TICKS:
            messages[m]["bid_lots"] = lots[0, bid - base]
        if ask != NO_ASK_TICKS:
            messages[m]["ask_lots"] = lots[1, ask - base]
