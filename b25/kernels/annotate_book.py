"""Write the touch beside each row of a tape, by the very kernels that keep a live book.

Within a message the touch is that of the message before: a book is judged whole, at the message's last row.
"""

from b25.kernels.book import CLEAR_CROSSED, clear_side, end_message, set_level
from b25.kernels.jit import kernel
from b25.model.event import BUY, CLEAR, DEPTH, LAST_OF_MESSAGE, SNAPSHOT


@kernel
def apply_row(head, lots, bits, far, row):
    """Apply one row to a book; True when it ended a message that changed the book."""
    kind = row["kind"]
    index = 0 if row["side"] == BUY else 1
    if kind == CLEAR:
        clear_side(head, lots, bits, far, index, row["price_ticks"])
    elif kind == DEPTH or kind == SNAPSHOT:
        set_level(head, lots, bits, far, index, row["price_ticks"], row["qty_lots"])
    else:
        return False
    if row["flags"] & LAST_OF_MESSAGE:
        end_message(head, lots, bits, far, CLEAR_CROSSED)
        return True
    return False


@kernel
def apply_rows(rows, stop, head, lots, bits, far):
    """Apply the first `stop` LEVEL_ROW rows to a book."""
    for k in range(stop):
        apply_row(head, lots, bits, far, rows[k])


@kernel
def annotate_venue_book(rows, head, lots, bits, far):
    """Fill `bid_ticks` and `ask_ticks` of VENUE_ROW `rows` from a book that begins as it is."""
    bid, ask = head["best_bid_ticks"], head["best_ask_ticks"]
    for k in range(rows.shape[0]):
        if apply_row(head, lots, bits, far, rows[k]):
            bid, ask = head["best_bid_ticks"], head["best_ask_ticks"]
        rows[k]["bid_ticks"] = bid
        rows[k]["ask_ticks"] = ask


@kernel
def annotate_message_book(rows, messages, head, lots, bits, far):
    """Fill the touch of MESSAGE `messages` from VENUE_ROW `rows` that stand in the trader's order."""
    bid, ask = head["best_bid_ticks"], head["best_ask_ticks"]
    bid_lots, ask_lots = head["best_bid_lots"], head["best_ask_lots"]
    k = 0
    for m in range(messages.shape[0]):
        while k < messages[m]["row_end"]:
            if apply_row(head, lots, bits, far, rows[k]):
                bid, ask = head["best_bid_ticks"], head["best_ask_ticks"]
                bid_lots, ask_lots = head["best_bid_lots"], head["best_ask_lots"]
            k += 1
        messages[m]["bid_ticks"] = bid
        messages[m]["ask_ticks"] = ask
        messages[m]["bid_lots"] = bid_lots
        messages[m]["ask_lots"] = ask_lots
