"""The tape: a capture laid out for replay, with what the book was after each row written beside it.

What the book was does not depend on the strategy, so it is computed once. A run then reads the touch by cursor and keeps
one plain array of the venue's levels, for queue positions only.
"""

import numpy as np

# One row of the venue's side, in order of `exch_ns`.
VENUE_ROW = np.dtype(
    [
        ("exch_ns", "i8"),
        ("qty_lots", "i8"),
        ("price_ticks", "i4"),
        ("bid_ticks", "i4"),  # the venue's touch after this row
        ("ask_ticks", "i4"),
        ("kind", "u1"),
        ("side", "i1"),
        ("flags", "u1"),
        ("pad", "u1"),
    ],
    align=True,
)
assert VENUE_ROW.itemsize == 32

# Rows of one message at the venue, or one print, or one clear: what a replay looks at first, and mostly only.
VENUE_MESSAGE = np.dtype(
    [
        ("exch_ns", "i8"),
        ("row_end", "i8"),
        ("qty_lots", "i8"),  # of a trade
        ("price_ticks", "i4"),  # of a trade or clear
        ("bid_ticks", "i4"),  # the venue's touch after it
        ("ask_ticks", "i4"),
        ("bid_high", "i4"),  # best bid and ask furthest across at any row of it
        ("ask_low", "i4"),
        ("kind", "u1"),  # DEPTH for levels of any kind
        ("side", "i1"),
        ("pad", "u1", (2,)),
    ],
    align=True,
)
assert VENUE_MESSAGE.itemsize == 48

# One level as the trader receives it, in order of `local_ns`; read only by strategies that look beyond the touch.
LEVEL_ROW = np.dtype(
    [("qty_lots", "i8"), ("price_ticks", "i4"), ("kind", "u1"), ("side", "i1"), ("flags", "u1"), ("pad", "u1")], align=True
)
assert LEVEL_ROW.itemsize == 16

# One message as the trader receives it: the touch after it, and where its levels end.
MESSAGE = np.dtype(
    [
        ("local_ns", "i8"),
        ("exch_ns", "i8"),
        ("bid_lots", "i8"),
        ("ask_lots", "i8"),
        ("qty_lots", "i8"),  # of a trade
        ("update_id", "i8"),
        ("row_end", "i8"),
        ("bid_ticks", "i4"),
        ("ask_ticks", "i4"),
        ("price_ticks", "i4"),  # of a trade
        ("kind", "u1"),  # DEPTH (any change of the book), TRADE or GAP
        ("side", "i1"),
        ("health", "u1"),  # of the book after the message
        ("pad", "u1"),
    ],
    align=True,
)
assert MESSAGE.itemsize == 72
