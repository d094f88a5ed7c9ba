"""Archive rows into a book, one after another, as a replay without a strategy does."""

import numpy as np

from b25.kernels.book import clear_side, end_message, set_level
from b25.kernels.jit import hot_kernel
from b25.model.book import GAP_SEEN, NO_SNAPSHOT
from b25.model.event import CLEAR, DEPTH, GAP, LAST_OF_MESSAGE, SNAPSHOT, TRADE


@hot_kernel
def apply_rows(rows, policy, head, lots, bits, far):
    """Apply rows of one instrument to its book; end each message by `policy`.

    Parameters
    ----------
    rows : ndarray of ROW
        In the order in which they are to be applied.
    policy : int
        CLEAR_CROSSED or KEEP_CROSSED.
    head, lots, bits, far
        The book.
    """
    for i in range(rows.shape[0]):
        row = rows[i]
        kind = row["kind"]
        side_index = 0 if row["side"] > 0 else 1
        price_ticks = np.int64(row["price_ticks"])  # one width, or every kernel below is compiled twice
        if kind in (DEPTH, SNAPSHOT):
            set_level(head, lots, bits, far, side_index, price_ticks, row["qty_lots"])
        elif kind == CLEAR:
            clear_side(head, lots, bits, far, side_index, price_ticks)
        elif kind == TRADE:
            head["last_trade_ticks"], head["last_trade_lots"] = row["price_ticks"], row["qty_lots"]
            head["last_trade_ns"], head["last_trade_side"] = row["exch_ns"], row["side"]
            continue
        elif kind == GAP:
            head["health"] |= GAP_SEEN
            continue
        else:
            continue
        if row["flags"] & LAST_OF_MESSAGE != 0:
            end_message(head, lots, bits, far, policy)
            head["last_update_id"] = row["last_id"]
            head["exch_ns"], head["local_ns"] = row["exch_ns"], row["recv_ns"]
            if kind in (SNAPSHOT, CLEAR):
                head["health"] &= 255 - (GAP_SEEN | NO_SNAPSHOT)
