"""Larger bars out of smaller ones, by time."""

import numpy as np

from b25.kernels.jit import kernel
from b25.kernels.time_frame import frame_next, frame_open


@kernel
def resample_bars(rows, volume, frame_ns, offset_ns, months, known_ns, out, out_volume):
    """Gather bars into the larger bars that their opens fall into.

    Parameters
    ----------
    rows : ndarray of BAR, shape (n,)
        Ascending.
    volume : ndarray of float64, shape (n,)
        As the source has it; summed in order.
    frame_ns, offset_ns, months : int
        The larger timeframe; see `b25.kernels.time_frame`.
    known_ns : int
        The data reach so far: a larger bar that closes later is not complete and is left out.
    out : ndarray of BAR, out_volume : ndarray of float64, shape (n,)
        Filled as far as they are needed.

    Returns
    -------
    int
        How many larger bars there are.
    """
    count = 0
    close_ns = np.int64(0)
    for i in range(rows.shape[0]):
        row = rows[i]
        if count == 0 or row["open_ns"] >= close_ns:
            open_ns = frame_open(np.int64(row["open_ns"]), frame_ns, offset_ns, months)
            close_ns = frame_next(open_ns, frame_ns, offset_ns, months)
            if close_ns > known_ns:
                break
            out[count] = row
            out[count]["open_ns"], out[count]["close_ns"] = open_ns, close_ns
            out_volume[count] = volume[i]
            count += 1
            continue
        into = out[count - 1]
        into["high_ticks"] = max(into["high_ticks"], row["high_ticks"])
        into["low_ticks"] = min(into["low_ticks"], row["low_ticks"])
        into["close_ticks"] = row["close_ticks"]
        into["volume_lots"] += row["volume_lots"]
        # Unknown in one part is unknown in the whole.
        known = into["buy_lots"] >= 0 and row["buy_lots"] >= 0
        into["buy_lots"] = into["buy_lots"] + row["buy_lots"] if known else -1
        out_volume[count - 1] += volume[i]
    return count
