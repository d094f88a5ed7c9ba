"""What people do next: one step of simulated order flow, as orders that any book can take.

A fair value moves with bursts of activity and jumps. Makers quote around what they believe it to be, a little late.
Patient orders rest at all distances behind the touch. Takers come in self-exciting waves: children of a few large
parents (hence the long memory of their signs), followers of the trend, noise, and the informed, who see the fair value
before the makers do (hence the adverse selection). Here is only the sampling: the orders land in `flow.inputs`, and
who matches them is somebody else's affair. `rungs` and the touch in `state` are read as the public picture of the book.
"""

import math
from typing import Final

from b25.kernels.dice import bell, coin, draw, heavy, skewed, uniform
from b25.kernels.jit import kernel
from b25.kernels.orderflow_book import resting_lots
from b25.kernels.orderflow_state import (
    ASKS,
    BIDS,
    CANCEL,
    INPUTS_MAX,
    MAKER_LEVELS,
    NOBODY,
    NONE_YET,
    PLACE,
    REACH_TICKS,
    SWITCHES,
    TAKE,
)
from b25.model.event import BUY, NO_ASK_TICKS, NO_BID_TICKS, SELL

SWITCH_FASTEST_S: Final = 1.5
SWITCH_RATIO: Final = 3.0
SWITCH_HIGH: Final = 1.45  # a switch multiplies the activity by this or by 2 minus this
TREND_S: Final = 5.0
EXCITED_S: Final = (0.04, 0.8, 12.0)
EXCITED_SHARE: Final = (0.4, 0.35, 0.25)
EXPECTED_ORDERS: Final = 20.0  # memory of the expected side
EXPECTED_TRUST: Final = 0.85
PROBE_TICKS: Final = 64  # how far a cancel looks for a level


@kernel
def sample_step(flow):
    """Move time by one step and sample its orders.

    Parameters
    ----------
    flow : Flow
        `state`, `makers`, `quotes` and `parents` move on; the first rows of `inputs` are filled.

    Returns
    -------
    int
        How many inputs were sampled, in the order in which the venue gets them.
    """
    model, state = flow.model[0], flow.state[0]
    state["now_ns"] += model["step_ns"]
    step_s = model["step_ns"] * 1e-9
    _move_activity(state, step_s)
    _move_fair(model, state, step_s)
    count = _sample_makers(flow, step_s)
    count = _sample_patient(flow, step_s, count)
    count = _sample_wary(flow, step_s, count)
    count = _sample_informed(flow, step_s, count)
    return _sample_takers(flow, step_s, count)


@kernel
def _add(flow, count, kind, side, price_ticks, qty_lots, owner):
    if count >= INPUTS_MAX or qty_lots <= 0:
        return count
    order = flow.inputs[count]
    order["kind"] = kind
    order["side"] = side
    order["price_ticks"] = price_ticks
    order["qty_lots"] = qty_lots
    order["owner"] = owner
    return count + 1


@kernel
def _move_activity(state, step_s):
    # Binomial multifractal (Calvet and Fisher): switches at many time scales multiply to bursts within bursts.
    chance = step_s / SWITCH_FASTEST_S
    luck = uniform(state)
    for k in range(SWITCHES):
        if luck < chance:
            bit = 1 << k
            state["switches"] = (state["switches"] & ~bit) | (bit if draw(state) & 1 else 0)
            activity = 1.0
            for j in range(SWITCHES):
                activity *= SWITCH_HIGH if (state["switches"] >> j) & 1 else 2.0 - SWITCH_HIGH
            state["activity"] = activity
            return
        luck -= chance
        chance /= SWITCH_RATIO


@kernel
def _move_fair(model, state, step_s):
    activity = state["activity"]
    fair = state["fair_ticks"] + model["fair_ticks"] * math.sqrt(activity * step_s) * bell(state)
    if uniform(state) < model["jump_per_s"] * activity * step_s:
        fair += coin(state) * heavy(state, model["jump_ticks_min"], model["jump_ticks_max"])
    fair = min(max(fair, 0.25 * model["price_ticks"]), 4.0 * model["price_ticks"])
    state["fair_ticks"] = fair
    state["belief_ticks"] += (fair - state["belief_ticks"]) * min(1.0, step_s / model["belief_lag_s"])
    state["pressure_ticks"] -= state["pressure_ticks"] * step_s / model["pressure_s"]
    state["trend_ticks"] += (fair - state["trend_ticks"]) * step_s / TREND_S
    state["excited_fast"] -= state["excited_fast"] * step_s / EXCITED_S[0]
    state["excited_mid"] -= state["excited_mid"] * step_s / EXCITED_S[1]
    state["excited_slow"] -= state["excited_slow"] * step_s / EXCITED_S[2]


