"""The backtest loop's own state: where it stands, and the logs that it fills. It belongs to the loop, never to `step`."""

from typing import Final

import numpy as np

# Why the loop came back to its caller.
DONE: Final = 0
CALL: Final = 1  # a plain-Python strategy is to be called, then the loop entered again
DRAIN: Final = 2  # a log is nearly full: take it away, reset its counter, enter again
PAUSE: Final = 3  # the row budget is used up: a moment for Ctrl-C and progress
HALTED: Final = 4

# Callbacks, as bits; those of one event are called in this order.
ON_START: Final = 1
ON_BOOK: Final = 2
ON_TRADE: Final = 4
ON_GAP: Final = 8
ON_FILL: Final = 16
ON_ORDER: Final = 32
ON_TIMER: Final = 64
ON_STOP: Final = 128
ON_BAR: Final = 256
ON_FUNDING: Final = 512

# One point of the equity curve and of the market it was marked at, per instrument.
MARK = np.dtype(
    [
        ("time_ns", "i8"),
        ("mid2_ticks", "i8"),  # best bid + best ask of the last two-sided touch; 0 before the first
        ("position_lots", "i8"),
        ("cost", "i8"),
        ("realised", "i8"),
        ("fees", "i8"),
        ("fees_e8", "i8"),
        ("funding", "i8"),
        ("borrow", "i8"),
        ("insurance", "i8"),
        ("instrument", "i8"),
    ],
    align=True,
)

RUN = np.dtype(
    [
        ("context", "u8"),
        ("strategy", "u8"),
        ("self", "u8"),
        ("settle_code", "u8"),
        ("answer_code", "u8"),
        ("replay_code", "u8"),
        ("request_code", "u8"),
        ("callback", "u8"),  # of the strategy's machine code; 0 when it runs as plain Python
        ("venues", "u8"),
        ("latencies", "u8"),
        ("fees", "u8"),
        ("last_mid2", "u8"),
        ("callbacks", "i8"),
        ("compiled", "i8"),
        ("each_message", "i8"),  # the strategy is called for messages, so they are events one by one
        ("started", "i8"),
        ("stopping", "i8"),
        ("awaiting", "i8"),  # the callback bit that the caller was asked to perform
        ("pending", "i8"),  # callback bits still to be called for the last event
        ("unworked", "i8"),  # an event came, and the parent orders were not worked since
        ("begin_ns", "i8"),  # trading begins here; what lies before only builds the books
        ("end_ns", "i8"),
        ("sample_ns", "i8"),
        ("sample_next_ns", "i8"),
        ("rows", "i8"),
        ("budget", "i8"),
        ("fill_log", "u8"),
        ("fill_count", "i8"),
        ("fill_size", "i8"),
        ("order_log", "u8"),
        ("order_count", "i8"),
        ("order_size", "i8"),
        ("effect_log", "u8"),
        ("effect_count", "i8"),
        ("effect_size", "i8"),
        ("mark_log", "u8"),
        ("mark_count", "i8"),
        ("mark_size", "i8"),
        ("finished", "u8"),
    ],
    align=True,
)
