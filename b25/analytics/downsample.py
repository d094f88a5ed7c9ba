"""Few points that draw the same picture: first, lowest, highest and last of each pixel column."""

import numpy as np

from b25.analytics.metric import FloatArray, IntArray


def m4(time_ns: IntArray, values: FloatArray, *, columns: int) -> IntArray:
    """Rows of a series that a picture of so many pixel columns needs (M4: Jugel and others 2014).

    Parameters
    ----------
    time_ns : ndarray of int64, shape (n,)
        Never decreasing.
    values : ndarray of float64, shape (n,)
        NaN is left out.
    columns : int
        Width of the picture in pixels.

    Returns
    -------
    ndarray of int64, shape (m,)
        Ascending row numbers, at most four a column: the first, the last, and the first of the lowest and highest.
        A line through them covers the same pixels as one through all rows.
    """
    rows = np.flatnonzero(~np.isnan(values))
    if rows.size <= 4 * columns:
        return rows
    times, kept = time_ns[rows], values[rows]
    span = int(times[-1] - times[0]) + 1
    column = ((times - times[0]) // -(-span // columns)).astype(np.int64)
    begins = np.concatenate(([0], np.flatnonzero(np.diff(column)) + 1))
    ends = np.append(begins[1:], rows.size) - 1
    which = np.repeat(np.arange(begins.size), ends - begins + 1)
    chosen = [begins, ends]
    for extreme in (np.minimum.reduceat(kept, begins), np.maximum.reduceat(kept, begins)):
        hits = np.flatnonzero(kept == extreme[which])
        first = np.concatenate(([True], np.diff(which[hits]) > 0))
        chosen.append(hits[first])
    picked: IntArray = rows[np.unique(np.concatenate(chosen))]
    return picked