@kernel
def _sample_makers(flow, step_s):
    state = flow.state[0]
    count = NONE_YET
    centre = state["belief_ticks"] + state["pressure_ticks"]
    for i in range(flow.makers.shape[0]):
        maker = flow.makers[i]
        far = abs(centre - maker["centre_ticks"]) > maker["tolerance_ticks"]
        rate = maker["react_per_s"] if far else maker["refresh_per_s"]
        if uniform(state) < rate * step_s:
            count = _requote(flow, i, centre + 0.5 * bell(state), count)
    return count


@kernel
def _requote(flow, i, centre, count):
    """Withdraw the quotes that no longer stand where maker `i` wants them, then place the new ones."""
    state, maker = flow.state[0], flow.makers[i]
    maker["centre_ticks"] = centre
    half = maker["half_ticks"] * (0.6 + 0.4 * math.sqrt(state["activity"]))
    for side_index in range(2):
        side = BUY if side_index == 0 else SELL
        for j in range(MAKER_LEVELS):
            quote = flow.quotes[i, side_index, j]
            away = half + j * maker["gap_ticks"]
            if side == BUY:
                price = min(int(math.floor(centre - away)), state["best_ask_ticks"] - 1 - j)
            else:
                price = max(int(math.ceil(centre + away)), state["best_bid_ticks"] + 1 + j)
            if price != quote["price_ticks"]:
                count = _add(flow, count, CANCEL, side, quote["price_ticks"], quote["qty_lots"], i)
                quote["price_ticks"] = price
                quote["qty_lots"] = 0
    for side_index in range(2):
        side = BUY if side_index == 0 else SELL
        for j in range(MAKER_LEVELS):
            quote = flow.quotes[i, side_index, j]
            price = quote["price_ticks"]
            # What the level no longer holds was taken; nobody tells a maker whose lots they were.
            resting = min(quote["qty_lots"], resting_lots(flow, side_index, price))
            wanted = 1 + int(maker["size_lots"] * (2.5 if j == 0 else 1.0) * (0.5 + uniform(state)))
            if 2 * resting < wanted:
                count = _add(flow, count, PLACE, side, price, wanted - resting, i)
                resting = wanted
            quote["qty_lots"] = resting
    return count


@kernel
def _sample_patient(flow, step_s, count):
    """Orders that wait at a power-law distance behind the touch, and the cancels that keep their number steady."""
    model, state = flow.model[0], flow.state[0]
    if state["best_bid_ticks"] == NO_BID_TICKS or state["best_ask_ticks"] == NO_ASK_TICKS:
        return count  # without a touch there is nothing to be patient behind
    pace = model["patient_per_s"] * (0.4 + 0.6 * state["activity"]) * step_s
    if uniform(state) < pace:
        side = coin(state)
        away = _distance_ticks(model, state)
        touch = state["best_bid_ticks"] if side == BUY else state["best_ask_ticks"]
        median_lots = 10.0 + 0.2 * min(away, 150)
        if draw(state) & 7 == 0:  # some join the best queue, or open a better one
            away = -1 if state["best_ask_ticks"] - state["best_bid_ticks"] > 1 else 0
            median_lots = 40.0
        qty_lots = 1 + int(skewed(state, median_lots, 1.2))
        count = _add(flow, count, PLACE, side, touch - side * away, qty_lots, NOBODY)
    if uniform(state) < pace * state["levels"] / model["patient_levels"]:
        side = coin(state)
        # Patience ends sooner near the touch and far out, so that most lots rest in between.
        away = _distance_ticks(model, state) // 2
        if draw(state) & 7 == 0:
            away = draw(state) % REACH_TICKS
        price = (state["best_bid_ticks"] if side == BUY else state["best_ask_ticks"]) - side * away
        side_index = BIDS if side == BUY else ASKS
        for _ in range(PROBE_TICKS):
            lots = resting_lots(flow, side_index, price)
            if lots > 0:
                if draw(state) & 3 == 0:
                    lots = (lots + 1) // 2
                return _add(flow, count, CANCEL, side, price, lots, NOBODY)
            price -= side
    return count


@kernel
def _distance_ticks(model, state):
    # P(distance > d) = 1 / (1 + d / median).
    return min(int(model["patient_ticks"] * (1.0 / uniform(state) - 1.0)), REACH_TICKS - 2 * PROBE_TICKS)


