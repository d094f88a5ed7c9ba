"""Archive rows apart into columns in one pass over the memory, as a column file wants them."""

import numpy as np

from b25.kernels.jit import hot_kernel

LONG = ("exch_ns", "recv_ns", "first_id", "last_id", "prev_id", "qty_lots")
SHORT = ("kind", "side", "flags")


@hot_kernel
def split_columns(rows, long, prices, short):
    """Copy the fields of rows into columns.

    Parameters
    ----------
    rows : ndarray of ROW, shape (n,)
    long : ndarray of int64, shape (6, n)
        Filled with the fields LONG.
    prices : ndarray of int32, shape (n,)
    short : ndarray of uint8, shape (3, n)
        Filled with the fields SHORT; a side of -1 is 255.
    """
    for i in range(rows.shape[0]):
        long[0, i] = rows[i]["exch_ns"]
        long[1, i] = rows[i]["recv_ns"]
        long[2, i] = rows[i]["first_id"]
        long[3, i] = rows[i]["last_id"]
        long[4, i] = rows[i]["prev_id"]
        long[5, i] = rows[i]["qty_lots"]
        prices[i] = rows[i]["price_ticks"]
        short[0, i] = rows[i]["kind"]
        short[1, i] = np.int64(rows[i]["side"]) & 255
        short[2, i] = rows[i]["flags"]
