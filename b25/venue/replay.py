"""Replay the venue's messages past our resting orders.

Most messages concern none of our orders: they are stored into the ladder in one stroke. Only where a level of ours, a print
that reaches us, or a touch that passes us is among them is a message replayed row by row.
"""

from b25.kernels.address import array_at
from b25.kernels.jit import kernel
from b25.model.event import BUY, CLEAR, DEPTH, FAR, GAP, NO_ASK_TICKS, NO_BID_TICKS, SELL, TRADE
from b25.model.tape import VENUE_MESSAGE, VENUE_ROW
from b25.venue.partial import meet_partial, print_partial
from b25.venue.records import PARTIAL
from b25.venue.resting import cells_of, quantities_of, shown_lots, shown_lots_at, taken_lots, whole_ladder
from b25.venue.stops import fire_stops
from b25.venue.whole import meet_whole, move_queues, print_whole


@kernel
def replay_rows(venue, instrument, fees, latency, until_ns, rows_max):
    """Replay messages with a venue time up to and including `until_ns`; stop early when an answer leaves, or after `rows_max`.

    Returns the number of rows replayed.
    """
    messages = array_at(venue["venue_messages"], venue["venue_message_count"], VENUE_MESSAGE)
    ladder, cells, quantities = whole_ladder(venue), cells_of(venue), quantities_of(venue)
    begun = venue["row_next"]
    row = begun
    m = venue["venue_message_next"]
    count = messages.shape[0]
    stop = begun + rows_max
    answers = venue["answer_tail"]
    # No order of ours comes or goes within this call without an answer leaving, so the bounds hold until the return.
    buy_high, sell_low = venue["buy_high"], venue["sell_low"]
    stop_rise, stop_fall = venue["stop_rise_ticks"], venue["stop_fall_ticks"]
    partial = venue["fill_model"] == PARTIAL
    careful = venue["taken_cells"] > 0 or orders_outside(venue)
    ours = buy_high != NO_BID_TICKS or sell_low != NO_ASK_TICKS
    while m < count and row < stop:
        message = messages[m]
        if message["exch_ns"] > until_ns:
            break
        end = message["row_end"]
        kind = message["kind"]
        if kind == TRADE:
            price = message["price_ticks"]
            row = end
            m += 1
            if (price <= buy_high) if message["side"] != BUY else (price >= sell_low):
                show_print(venue, instrument, fees, latency, message)
            venue["last_ticks"] = price
            if price >= stop_rise or price <= stop_fall:
                fire_stops(venue, latency, message["exch_ns"], price)
            if venue["answer_tail"] != answers:
                break
            continue
        concerned = careful or kind != DEPTH
        if not concerned and ours:
            if partial:
                concerned = meets_ours(venue, row, end)
            else:
                concerned = message["ask_low"] <= buy_high or message["bid_high"] >= sell_low
        if concerned:
            venue["row_next"] = row
            venue["venue_message_next"] = m
            finished = replay_message(venue, instrument, fees, latency, end)
            row = venue["row_next"]
            if finished:
                m += 1
            if venue["answer_tail"] != answers:
                break
            careful = venue["taken_cells"] > 0 or orders_outside(venue)
            continue
        if ours:
            store_past_ours(venue, instrument, row, end)
        else:
            for k in range(row, end):
                ladder[cells[k]] = quantities[k]
        venue["bid_ticks"] = message["bid_ticks"]
        venue["ask_ticks"] = message["ask_ticks"]
        row = end
        m += 1
    venue["row_next"] = row
    venue["venue_message_next"] = m
    return row - begun


@kernel
def meets_ours(venue, row, end):
    """True when a level of the other side at or through a price of ours is among the rows; see partial fills."""
    cells = cells_of(venue)
    base, size = venue["base_ticks"], venue["size_ticks"]
    # Cells of the flat ladder, bids before asks.
    met_by_bid, met_by_ask = venue["sell_low"] - base, venue["buy_high"] - base + size
    hits = 0
    for k in range(row, end):
        c = cells[k]
        hits += (met_by_bid <= c < size) | (size <= c <= met_by_ask)
    return hits > 0


