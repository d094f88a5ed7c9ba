"""The records of the order-flow simulator: its parameters, its state, its makers, and the book that it trades on."""

from typing import Final, NamedTuple

import numpy as np

from b25.kernels.dice import DICE_FIELDS

RUNGS: Final = 16_384  # ticks that the ring book can hold on one side; a power of two
RUNG_MASK: Final = RUNGS - 1
REACH_TICKS: Final = 3500  # levels further than this behind their touch are withdrawn, well inside the ring
MAKER_LEVELS: Final = 4
SWITCHES: Final = 6  # of the activity; each is three times slower than the one before
INPUTS_MAX: Final = 512  # orders sampled in one step, at most

# Numba compiles a callee anew for every bare number among its arguments; for a number of numpy's it does not.
BIDS: Final = np.int64(0)
ASKS: Final = np.int64(1)
NONE_YET: Final = np.int64(0)
NOBODY: Final = np.int64(-1)

# Kinds of input.
PLACE: Final = np.int64(1)
CANCEL: Final = np.int64(2)
TAKE: Final = np.int64(3)

MODEL = np.dtype(
    [
        ("step_ns", "i8"),
        ("publish_ns_min", "i8"),  # time between two depth messages, drawn evenly between the bounds
        ("publish_ns_max", "i8"),
        ("latency_ns_median", "i8"),  # from the venue's clock to ours
        ("latency_spread", "f8"),  # deviation of its logarithm
        ("fair_ticks", "f8"),  # deviation of the fair value's news in one second of activity 1
        ("jump_per_s", "f8"),
        ("jump_ticks_min", "f8"),
        ("jump_ticks_max", "f8"),
        ("belief_lag_s", "f8"),  # how far the makers are behind the fair value
        ("impact_ticks", "f8"),  # of a surprising order of 100 lots, on the fair value: it stays
        ("pressure_ticks", "f8"),  # of an order of 100 lots, on the quotes: it fades
        ("pressure_s", "f8"),
        ("take_per_s", "f8"),  # orders that nobody provoked, at activity 1
        ("take_feedback", "f8"),  # orders that one order provokes, on average; below 1
        ("parent_share", "f8"),  # of the takers: children of a few large parents
        ("momentum_share", "f8"),  # of the takers: they follow the last seconds' move
        ("lean_share", "f8"),  # of the takers: they take the thinner of the two best queues before it is gone
        ("informed_per_s", "f8"),  # per tick that the fair value lies beyond the touch and the margin
        ("margin_ticks", "f8"),
        ("wary_per_s", "f8"),  # chances to withdraw a touch that the makers' view has left behind by the margin
        ("patient_per_s", "f8"),
        ("patient_ticks", "f8"),  # median distance of a patient order from its touch
        ("patient_levels", "f8"),  # levels that patience fills, both sides together
        ("price_ticks", "f8"),  # where it starts; the fair value is kept within a quarter and four times of it
    ],
    align=True,
)
assert MODEL.itemsize == 200

STATE = np.dtype(
    [
        ("now_ns", "i8"),
        *DICE_FIELDS,
        ("switches", "i8"),  # one bit a switch
        ("activity", "f8"),  # their product: mean 1, long memory
        ("fair_ticks", "f8"),
        ("belief_ticks", "f8"),
        ("pressure_ticks", "f8"),
        ("trend_ticks", "f8"),  # slow average of the fair value
        ("excited_fast", "f8"),  # orders a second on top of the base rate, at three speeds of decay
        ("excited_mid", "f8"),
        ("excited_slow", "f8"),
        ("expected_side", "f8"),  # what the last orders let everybody expect of the next one's side
        ("best_bid_ticks", "i8"),
        ("best_ask_ticks", "i8"),
        ("low_bid_ticks", "i8"),  # no bid lies below
        ("high_ask_ticks", "i8"),  # no ask lies above
        ("levels", "i8"),
        ("touched", "i8"),  # rungs changed since the last depth message
        ("update_id", "i8"),
        ("shown_update_id", "i8"),
        ("trade_id", "i8"),
        ("publish_ns", "i8"),
        ("recv_ns", "i8"),
    ],
    align=True,
)
assert STATE.itemsize == 208

MAKER = np.dtype(
    [
        ("half_ticks", "f8"),
        ("gap_ticks", "f8"),  # between its levels
        ("size_lots", "f8"),
        ("tolerance_ticks", "f8"),  # it reacts when its quotes are further off than this
        ("react_per_s", "f8"),
        ("refresh_per_s", "f8"),
        ("centre_ticks", "f8"),  # of its present quotes
    ],
    align=True,
)
assert MAKER.itemsize == 56

QUOTE = np.dtype([("price_ticks", "i8"), ("qty_lots", "i8")], align=True)

PARENT = np.dtype([("side", "i8"), ("children_left", "f8")], align=True)

INPUT = np.dtype(
    [
        ("price_ticks", "i8"),  # of a TAKE: its limit
        ("qty_lots", "i8"),
        ("kind", "u1"),
        ("side", "i1"),
        ("owner", "i2"),  # index of the maker, -1 for everybody else
        ("pad", "u1", (4,)),
    ],
    align=True,
)
assert INPUT.itemsize == 24

RUNG = np.dtype(
    [
        ("qty_lots", "i8"),
        ("shown_lots", "i8"),  # as last published
        ("touched", "i8"),  # 1 while it stands in the list of touched rungs
    ],
    align=True,
)
assert RUNG.itemsize == 24


class Flow(NamedTuple):
    """One simulated market: everything that its next millisecond depends on.

    Attributes
    ----------
    model : ndarray of MODEL, shape (1,)
    state : ndarray of STATE, shape (1,)
    makers : ndarray of MAKER, shape (n_makers,)
    quotes : ndarray of QUOTE, shape (n_makers, 2, MAKER_LEVELS)
    parents : ndarray of PARENT, shape (n_parents,)
    rungs : ndarray of RUNG, shape (2, RUNGS)
        The book; the level of `price_ticks` stands at ``[side_index, price_ticks & RUNG_MASK]``.
    touched : ndarray of int64, shape (2 * RUNGS,)
        Changed rungs as ``side_index << 32 | price_ticks``.
    inputs : ndarray of INPUT, shape (INPUTS_MAX,)
    """

    model: np.ndarray
    state: np.ndarray
    makers: np.ndarray
    quotes: np.ndarray
    parents: np.ndarray
    rungs: np.ndarray
    touched: np.ndarray
    inputs: np.ndarray
