"""The rest of a session's state as flat records: its header, its limits and fees, and the door to it all."""

from typing import Final

import numpy as np

# Why a session halted; 0 runs. A status is never cleared by the engine itself.
RUNNING: Final = 0
INTENTS_FULL: Final = 1
OUTBOX_FULL: Final = 2
NOTES_FULL: Final = 3
DEPTH_NOT_KEPT: Final = 4  # a strategy read beyond the touch in a run that was not told to keep the depth
VENUE_ORDERS_FULL: Final = 5
PIPE_FULL: Final = 6
INSTRUMENT_UNKNOWN: Final = 7
NO_BARS: Final = 8  # a strategy read a bar in a run that has none, or not that timeframe
PARENTS_NOT_KEPT: Final = 10  # a strategy made a parent order in a run that was not told to keep them
NO_END: Final = 9  # a strategy on bars answers every answer of the venue with another request, all at one moment

HEAD = np.dtype(
    [
        ("now_ns", "i8"),
        ("seq", "i8"),
        ("next_order_id", "i8"),
        ("next_request_id", "i8"),
        ("intents", "i8"),
        ("outbox", "i8"),
        ("notes", "i8"),
        ("live_orders", "i8"),
        ("probe_max", "i8"),  # the longest probe that ever placed an order in the table
        ("timer_ns", "i8"),  # period of `on_timer`; 0 means none
        ("timer_next_ns", "i8"),
        ("steps", "i8"),  # callbacks of on_timer
        ("submits", "i8"),
        ("cancels", "i8"),
        ("amends", "i8"),
        ("refused", "i8"),
        ("status", "i8"),
        ("rate_tokens_e9", "i8"),  # order-rate bucket
        ("rate_filled_ns", "i8"),
        ("trading_ns", "i8"),  # before it every new order is refused: the strategy warms up
        ("parents", "i8"),  # parent orders that are not over
        ("parent_next_id", "i8"),
        ("parent_due_ns", "i8"),  # when the first of them wants to be worked
    ],
    align=True,
)

NO_LIMIT: Final = -1
TRADING_REDUCES: Final = 1
TRADING_NOTHING: Final = 2

LIMITS = np.dtype(
    [
        # Each holds while the condition is true; NO_LIMIT switches one off.
        ("position_lots_max", "i8"),
        ("order_value_max", "i8"),  # money units
        ("collar_e6", "i8"),  # distance of a limit price from the mid, in millionths of the mid
        ("open_orders_max", "i8"),
        ("orders_per_s_max", "i8"),  # of the account; read from instrument 0's row
        ("orders_burst_max", "i8"),
        ("value_bound", "i8"),  # money units: above it the fee of a fill would overflow int64
        # Of the order and its instrument.
        ("trading", "i8"),  # NO_LIMIT: all; see TRADING_*
        ("data_age_ns_max", "i8"),
        ("clock_skew_ns_max", "i8"),
        ("order_lots_max", "i8"),
        ("adv_lots_max", "i8"),
        ("no_self_cross", "i8"),
        ("spread_max", "f8"),  # ratios of the mid
        ("divergence_max", "f8"),
        ("slippage_max", "f8"),
        ("through_max", "f8"),  # ratio of the opposite touch
        # Of the account; read from instrument 0's row. Money in settlement currency.
        ("duplicates_max", "i8"),
        ("duplicates_window_ns", "i8"),
        ("executions_max", "i8"),
        ("executions_window_ns", "i8"),
        ("reject_window", "i8"),
        ("messages_per_s_max", "i8"),
        ("messages_burst_max", "i8"),
        ("turnover_max", "f8"),
        ("reject_ratio_max", "f8"),
        ("orders_per_fill_max", "f8"),
        ("gross_max", "f8"),
        ("net_max", "f8"),
        ("concentration_max", "f8"),
        ("leverage_max", "f8"),
        ("daily_loss_max", "f8"),
        ("drawdown_max", "f8"),
        ("version", "i8"),  # of the set of limits, and the first eight bytes of its hash
        ("hash", "i8"),
    ],
    align=True,
)

