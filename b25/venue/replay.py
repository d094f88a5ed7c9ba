"""Replay the venue's rows past our resting orders: one store a row, and a look at our orders only where a row concerns them."""

from b25.kernels.address import array_at
from b25.kernels.jit import kernel
from b25.model.event import BUY, CLEAR, FAR, NO_ASK_TICKS, NO_BID_TICKS, SELL, TRADE
from b25.model.tape import VENUE_ROW
from b25.venue.partial import meet_partial, print_partial
from b25.venue.records import PARTIAL
from b25.venue.resting import shown_lots, shown_lots_at, taken_lots
from b25.venue.whole import meet_whole, move_queues, print_whole


@kernel
def replay_rows(venue, instrument, fees, latency, until_ns, rows_max):
    """Replay rows with a venue time up to and including `until_ns`; stop early when an answer leaves, or after `rows_max`.

    Returns the number of rows replayed.
    """
    rows = array_at(venue["rows"], venue["row_count"], VENUE_ROW)
    lots = shown_lots(venue)
    base = venue["base_ticks"]
    first = venue["row_next"]
    stop = min(rows.shape[0], first + rows_max)
    bid, ask = venue["bid_ticks"], venue["ask_ticks"]
    answers = venue["answer_tail"]
    # No order of ours comes or goes within this call without an answer leaving, so the bounds hold until the return.
    buy_low, buy_high = venue["buy_low"], venue["buy_high"]
    sell_low, sell_high = venue["sell_low"], venue["sell_high"]
    taken_low, taken_high = venue["taken_low"], venue["taken_high"]
    k = first
    while k < stop:
        row = rows[k]
        if row["exch_ns"] > until_ns:
            break
        k += 1
        kind = row["kind"]
        price = row["price_ticks"]
        is_bid = row["side"] == BUY
        if kind == TRADE:
            if (price <= buy_high) if not is_bid else (price >= sell_low):
                show_print(venue, instrument, fees, latency, row)
                if venue["answer_tail"] != answers:
                    break
            continue
        if kind == CLEAR:
            clear_levels(venue, row["side"], price, bid, ask)
            bid, ask = row["bid_ticks"], row["ask_ticks"]
            continue
        index = 0 if is_bid else 1
        if (buy_low <= price <= buy_high) if is_bid else (sell_low <= price <= sell_high):
            venue["row_next"] = k - 1
            before = shown_lots_at(venue, row["side"], price)
            move_queues(venue, instrument, row["side"], price, before, row["qty_lots"])
        if not row["flags"] & FAR:
            lots[index, price - base] = row["qty_lots"]
            if taken_low <= price <= taken_high:
                taken_lots(venue)[index, price - base] = 0
        fallen, risen = row["ask_ticks"] < ask, row["bid_ticks"] > bid
        bid, ask = row["bid_ticks"], row["ask_ticks"]
        if venue["fill_model"] == PARTIAL:
            if row["qty_lots"] > 0 and ((price >= sell_low) if is_bid else (price <= buy_high)):
                venue["bid_ticks"] = bid
                venue["ask_ticks"] = ask
                meet_partial(venue, instrument, fees, latency, row["exch_ns"], row["side"], price, row["qty_lots"])
        else:
            if fallen and ask <= buy_high:
                meet_whole(venue, instrument, fees, latency, row["exch_ns"], BUY, ask)
            if risen and bid >= sell_low:
                meet_whole(venue, instrument, fees, latency, row["exch_ns"], SELL, bid)
        if venue["answer_tail"] != answers:
            break
    venue["row_next"] = k
    venue["bid_ticks"] = bid
    venue["ask_ticks"] = ask
    return k - first


@kernel
def show_print(venue, instrument, fees, latency, row):
    """Show a public trade to our resting orders by the chosen fill model."""
    if venue["fill_model"] == PARTIAL:
        print_partial(venue, instrument, fees, latency, row["exch_ns"], row["side"], row["price_ticks"], row["qty_lots"])
    else:
        print_whole(venue, instrument, fees, latency, row["exch_ns"], row["side"], row["price_ticks"], row["qty_lots"])


@kernel
def clear_levels(venue, side, price_ticks, bid_ticks, ask_ticks):
    """Empty the displayed levels from the touch up to and including a price; no order of ours is touched."""
    lots, taken = shown_lots(venue), taken_lots(venue)
    base, size = venue["base_ticks"], venue["size_ticks"]
    if side == BUY:
        low, high, index = price_ticks, bid_ticks, 0
        if bid_ticks == NO_BID_TICKS:
            return
    else:
        low, high, index = ask_ticks, price_ticks, 1
        if ask_ticks == NO_ASK_TICKS:
            return
    for slot in range(max(low - base, 0), min(high - base + 1, size)):
        lots[index, slot] = 0
        taken[index, slot] = 0