@kernel
def store_past_ours(venue, instrument, row, end):
    """Store rows among which nobody meets us; at most the queues that we stand in move."""
    ladder, cells, quantities = whole_ladder(venue), cells_of(venue), quantities_of(venue)
    base, size = venue["base_ticks"], venue["size_ticks"]
    bid_first, bid_last = venue["buy_low"] - base, venue["buy_high"] - base
    ask_first, ask_last = venue["sell_low"] - base + size, venue["sell_high"] - base + size
    for k in range(row, end):
        c = cells[k]
        if bid_first <= c <= bid_last or ask_first <= c <= ask_last:
            is_bid = c < size
            price = base + c - (0 if is_bid else size)
            move_queues(venue, instrument, BUY if is_bid else SELL, price, ladder[c], quantities[k])
        ladder[c] = quantities[k]


@kernel
def orders_outside(venue):
    """True when an order of ours rests outside of the band, where rows have no cell."""
    base, size = venue["base_ticks"], venue["size_ticks"]
    buys = venue["buy_high"] != NO_BID_TICKS and (venue["buy_low"] < base or venue["buy_high"] >= base + size)
    sells = venue["sell_low"] != NO_ASK_TICKS and (venue["sell_low"] < base or venue["sell_high"] >= base + size)
    return buys or sells


@kernel
def replay_message(venue, instrument, fees, latency, end):
    """Replay one message row by row up to `end`; False when an answer left before its end."""
    rows = array_at(venue["rows"], venue["row_count"], VENUE_ROW)
    ladder, cells = whole_ladder(venue), cells_of(venue)
    answers = venue["answer_tail"]
    buy_low, buy_high = venue["buy_low"], venue["buy_high"]
    sell_low, sell_high = venue["sell_low"], venue["sell_high"]
    partial = venue["fill_model"] == PARTIAL
    while venue["row_next"] < end:
        k = venue["row_next"]
        row = rows[k]
        venue["row_next"] = k + 1
        price, kind = row["price_ticks"], row["kind"]
        is_bid = row["side"] == BUY
        if kind == GAP:
            continue
        if kind == CLEAR:
            clear_levels(venue, row["side"], price, venue["bid_ticks"], venue["ask_ticks"])
            venue["bid_ticks"] = row["bid_ticks"]
            venue["ask_ticks"] = row["ask_ticks"]
            continue
        if (buy_low <= price <= buy_high) if is_bid else (sell_low <= price <= sell_high):
            venue["row_next"] = k
            before = shown_lots_at(venue, row["side"], price)
            venue["row_next"] = k + 1
            move_queues(venue, instrument, row["side"], price, before, row["qty_lots"])
        ladder[cells[k]] = row["qty_lots"]
        if venue["taken_cells"] > 0 and not row["flags"] & FAR:
            shown_anew(venue, 0 if is_bid else 1, price)
        fallen, risen = row["ask_ticks"] < venue["ask_ticks"], row["bid_ticks"] > venue["bid_ticks"]
        venue["bid_ticks"] = row["bid_ticks"]
        venue["ask_ticks"] = row["ask_ticks"]
        if partial:
            if row["qty_lots"] > 0 and ((price >= sell_low) if is_bid else (price <= buy_high)):
                meet_partial(venue, instrument, fees, latency, row["exch_ns"], row["side"], price, row["qty_lots"])
        else:
            if fallen and row["ask_ticks"] <= buy_high:
                meet_whole(venue, instrument, fees, latency, row["exch_ns"], BUY, row["ask_ticks"])
            if risen and row["bid_ticks"] >= sell_low:
                meet_whole(venue, instrument, fees, latency, row["exch_ns"], SELL, row["bid_ticks"])
        if venue["answer_tail"] != answers:
            break
    return venue["row_next"] >= end


@kernel
def shown_anew(venue, index, price_ticks):
    """Forget what we took of a level, for the venue has shown it anew."""
    taken = taken_lots(venue)
    slot = price_ticks - venue["base_ticks"]
    if taken[index, slot] != 0:
        taken[index, slot] = 0
        venue["taken_cells"] -= 1


@kernel
def show_print(venue, instrument, fees, latency, message):
    """Show a public trade to our resting orders by the chosen fill model."""
    at, side, price, lots = message["exch_ns"], message["side"], message["price_ticks"], message["qty_lots"]
    if venue["fill_model"] == PARTIAL:
        print_partial(venue, instrument, fees, latency, at, side, price, lots)
    else:
        print_whole(venue, instrument, fees, latency, at, side, price, lots)


@kernel
def clear_levels(venue, side, price_ticks, bid_ticks, ask_ticks):
    """Empty the displayed levels from the touch up to and including a price; no order of ours is touched."""
    lots = shown_lots(venue)
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
        if venue["taken_cells"] > 0:
            shown_anew(venue, index, base + slot)
