"""Two clocks, one market: bring a capture's receive times onto the venue's clock.

The receiver's clock may be behind the venue's, and drift. A row cannot have been received before it happened, so the smallest
`receive - venue` bounds the error.
"""

from typing import Any

import numpy as np

from b25.kernels.rolling_floor import rolling_floor, stretch_floors

NS_PER_S = 1_000_000_000
BUCKET_NS = 10 * NS_PER_S
JUMP_NS = 250_000_000
STRETCHES_MAX = 100_000  # eleven days
SAMPLE = 20_000


def parity_offset_ns(rows: np.ndarray) -> int:
    """Return what one global shift adds to every receive time: minus the smallest latency where that is negative, else 0."""
    if len(rows) == 0:
        return 0
    return max(0, -int((rows["recv_ns"] - rows["exch_ns"]).min()))


def corrected_local(rows: np.ndarray, method: str = "parity", *, window_ns: int = 60 * NS_PER_S, floor_ns: int = 0) -> np.ndarray:
    """Receive times on the venue's clock.

    Parameters
    ----------
    rows : ndarray of ROW, shape (n,)
        In file order.
    method : {"parity", "rolling"}
        ``parity``: one shift for all, so that the smallest latency is exactly 0 (hftbacktest's rule; times may go back
        where they did in the capture). ``rolling``: at each row the shift that the trailing window asks for, then a running
        maximum, so that a drifting clock is followed and time never goes back; it looks at the past only.
    window_ns : int
        Of ``rolling``, in receive time.
    floor_ns : int
        Of ``rolling``: the smallest latency that is believed.

    Returns
    -------
    ndarray of int64, shape (n,)
    """
    recv_ns = np.ascontiguousarray(rows["recv_ns"])
    if method == "parity":
        return recv_ns + parity_offset_ns(rows)
    assert method == "rolling", method
    out = np.empty(len(rows), np.int64)
    rolling_floor(recv_ns, np.ascontiguousarray(rows["exch_ns"]), window_ns, floor_ns, out, np.empty(len(rows), np.int64))
    return out


def clock_quality(rows: np.ndarray, offset: int) -> dict[str, Any]:
    """Offset (given), drift, jumps and the latencies that remain after the parity shift."""
    if len(rows) == 0:
        return {}
    starts, lows = np.empty(STRETCHES_MAX, np.int64), np.empty(STRETCHES_MAX, np.int64)
    count = stretch_floors(rows, BUCKET_NS, starts, lows)
    seconds, lows = (starts[:count] - starts[0]) / NS_PER_S, lows[:count]
    spread = float(((seconds - seconds.mean()) ** 2).sum())
    slope = float(((seconds - seconds.mean()) * (lows - lows.mean())).sum()) / spread if spread > 0 else 0.0
    some = rows[:: max(1, len(rows) // SAMPLE)]
    p50, p99 = np.percentile(some["recv_ns"] - some["exch_ns"] + offset, [50, 99])
    return {
        "clock_offset_ns": offset,
        "clock_drift_ppm": round(slope / 1000, 3),  # ns per s of the smallest latencies
        "clock_jumps": int((np.abs(np.diff(lows)) > JUMP_NS).sum()),
        "latency_p50_ns": int(p50),
        "latency_p99_ns": int(p99),
    }
