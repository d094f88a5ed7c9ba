"""The bar loop's own state: where it stands in time and inside the bar, and the logs that it fills."""

from typing import Final

import numpy as np

# Stages of one step of the clock.
BETWEEN: Final = 0  # the next bar is not begun
OPENING: Final = 1  # what happens at the open
RANGING: Final = 2  # what happens inside the bar, instrument by instrument
SHOWN: Final = 3  # the bar is complete and known; orders that fill at its close do so now
ENDED: Final = 4

BAR_RUN = np.dtype(
    [
        ("context", "u8"),
        ("strategy", "u8"),
        ("self", "u8"),
        ("callback", "u8"),  # of the strategy's machine code; 0 when it runs as plain Python
        ("stride_code", "u8"),  # the same with a loop over quiet bars around it; 0 when there is none
        ("settle_code", "u8"),
        ("venue_code", "u8"),
        ("answer_code", "u8"),
        ("tapes", "u8"),  # BAR_TAPE, shape (n, frames)
        ("venues", "u8"),  # BAR_VENUE, shape (n,)
        ("model", "u8"),  # BAR_MODEL
        ("fees", "u8"),
        ("last_mid2", "u8"),
        ("clock_ns", "u8"),  # close time of each step, int64 of shape (steps,)
        ("places", "u8"),  # row of each instrument at each step, -1 where it has none, int32 of shape (steps, n)
        ("answers", "u8"),  # EVENT ring of the venue's answers
        ("answer_head", "i8"),
        ("answer_tail", "i8"),
        ("answer_size", "i8"),
        ("answers_before", "i8"),  # the tail when this bar began
        ("point", "u8"),  # POINT; 0 unless compact
        ("compact", "i8"),  # gather figures and keep no records
        ("callbacks", "i8"),
        ("compiled", "i8"),
        ("started", "i8"),
        ("awaiting", "i8"),  # the callback bit that the caller was asked to perform
        ("pending", "i8"),  # callback bits still to be called for the last event
        ("unworked", "i8"),  # an event came, and the parent orders were not worked since
        ("stage", "i8"),
        ("step", "i8"),
        ("step_end", "i8"),
        ("step_trading", "i8"),  # the step from which on orders are taken; what lies before warms the strategy up
        ("ranging", "i8"),  # the instrument whose bar is being lived through
        ("begin_ns", "i8"),
        ("end_ns", "i8"),
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
