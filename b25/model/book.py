"""The resting levels of one instrument now: the head that everybody reads, and one level of the far table."""

from typing import Final

import numpy as np

# Health bits of a book; 0 is healthy. The risk gate reads them and refuses what adds risk while any is set.
NO_SNAPSHOT: Final = 1
GAP_SEEN: Final = 2
CROSSED: Final = 4
FAR_FULL: Final = 8

BOOK = np.dtype(
    [
        ("best_bid_ticks", "i8"),  # NO_BID_TICKS when the side is empty
        ("best_ask_ticks", "i8"),  # NO_ASK_TICKS when the side is empty
        ("best_bid_lots", "i8"),
        ("best_ask_lots", "i8"),
        ("base_ticks", "i8"),  # tick of the ladder's first slot
        ("low_bid_ticks", "i8"),  # watermarks of the ladder: no level lies beyond them
        ("high_ask_ticks", "i8"),
        ("bid_levels", "i8"),  # ladder and far table together
        ("ask_levels", "i8"),
        ("far_bids", "i8"),  # how many of them are in the far table
        ("far_asks", "i8"),
        ("last_update_id", "i8"),
        ("exch_ns", "i8"),
        ("local_ns", "i8"),
        ("last_trade_ticks", "i8"),  # NO_BID_TICKS before the first trade
        ("last_trade_lots", "i8"),
        ("last_trade_ns", "i8"),
        ("crossed_messages", "i8"),
        ("cleared_levels", "i8"),  # crossed levels removed at the end of a message
        ("recentred", "i8"),
        ("lost_levels", "i8"),  # far levels that found the far table full
        ("lost_lots", "i8"),
        ("traded_lots", "i8"),  # by the public while parent orders were at work: only differences mean anything
        ("traded_ticklots", "i8"),
        ("health", "u1"),
        ("last_trade_side", "i1"),
        ("crossed_by", "u1"),  # within a message: 1 when a bid last reached the asks, 2 when an ask reached the bids
        ("pad", "u1", (5,)),
    ],
    align=True,
)
assert BOOK.itemsize == 200

LEVEL = np.dtype([("price_ticks", "i8"), ("qty_lots", "i8")], align=True)
