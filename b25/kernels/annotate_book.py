"""Write the touch beside each row of a tape, by the very kernels that keep a live book.

Within a message the touch is that of the message before: a book is judged whole, at the message's last row.
"""

from b25.kernels.book import CLEAR_CROSSED, clear_side, end_message, set_level
from b25.kernels.book_reads import best_of, is_price, next_level
from b25.kernels.jit import kernel
from b25.model.event import BUY, CLEAR, DEPTH, LAST_OF_MESSAGE, SNAPSHOT


@kernel
def apply_level(head, lots, bits, far, row):
    """Apply one row's change to a book; True when the row is one of a book."""
    kind = row["kind"]
    index = 0 if row["side"] == BUY else 1
    if kind == CLEAR:
        clear_side(head, lots, bits, far, index, row["price_ticks"])
    elif kind == DEPTH or kind == SNAPSHOT:
        set_level(head, lots, bits, far, index, row["price_ticks"], row["qty_lots"])
    else:
        return False
    return True


@kernel
def apply_row(head, lots, bits, far, row):
    """Apply one row to a book; True when it ended a message that changed the book."""
    if apply_level(head, lots, bits, far, row) and row["flags"] & LAST_OF_MESSAGE:
        end_message(head, lots, bits, far, CLEAR_CROSSED)
        return True
    return False


@kernel
def list_crossed(head, lots, bits, far, row, removed, count):
    """Write the levels that the end of a crossed message will remove; returns the new count."""
    loser = 0 if head["crossed_by"] == 2 else 1
    best = best_of(head, 1 - loser)
    ticks = best_of(head, loser)
    while is_price(ticks) and ((ticks <= best) if loser == 1 else (ticks >= best)):
        if count < removed.shape[0]:
            removed[count, 0] = row
            removed[count, 1] = 1 if loser == 0 else -1
            removed[count, 2] = ticks
        count += 1
        ticks = next_level(head, lots, bits, far, loser, ticks)
    return count


@kernel
def apply_rows(rows, stop, head, lots, bits, far):
    """Apply the first `stop` LEVEL_ROW rows to a book."""
    for k in range(stop):
        apply_row(head, lots, bits, far, rows[k])


@kernel
def annotate_venue_book(rows, removed, head, lots, bits, far):
    """Fill `bid_ticks` and `ask_ticks` of VENUE_ROW `rows` from a book that begins as it is.

    Levels that a message left crossed, and that its end therefore removes, are written into `removed` (int64, shape (n, 3):
    row, side, ticks) as far as it reaches. Returns how many there were.
    """
    bid, ask = head["best_bid_ticks"], head["best_ask_ticks"]
    count = 0
    for k in range(rows.shape[0]):
        if apply_level(head, lots, bits, far, rows[k]) and rows[k]["flags"] & LAST_OF_MESSAGE:
            if head["best_bid_ticks"] >= head["best_ask_ticks"]:
                count = list_crossed(head, lots, bits, far, k, removed, count)
            end_message(head, lots, bits, far, CLEAR_CROSSED)
            bid, ask = head["best_bid_ticks"], head["best_ask_ticks"]
        rows[k]["bid_ticks"] = bid
        rows[k]["ask_ticks"] = ask
    return count


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