TIERS: Final = 8
FEES = np.dtype(
    [
        ("tiers", "i8"),
        ("volume_from", "i8", (TIERS,)),  # money units traded at which the tier begins
        ("maker_e8", "i8", (TIERS,)),  # ratio of the notional, in 1e-8; negative is a rebate
        ("taker_e8", "i8", (TIERS,)),
        ("per_lot_e8", "i8"),  # 1e-8 money units a lot
        ("flat_e8", "i8"),  # 1e-8 money units a fill
    ],
    align=True,
)

# First and last live order of one instrument and side, in order of submission; -1 where there is none.
QUEUE_ENDS = np.dtype([("first", "i4"), ("last", "i4"), ("count", "i8")], align=True)

NOTE = np.dtype([("time_ns", "i8"), ("code", "i8"), ("value", "f8")], align=True)

# What the strategy sees of an order or a fill: floats in quote and base units.
ORDER_VIEW = np.dtype(
    [
        ("order_id", "i8"),
        ("side", "i8"),
        ("price", "f8"),
        ("quantity", "f8"),
        ("leaves", "f8"),
        ("filled", "f8"),
        ("state", "i8"),
        ("pending", "i8"),
        ("reason", "i8"),
        ("instrument", "i8"),
        ("stop_price", "f8"),
        ("parent", "i8"),  # 0 for an order of the strategy's own
    ],
    align=True,
)
FILL_VIEW = np.dtype(
    [
        ("order_id", "i8"),
        ("side", "i8"),
        ("price", "f8"),
        ("quantity", "f8"),
        ("fee", "f8"),
        ("maker", "i8"),
        ("instrument", "i8"),
        ("parent", "i8"),  # of whom the order was: 0 the strategy, -1 a person, else a parent order
    ],
    align=True,
)

# The only door between a strategy and its world. It holds addresses, so it is no part of the world and never stored.
CONTEXT = np.dtype(
    [
        ("now_ns", "i8"),
        ("self", "u8"),
        ("strategy", "u8"),
        ("i", "i8"),  # instrument of the event that is being handled
        ("n", "i8"),
        ("head", "u8"),
        ("instruments", "u8"),
        ("books", "u8"),
        ("lots", "u8"),
        ("bits", "u8"),
        ("far", "u8"),
        ("orders", "u8"),
        ("lives", "u8"),
        ("positions", "u8"),
        ("limits", "u8"),
        ("intents", "u8"),
        ("outbox", "u8"),
        ("notes", "u8"),
        ("order_view", "u8"),
        ("fill_view", "u8"),
        ("bar_marks", "u8"),  # bars seen and bars completed now, int64 of shape (2, n, frames)
        ("features", "u8"),  # float64 of shape (n, feature_count)
        ("bar_at", "u8"),  # where each instrument's last complete bar of each timeframe stands, addresses of shape (n, frames)
        ("ladder_ticks", "i8"),
        ("far_levels", "i8"),
        ("orders_size", "i8"),
        ("intents_size", "i8"),
        ("outbox_size", "i8"),
        ("notes_size", "i8"),
        ("depth_kept", "i8"),
        ("frames", "i8"),  # timeframes of bars; 0 in a run without bars
        ("feature_count", "i8"),
        ("viewed", "i8"),  # the strategy looks at orders or fills, so their views are to be written
        ("feature_fields", "u8"),  # of instrument 0, inside the strategy's record; 0 when it declares none
        ("balance", "f8"),  # settlement currency at the start
        ("risk", "u8"),
        ("verdicts", "u8"),  # bits of the controls that each effect of the outbox broke, int64
        ("parents", "u8"),
        ("parent_views", "u8"),
        ("parents_size", "i8"),  # 0 in a run that keeps none
        ("parents_code", "u8"),  # of what works them
        ("guarded", "i8"),  # a limit beyond the first six is set: the gate watches the account, after every callback
    ],
    align=True,
)
