"""A message that was read from its bytes, straight into the book: the live feed's way, without archive rows between."""

from b25.kernels.book import clear_all, end_message, set_level
from b25.kernels.jit import hot_kernel
from b25.model.book import GAP_SEEN, NO_SNAPSHOT
from b25.model.message import DIFF, FULL_BOOK, PRINT


@hot_kernel
def apply_message(message, levels, policy, head, lots, bits, far):
    """Apply one message read by `read_message` to its book.

    A snapshot replaces the whole book and makes it healthy; a diff changes levels; a print is remembered as the last trade; a
    ticker changes nothing. Whether a diff continues the chain is for the caller to ask, before.

    Parameters
    ----------
    message : MESSAGE record
    levels : ndarray of LEVEL
        On the book's grid, bids first.
    policy : int
        CLEAR_CROSSED or KEEP_CROSSED.
    head, lots, bits, far
        The book.
    """
    kind = message["kind"]
    if kind == PRINT:
        head["last_trade_ticks"], head["last_trade_lots"] = levels[0]["price_ticks"], levels[0]["qty_lots"]
        head["last_trade_ns"], head["last_trade_side"] = message["exch_ns"], message["side"]
        return
    if kind != DIFF and kind != FULL_BOOK:
        return
    if kind == FULL_BOOK:
        clear_all(head, lots, bits, far)
        head["health"] &= 255 - (GAP_SEEN | NO_SNAPSHOT)
    bids, count = message["bids"], message["bids"] + message["asks"]
    for i in range(bids):
        set_level(head, lots, bits, far, 0, levels[i]["price_ticks"], levels[i]["qty_lots"])
    for i in range(bids, count):
        set_level(head, lots, bits, far, 1, levels[i]["price_ticks"], levels[i]["qty_lots"])
    end_message(head, lots, bits, far, policy)
    head["last_update_id"] = message["last_id"]
    head["exch_ns"] = message["exch_ns"]
