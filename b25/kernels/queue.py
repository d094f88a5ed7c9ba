"""Where a resting order of ours stands in the queue of its level, estimated from what an L2 feed shows.

`front` is the quantity ahead of us, `cum` what has traded at the level since its quantity last changed; both in base
units, because the logarithmic forms depend on the unit. A model is three moments: acceptance, a trade at our price, a
change of the level. Sources: the models of hftbacktest 2.4 (queue.rs), re-derived from their published formulas.
"""

import math

import numpy as np

from b25.kernels.jit import kernel

RISK_ADVERSE = 0
POWER = 1
POWER_2 = 2
POWER_3 = 3
LOG = 4
LOG_2 = 5


@kernel
def advance_probability(code, n, front, back):
    """Chance that a reduction of the level happened behind us; NaN where the form gives 0/0."""
    if code == POWER:
        return divided(back**n, back**n + front**n)
    if code == POWER_2:
        return divided(back**n, (back + front) ** n)
    if code == POWER_3:
        return 1.0 - divided(front, front + back) ** n
    if code == LOG:
        return divided(math.log(1.0 + back), math.log(1.0 + back) + math.log(1.0 + front))
    return divided(math.log(1.0 + back), math.log(1.0 + back + front))


@kernel
def divided(a, b):
    """`a / b` as IEEE has it: infinite for x/0, NaN for 0/0; Python's own division would raise."""
    if b == 0.0:
        if a == 0.0 or a != a:
            return np.nan
        return np.inf if a > 0.0 else -np.inf
    return a / b


@kernel
def after_trade(front, cum, quantity):
    """`(front, cum)` after a print of `quantity` at our price."""
    return front - quantity, cum + quantity


@kernel
def after_depth(code, n, front, cum, before, after):
    """`(front, cum)` after the level went from `before` to `after`."""
    if code == RISK_ADVERSE:
        return min(front, after), cum
    change = before - after - cum
    if change < 0.0:
        return min(front, after), 0.0
    back = before - front
    p = advance_probability(code, n, front, back)
    if p != p:
        # 0/0: nothing is known of where the reduction happened, and the level itself is the only bound.
        return after, 0.0
    if math.isinf(p):
        p = 1.0
    estimate = front - (1.0 - p) * change + min(back - p * change, 0.0)
    return min(estimate, after), 0.0


@kernel
def lots_reached(front, lot):
    """Whole lots of ours that the queue has already passed: round(-front / lot), half away from zero, at least 0."""
    passed = -front / lot
    if passed < 0.5:
        return np.int64(0)
    return np.int64(math.floor(passed + 0.5))
