"""What happens to an order inside a bar: at its open, and on a leg of the path that the price is taken to have gone.

A bar says where the price began, how far it went each way and where it ended, not in which order. Each order is filled at
the first price of the path that lets it; which way the path goes first is decided by whoever calls, against the holder.
"""

import math

import numpy as np

from b25.kernels.jit import kernel

NEVER = -1


@kernel
def open_price(side, price_ticks, stop_ticks, is_market, open_ticks):
    """Price at which an order is filled at a bar's open, or NEVER.

    A market order gets the open; a limit that the open is better than gets the open; a stop that the open is beyond
    gets the open, be it ever so far away.
    """
    if stop_ticks != 0 and (open_ticks - stop_ticks) * side < 0:
        return np.int64(NEVER)
    if is_market or (price_ticks - open_ticks) * side >= 0:
        return np.int64(open_ticks)
    return np.int64(NEVER)


@kernel
def leg_price(side, price_ticks, stop_ticks, is_market, direction, at_ticks, end_ticks, by_touch):
    """First price on a leg from `at_ticks` to `end_ticks` at which an order acts, or NEVER.

    Parameters
    ----------
    side : int
        +1 buy, -1 sell.
    price_ticks, stop_ticks : int
        Limit, and stop; 0 where the order has none.
    is_market : bool
    direction : int
        +1 when the leg goes up, -1 when it goes down.
    at_ticks, end_ticks : int
        Where the price is, and where the leg ends.
    by_touch : bool
        Whether a limit acts when the leg only touches it, be it with its first or its last price.
    """
    if stop_ticks != 0:
        # A buy stop is met on the way up, a sell stop on the way down.
        if direction != side or (stop_ticks - at_ticks) * direction < 0 or (end_ticks - stop_ticks) * direction < 0:
            return np.int64(NEVER)
        return np.int64(stop_ticks)
    if is_market:
        return np.int64(NEVER)
    better = (price_ticks - at_ticks) * side
    if better > 0 or (by_touch and better == 0):
        return np.int64(at_ticks)
    if direction == side:
        return np.int64(NEVER)
    beyond = (end_ticks - price_ticks) * direction
    if beyond > 0 or (by_touch and beyond == 0):
        return np.int64(price_ticks)
    return np.int64(NEVER)


@kernel
def slipped(side, ticks, slippage_e12, impact_e12, lots, volume_lots):
    """Price that an order which takes liquidity gets: `ticks` worsened by slippage and impact, to the next whole tick.

    Impact is `impact · sqrt(lots / volume)`, the square-root law; with no volume it is taken as for the whole volume.
    """
    ratio = slippage_e12 / 1e12
    if impact_e12 != 0:
        part = lots / volume_lots if volume_lots > 0 else 1.0
        ratio += impact_e12 / 1e12 * math.sqrt(part)
    if ratio == 0.0:
        return np.int64(ticks)
    # A hair is forgiven, so that 10 bps of 100 000 ticks are 100 ticks and not 101.
    worse = np.int64(math.ceil(ticks * ratio - 1e-9))
    return max(np.int64(1), np.int64(ticks) + side * worse)


@kernel
def first_direction(position_lots, open_ticks, high_ticks, low_ticks):
    """Which way a bar is taken to have gone first: against the holder; with nothing held, to the nearer extreme."""
    if position_lots > 0:
        return np.int64(-1)
    if position_lots < 0:
        return np.int64(1)
    return np.int64(1) if high_ticks - open_ticks < open_ticks - low_ticks else np.int64(-1)
