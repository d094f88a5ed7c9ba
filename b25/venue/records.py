"""The simulated venue's own state: resting orders, pipes, latency. It belongs to the loop, never to `step`."""

from typing import Final

import numpy as np

# How a resting or taking order is executed.
WHOLE: Final = 0  # whole or not at all: the compatibility profile
PARTIAL: Final = 1

# Kinds of latency.
CONSTANT: Final = 0
RECORDED: Final = 1
LOGNORMAL: Final = 2

# One order of ours as the venue sees it.
VENUE_ORDER = np.dtype(
    [
        ("order_id", "i8"),
        ("price_ticks", "i8"),
        ("qty_lots", "i8"),
        ("leaves_lots", "i8"),
        ("front", "f8"),  # quantity ahead of us at the level, base units
        ("cum", "f8"),  # traded at the level since it last changed, base units
        ("next", "i4"),
        ("prev", "i4"),
        ("side", "i1"),
        ("state", "u1"),
        ("flags", "u1"),
        ("pad", "u1", (5,)),
    ],
    align=True,
)
assert VENUE_ORDER.itemsize == 64

REQUEST = np.dtype(
    [
        ("arrive_ns", "i8"),
        ("order_id", "i8"),
        ("request_id", "i8"),
        ("price_ticks", "i8"),
        ("qty_lots", "i8"),
        ("stop_ticks", "i8"),
        ("kind", "u1"),
        ("side", "i1"),
        ("tif", "u1"),
        ("flags", "u1"),
        ("pad", "u1", (4,)),
    ],
    align=True,
)
assert REQUEST.itemsize == 56

# A logged round trip; latencies in between are interpolated.
ROUND_TRIP = np.dtype([("request_ns", "i8"), ("exch_ns", "i8"), ("answer_ns", "i8")], align=True)

LATENCY = np.dtype(
    [
        ("kind", "i8"),
        ("entry_ns", "i8"),
        ("response_ns", "i8"),
        ("log_mu", "f8"),  # of ln(ns); LOGNORMAL draws entry and response independently
        ("log_sigma", "f8"),
        ("floor_ns", "i8"),
        ("seed", "u8"),  # state of the generator
        ("trips", "u8"),  # address of ROUND_TRIP rows in time order
        ("trip_count", "i8"),
    ],
    align=True,
)

# One instrument's venue.
VENUE = np.dtype(
    [
        ("self", "u8"),
        ("levels_code", "u8"),  # address of the code that keeps the trader's depth; 0 when only the touch is kept
        ("rows", "u8"),
        ("row_count", "i8"),
        ("row_next", "i8"),
        ("venue_messages", "u8"),
        ("venue_message_count", "i8"),
        ("venue_message_next", "i8"),
        ("cells", "u8"),
        ("quantities", "u8"),
        ("messages", "u8"),
        ("message_count", "i8"),
        ("message_next", "i8"),
        ("levels", "u8"),
        ("level_count", "i8"),
        ("level_next", "i8"),
        ("lots", "u8"),
        ("taken", "u8"),
        ("base_ticks", "i8"),
        ("size_ticks", "i8"),
        ("bid_ticks", "i8"),
        ("ask_ticks", "i8"),
        ("position_lots", "i8"),  # true at the venue; the trader learns of it by answers
        ("volume", "i8"),  # traded so far, money units: what fee tiers look at
        ("crossed_kept", "i8"),  # the trader's book keeps crossed levels, as the compatibility profile has it
        ("fill_model", "i8"),
        ("queue_model", "i8"),
        ("queue_n", "f8"),
        ("orders", "u8"),
        ("orders_size", "i8"),
        ("probe_max", "i8"),
        ("buys", [("first", "i4"), ("last", "i4"), ("count", "i8")]),
        ("sells", [("first", "i4"), ("last", "i4"), ("count", "i8")]),
        # Prices of our resting orders: a row outside of them concerns none of ours.
        ("buy_low", "i8"),
        ("buy_high", "i8"),
        ("sell_low", "i8"),
        ("sell_high", "i8"),
        ("stops", "u8"),  # REQUEST rows of the stops that wait, in order of arrival
        ("stops_size", "i8"),
        ("stop_count", "i8"),
        ("stop_rise_ticks", "i8"),  # the lowest stop of a buy, the highest of a sell: a print between them fires none
        ("stop_fall_ticks", "i8"),
        ("last_ticks", "i8"),  # of the last print; 0 before the first
        ("taken_cells", "i8"),  # levels of which something is taken
        ("requests", "u8"),
        ("request_head", "i8"),
        ("request_tail", "i8"),
        ("answers", "u8"),
        ("answer_head", "i8"),
        ("answer_tail", "i8"),
        ("pipe_size", "i8"),
        ("last_arrive_ns", "i8"),
        ("last_answer_ns", "i8"),
        ("status", "i8"),
    ],
    align=True,
)
