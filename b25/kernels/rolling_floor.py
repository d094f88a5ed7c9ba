"""Follow a drifting clock: the smallest latency of a trailing window, or of each stretch of time, in one pass."""

import numpy as np

from b25.kernels.jit import hot_kernel


@hot_kernel
def rolling_floor(recv_ns, exch_ns, window_ns, floor_ns, out, queue):
    """Shift receive times by what the trailing window asks for.

    `offset = max(0, floor_ns - smallest latency of the window)`, then a running maximum: time never goes back.

    Parameters
    ----------
    recv_ns, exch_ns : ndarray of int64, shape (n,)
    window_ns, floor_ns : int
    out : ndarray of int64, shape (n,)
        Filled.
    queue : ndarray of int64, shape (n,)
        Scratch: rows of rising latency that may still become the window's smallest.
    """
    head, tail = 0, 0
    newest = -(2**62)
    for i in range(recv_ns.shape[0]):
        latency = recv_ns[i] - exch_ns[i]
        while tail > head and recv_ns[queue[tail - 1]] - exch_ns[queue[tail - 1]] >= latency:
            tail -= 1
        queue[tail] = i
        tail += 1
        while recv_ns[queue[head]] < recv_ns[i] - window_ns:
            head += 1
        smallest = recv_ns[queue[head]] - exch_ns[queue[head]]
        newest = max(newest, recv_ns[i] + max(0, floor_ns - smallest))
        out[i] = newest


@hot_kernel
def stretch_floors(rows, stretch_ns, starts, floors):
    """Smallest latency of each stretch of venue time, in file order; return how many stretches there are.

    Parameters
    ----------
    rows : ndarray of ROW, shape (n,)
    stretch_ns : int
        A new stretch begins with the first row this much later than the one before began, or earlier than it.
    starts, floors : ndarray of int64
        Filled as far as they reach: venue time and smallest latency, in ns.
    """
    count = 0
    for i in range(rows.shape[0]):
        exch_ns = np.int64(rows[i]["exch_ns"])
        latency = rows[i]["recv_ns"] - exch_ns
        if count == 0 or not 0 <= exch_ns - starts[count - 1] < stretch_ns:
            if count == starts.shape[0]:
                break
            starts[count], floors[count] = exch_ns, latency
            count += 1
        floors[count - 1] = min(floors[count - 1], latency)
    return count