@kernel
def _sample_wary(flow, step_s, count):
    """A touch that the makers' view has left behind is withdrawn, level by level, before somebody takes it."""
    model, state = flow.model[0], flow.state[0]
    if uniform(state) >= model["wary_per_s"] * step_s:
        return count
    centre = state["belief_ticks"] + state["pressure_ticks"]
    if centre > state["best_ask_ticks"] + model["margin_ticks"]:
        lots = resting_lots(flow, ASKS, state["best_ask_ticks"])
        return _add(flow, count, CANCEL, SELL, state["best_ask_ticks"], lots, NOBODY)
    if centre < state["best_bid_ticks"] - model["margin_ticks"]:
        lots = resting_lots(flow, BIDS, state["best_bid_ticks"])
        return _add(flow, count, CANCEL, BUY, state["best_bid_ticks"], lots, NOBODY)
    return count


@kernel
def _sample_informed(flow, step_s, count):
    """Those who see the fair value first take what it has left behind, up to a price that still pays."""
    model, state = flow.model[0], flow.state[0]
    margin = model["margin_ticks"]
    above = state["fair_ticks"] - margin - state["best_ask_ticks"]
    below = state["best_bid_ticks"] - state["fair_ticks"] - margin
    if uniform(state) >= min(0.25, model["informed_per_s"] * max(0.0, above, below) * step_s):
        return count
    if above > 0.0:
        side, limit = BUY, int(math.floor(state["fair_ticks"] - margin))
    else:
        side, limit = SELL, int(math.ceil(state["fair_ticks"] + margin))
    qty_lots = 1 + int(skewed(state, 25.0, 1.2))
    remember(model, state, side, qty_lots, 0.0)
    return _add(flow, count, TAKE, side, limit, qty_lots, NOBODY)


@kernel
def _sample_takers(flow, step_s, count):
    model, state = flow.model[0], flow.state[0]
    excited = state["excited_fast"] + state["excited_mid"] + state["excited_slow"]
    if uniform(state) >= (model["take_per_s"] * (0.25 + 0.75 * state["activity"]) + excited) * step_s:
        return count
    luck = uniform(state) - model["parent_share"]
    if luck < 0.0:
        side = _child_side(flow)
    elif luck < model["momentum_share"]:
        side = BUY if state["fair_ticks"] > state["trend_ticks"] else SELL
    elif luck < model["momentum_share"] + model["lean_share"]:
        bid_lots = resting_lots(flow, BIDS, state["best_bid_ticks"])
        ask_lots = resting_lots(flow, ASKS, state["best_ask_ticks"])
        side = BUY if bid_lots > ask_lots else SELL
    else:
        side = coin(state)
    qty_lots = 1 + int(skewed(state, 3.0, 1.5))
    if draw(state) % 12 == 0:
        qty_lots += int(heavy(state, 60.0, 20_000.0))
    limit = NO_ASK_TICKS if side == BUY else NO_BID_TICKS
    remember(model, state, side, qty_lots, model["impact_ticks"])
    return _add(flow, count, TAKE, side, limit, qty_lots, NOBODY)


@kernel
def _child_side(flow):
    """Side of the next child of one of the parents (Lillo, Mike and Farmer: power-law lengths give long memory)."""
    state = flow.state[0]
    parent = flow.parents[draw(state) % flow.parents.shape[0]]
    if parent["children_left"] < 1.0:
        parent["side"] = coin(state)
        parent["children_left"] = heavy(state, 5.0, 5_000.0)
    parent["children_left"] -= 1.0
    return parent["side"]


@kernel
def remember(model, state, side, qty_lots, impact_ticks):
    """Let an order move prices and provoke others. Only its surprise stays in the price, or returns would persist."""
    weight = math.sqrt(min(qty_lots, 4_000) / 100.0)
    if impact_ticks > 0.0:
        state["fair_ticks"] += impact_ticks * (side - EXPECTED_TRUST * state["expected_side"]) * weight
        state["expected_side"] += (side - state["expected_side"]) / EXPECTED_ORDERS
    state["pressure_ticks"] += model["pressure_ticks"] * side * weight
    feedback = model["take_feedback"]
    state["excited_fast"] += feedback * EXCITED_SHARE[0] / EXCITED_S[0]
    state["excited_mid"] += feedback * EXCITED_SHARE[1] / EXCITED_S[1]
    state["excited_slow"] += feedback * EXCITED_SHARE[2] / EXCITED_S[2]
