"""Queue positions against the naive models, on levels that grow, shrink, empty and come back."""

import math
from dataclasses import dataclass

import numba
import pytest
from hypothesis import given
from hypothesis import strategies as st

from b25.kernels.queue import after_depth, after_trade, lots_reached
from b25.venue.models import Queue
from tests.engine.naive_venue import Venue, queue_model

LOT = 0.001
NAMES = ["risk_adverse", "power_prob:1.0", "power_prob:2.5", "power_prob_2:2.0", "power_prob_3:3.0", "log_prob", "log_prob_2"]


@dataclass
class Standing:
    """An order as the naive model moves it."""

    front: float
    traded: float = 0.0


MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("trade"), st.integers(1, 40)),
        st.tuples(st.just("depth"), st.integers(0, 60)),
        st.tuples(st.just("cleared"), st.just(0)),
    ),
    max_size=40,
)


@pytest.mark.parametrize("name", NAMES)
@given(shown=st.integers(0, 60), moves=MOVES)
def test_a_queue_position_moves_as_the_naive_model_says(name, shown, moves):
    code, n = Queue(name).code()
    naive = queue_model(name)
    standing = Standing(shown * LOT)
    front, cum = standing.front, 0.0
    for what, lots in moves:
        if what == "cleared":
            # The level is gone without a word to the queue.
            shown = 0
            continue
        if what == "trade":
            naive.trade(standing, lots * LOT)
            front, cum = after_trade(front, cum, lots * LOT)
        else:
            if numba.config.DISABLE_JIT and not 0.0 <= front <= shown * LOT:
                return  # Python has no real power of a negative number, machine code gives NaN
            naive.depth(standing, shown * LOT, lots * LOT)
            front, cum = after_depth(code, n, front, cum, shown * LOT, lots * LOT)
            shown = lots
        assert front == standing.front
        if name != "risk_adverse":
            assert cum == standing.traded


@given(lots=st.floats(-50, 50))
def test_whole_lots_reached_are_rounded_half_away_from_zero(lots):
    passed = -(lots * LOT) / LOT
    expected = max(0, math.trunc(passed + math.copysign(0.5, passed)))
    if abs(passed - 0.5) > 1e-9:  # the sum of the largest number below a half and a half is rounded up to one
        assert lots_reached(lots * LOT, LOT) == expected


@pytest.mark.parametrize(("front", "reached"), [(0.0, 0), (-0.4 * LOT, 0), (-0.5 * LOT, 1), (-1.5 * LOT, 2), (5 * LOT, 0)])
def test_half_a_lot_is_enough(front, reached):
    assert lots_reached(front, LOT) == reached


def test_unknown_whereabouts_leave_the_level_as_the_only_bound():
    # Nothing ahead and nothing behind: 0/0.
    code, n = Queue("power_prob:2").code()
    assert after_depth(code, n, 0.0, 0.0, 0.0, 0.0) == (0.0, 0.0)
    venue = Venue(None, queue="power_prob:2", lot="0.001")
    standing = Standing(0.0)
    venue.queue.depth(standing, 0.0, 0.0)
    assert standing.front == 0.0
