"""The breakout: in when the channel is left, a stop and a target at the venue with the fill, one of them out."""

import pytest

import b25
from b25.model.order import State
from b25.research.result import Backtest
from strategies.breakout import Breakout
from tests.strategies.candles import candles

FREE = {"fees": b25.Fees(maker=0.0, taker=0.0), "lookback": 4, "stop_ranges": 2.0, "target_ranges": 4.0, "risk": 0.01}
# Twenty-five bars of one range: high 101, low 99, two wide.
QUIET = [(100.0, 101.0, 99.0, 100.0)] * 25
UP = (100.0, 101.5, 99.5, 101.25)  # closes above 101, and is two wide as well
DOWN = (100.0, 100.5, 98.5, 98.75)


def run(*prices: tuple[float, float, float, float], compiled: bool, **params: object) -> Backtest:
    return b25.backtest(Breakout, candles(*prices), compiled=compiled, **(FREE | params))


def done(result: Backtest) -> list[tuple[int, float]]:
    return list(result.fills.select("side", "price").iter_rows())


def test_inside_the_channel_nothing_is_done(compiled):
    touching = (100.0, 101.0, 99.0, 101.0)  # at the highest high, not above
    assert run(*QUIET, touching, *QUIET, compiled=compiled).orders.is_empty()


def test_before_the_range_is_known_nothing_is_done(compiled):
    assert run(*QUIET[:10], UP, *QUIET[:3], compiled=compiled).orders.is_empty()


def test_a_close_above_is_bought_at_the_next_open_with_stop_and_target_behind_it(compiled):
    calm = (101.5, 102.0, 101.0, 101.5)
    result = run(*QUIET, UP, calm, calm, compiled=compiled)
    assert done(result) == [(b25.BUY, 101.5)]
    assert result.fills["quantity"][0] == 25.0  # 1 % of 10 000 lost over two ranges of 2
    live = result.outcome.orders[result.outcome.orders["state"] < State.FILLED]
    # Two ranges below the entry, and four above; the range is 2 while 24 bars of 2 are in the window.
    assert sorted(live["stop_ticks"].tolist()) == [0, 9750]
    assert max(live["price_ticks"].tolist()) == 10950
    assert set(live["side"].tolist()) == {b25.SELL}


def test_the_stop_closes_and_the_target_goes_with_it(compiled):
    calm = (101.5, 102.0, 101.0, 101.5)
    result = run(*QUIET, UP, calm, (101.0, 101.0, 97.0, 97.25), calm, compiled=compiled)
    assert done(result)[:2] == [(b25.BUY, 101.5), (b25.SELL, 97.5)]
    assert result.trades["net"][0] == pytest.approx(-100.0)  # the risk that was asked for
    first = result.orders.filter(result.orders["side"] == b25.SELL).head(2)
    assert sorted(first["state"]) == ["cancelled", "filled"]


def test_a_gap_beyond_the_stop_costs_more(compiled):
    calm = (101.5, 102.0, 101.0, 101.5)
    result = run(*QUIET, UP, calm, (95.0, 95.5, 94.5, 95.0), compiled=compiled)
    assert done(result)[:2] == [(b25.BUY, 101.5), (b25.SELL, 95.0)]


def test_the_target_closes_and_the_stop_goes_with_it(compiled):
    calm = (101.5, 102.0, 101.0, 101.5)
    result = run(*QUIET, UP, calm, (102.0, 110.0, 101.5, 101.6), (101.6, 101.8, 90.0, 91.0), compiled=compiled, short=False)
    assert done(result) == [(b25.BUY, 101.5), (b25.SELL, 109.5)]
    assert not (result.outcome.orders["state"] < State.FILLED).any()


def test_a_stop_works_in_the_very_bar_of_the_entry(compiled):
    result = run(*QUIET, UP, (101.5, 102.0, 96.0, 97.0), compiled=compiled)
    assert done(result) == [(b25.BUY, 101.5), (b25.SELL, 97.5)]


def test_the_short_side_is_the_mirror_and_can_be_left_out(compiled):
    calm = (98.5, 99.0, 98.0, 98.5)
    result = run(*QUIET, DOWN, calm, (99.0, 103.0, 99.0, 102.0), compiled=compiled)
    assert done(result)[:2] == [(b25.SELL, 98.5), (b25.BUY, 102.5)]
    assert run(*QUIET, DOWN, calm, compiled=compiled, short=False).orders.is_empty()


def test_the_value_of_a_position_is_bounded(compiled):
    result = run(*QUIET, UP, (101.25, 102.0, 101.0, 101.5), risk=0.5, exposure_max=0.5, compiled=compiled)
    assert result.fills["quantity"][0] == 49.382  # half of 10 000 at 101.25
