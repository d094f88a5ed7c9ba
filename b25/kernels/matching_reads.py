"""What can be seen of a book: its levels from the touch on, and one number that stands for all of its state."""

import numpy as np

from b25.kernels.jit import kernel
from b25.kernels.matching_book import next_level, no_price
from b25.model.matching import ASKS, BIDS, QUEUES

START = np.uint64(0xCBF29CE484222325)
THIRTEEN, SEVEN, SEVENTEEN = np.uint64(13), np.uint64(7), np.uint64(17)


@kernel
def fill_levels(book, queue, out):
    """Write (price_ticks, lots) of a queue from its first level on into `out`, int64 of shape (depth, 2); return the count."""
    at, count = np.int64(book.head[0]["best_ticks"][queue]), 0
    while count < out.shape[0] and at != no_price(queue):
        page = np.int64(book.page_of[queue, at >> 8]) - 1
        out[count, 0], out[count, 1] = at, book.levels[page, at & 255]["lots"]
        count += 1
        at = next_level(book, queue, at)
    return count


@kernel
def mix(digest, number):
    """Fold a whole number into a digest by a step of xorshift64 (Marsaglia 2003), which no word overflows."""
    digest = digest ^ np.uint64(np.int64(number))
    digest ^= digest << THIRTEEN
    digest ^= digest >> SEVEN
    return digest ^ (digest << SEVENTEEN)


@kernel
def state_hash(book):
    """Hash of every order in its queue's priority, of positions that are not zero, and of the last price, mark and trade id.

    Raises no error, but gives 0 when a level's sum is not that of its orders: a book that is not whole has no hash.
    """
    head, digest = book.head[0], START
    for queue in range(QUEUES):
        at = np.int64(head["best_ticks"][queue])
        digest = mix(digest, queue)
        while at != no_price(queue):
            page = np.int64(book.page_of[queue, at >> 8]) - 1
            level = book.levels[page, at & 255]
            slot, total = np.int64(level["first"]), 0
            digest = mix(digest, at)
            while slot >= 0:
                order = book.orders[slot]
                digest = mix(mix(mix(digest, order["order_id"]), order["leaves_lots"]), order["price_ticks"])
                total += order["leaves_lots"]
                slot = np.int64(order["next"])
            if total != level["lots"] or total == 0:
                return np.uint64(0)
            at = next_level(book, queue, at)
    for account in range(book.positions.shape[0]):
        if book.positions[account] != 0:
            digest = mix(mix(digest, account), book.positions[account])
    if head["best_ticks"][BIDS] >= head["best_ticks"][ASKS]:
        return np.uint64(0)
    return mix(mix(mix(digest, head["last_ticks"]), head["mark_ticks"]), head["trade_id"])
